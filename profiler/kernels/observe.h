// From audit records to the oracle's events.
//
// A mechanism's record says what was asked in the mechanism's own words.  Here it becomes the attempt that the language speaks of, as far
// as the records of its call tell; what they do not tell is left open, and what has no word in the language is kept as text.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/event.h"
#include "compiler/kernel/facts.h"
#include "profiler/kernels/audit.h"

namespace ravelin::kernels {

enum class Source {
  kSeccomp,
  kApparmor,
  kSelinux,
  kNobody,  // a call ended with EACCES or EPERM, and no mechanism was asked: file permissions, capabilities, or the host
};

struct Observation {
  Source source = Source::kNobody;
  double time = 0;
  uint64_t serial = 0;
  int process = 0;
  std::string command;
  std::string subject;  // profile or type; "" for seccomp
  bool refused = true;  // else recorded and permitted
  std::optional<ir::Event> call;         // seccomp: the call; of others where its record is there
  bool arguments_known = true;           // false: of `call` the number alone; a kernel whose filters come before its audit records no more
  std::array<std::string, 6> texts;      // paths that the call's arguments point to, where they are known
  std::vector<ir::ObjectCheck> checks;   // what was asked; empty where the language has no word for it
  std::string path;                      // of the object, where it has one
  std::string text;                      // the record in a few words: "apparmor open r /etc/shadow"
  bool owner_unknown = false;            // the file belongs to a user that the guest cannot see
  int error = 0;                         // errno that the call ended with, 0 where it is not known
};

std::vector<Observation> Observe(const std::vector<AuditEvent>& events);

// Whether the argument points to the name of a file.
bool NamesFile(const kernel::Param& param);
// By argument: the paths that a call's arguments point to, which come in their order.
std::array<std::string, 6> TextsOf(const ir::Event& call, const std::vector<std::string>& paths);

// Policies speak of resolved names (docs/semantics.md, 6.1); records of SELinux have a name as the caller gave it.  `roots` as ResolveIn has them.
void ResolvePaths(const std::vector<std::string>& roots, Observation& one);

// --- the parts, each in its own file

// What the records of an event say together.
struct CallContext {
  const AuditEvent& event;
  std::optional<ir::Event> call;
  std::string name;                // of the call: "openat"
  std::vector<std::string> paths;  // absolute, as PATH records name them
  std::vector<bool> owned;         // by the caller, of each of them
};
CallContext ContextOf(const AuditEvent& event);
// A path as the caller named it, made absolute and without `.` and `..`; symbolic links are not followed.
std::string Absolute(const std::string& cwd, const std::string& path);
ir::ObjectCheck Check(std::string_view facet, std::string_view operation);

void ObserveApparmor(const AuditRecord& record, const CallContext& context, Observation& out);
void ObserveSelinux(const AuditRecord& record, const CallContext& context, Observation& out);

}  // namespace ravelin::kernels
