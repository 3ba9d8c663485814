// What can be attempted, by kind of object.  Each list is made for one domain; which of it is done is the plan's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"
#include "profiler/probe/attempt.h"

namespace ravelin::probe {

// An attempt on a file by its name.
struct FileVerb {
  enum class Needs { kFile, kFolder, kProgram, kNothing };  // what must stand at the path
  const char* name;
  const char* facet;
  const char* operation;
  Needs needs;
  bool changes;      // it, or what stands at the path
  bool owners_only;  // the kernel asks for the owner, whatever the policy says
  std::vector<Call> (*calls)(const std::string& path, bool owner);
  bool any_end = false;
  // Of root's files alone: the mode and the owner that the file gets before, and what it has afterwards again.
  std::optional<uint64_t> mode = std::nullopt;
  std::optional<uint64_t> user = std::nullopt;
  bool permitted_only = false;  // what is asked besides is not known of whoever may do it by another rule
};
const std::vector<FileVerb>& FileVerbs();
// Attempts with a value of the rule's (`command` of an ioctl) and with two names (links, renamings).
std::vector<Call> IoctlCalls(const std::string& path, uint64_t command, bool owner);
std::vector<Call> RenameCalls(const std::string& from, const std::string& to, bool owner);
std::vector<Call> LinkCalls(const std::string& old_name, const std::string& new_name, bool owner);

// Values in the sets of an attribute of the facet's rules, and one off.
struct Value {
  uint64_t value = 0;
  std::optional<uint32_t> rule;
  bool inside = false;
};
std::vector<Value> ValuesNear(const ir::Domain& domain, std::string_view facet, const std::string& attribute, const std::vector<uint64_t>& always);

std::vector<Probe> NetworkProbes(const ir::Domain& domain);
// Sockets of the file system, at a name that nothing has; its directory is there.
std::vector<Probe> UnixProbes(const std::string& path, std::optional<uint32_t> rule, bool inside, bool owner);
std::vector<Probe> SignalProbes(const ir::Domain& domain);
std::vector<Probe> TraceProbes();
std::vector<Probe> CapabilityProbes();
std::vector<Probe> MountProbes(const ir::Domain& domain, const std::string& point);
std::vector<Probe> SystemProbes(const ir::Domain& domain);  // whatever has no object with a name
// System calls at the bounds of conditions, of the policy's and of the view tables', then each with arguments of nothing.
std::vector<Probe> CallProbes(const ir::Domain& domain);

// For whoever stands there before the attempts: ignores every signal, and waits.
std::vector<Call> PeerCalls();

}  // namespace ravelin::probe
