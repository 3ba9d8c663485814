// What an SELinux policy says, before it is text.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backends/selinux/target.h"
#include "compiler/ir/interval_set.h"

namespace ravelin::selinux {

// Which rules brought a statement about: "web.rav:7:3 allow file", or "default allow file", "base: ...".
using Places = std::set<std::string>;

struct DomainTypes {
  std::string name;        // of the policy
  std::string type;        // of its processes
  std::string entry_type;  // of programs that start it, where nothing is attached
  bool attached = false;   // the paths of `attach` have types of their own instead
};

// A type for the paths that exactly the same patterns match.
struct PathType {
  std::string type;
  std::vector<std::string> patterns;
  std::string witness;  // one of its paths
  Places from;
  bool host = false;  // the type is the host's
};

// One entry of file_contexts.
struct FileContext {
  std::string regex;
  std::string type;
};

struct PortType {
  std::string type;
  ir::IntervalSet ports;
  std::set<std::string> protocols;  // of tcp, udp, dccp, sctp: those that a rule about the ports can mean
  bool host = false;                // the type is the host's, and has other ports, too
};

// A portcon of the host's policy.
struct HostPort {
  std::string protocol;
  uint64_t lo = 0;
  uint64_t hi = 0;
  std::string type;
};

struct Access {
  std::string source;
  std::string target;  // a type or an attribute
  std::string object_class;
  auto operator<=>(const Access&) const = default;
};
struct Allowed {
  std::map<std::string, Places> permissions;
};
// Commands (the low 16 bits) that `ioctl` is restricted to.
struct Commands {
  ir::IntervalSet values;
  Places from;
};

struct Transition {
  std::string source;
  std::string target;        // type of the program, or of the directory
  std::string object_class;  // process, or of the object that is made
  std::string name;          // last component, or "" for any
  auto operator<=>(const Transition&) const = default;
};

struct Never {
  std::string source;
  std::string target;
  std::string object_class;
  std::vector<std::string> permissions;
  std::string place;
  std::optional<ir::IntervalSet> commands;  // of ioctl, which is granted for others: these must never be
};

// Where the label that an object has is not the one that file_contexts gives its path.
struct LabelDifference {
  std::string domain;
  std::string path;      // a witness
  std::string labelled;  // by file_contexts
  std::string has;       // at creation, or what it had under the name from which it was renamed
  bool renamed = false;
  std::string object_class;  // of what is created; "" where it is renamed: whatever may be
  std::string by;            // where a directory above it is renamed: its new name; else ""
};
std::string DifferenceText(const LabelDifference& difference);

// What cannot stand beside the host's policy, with the rule that it comes from.
struct Conflict {
  enum class Kind { kName,
                    kLabel,
                    kPort };
  Kind kind = Kind::kName;
  size_t domain = 0;
  std::optional<uint32_t> rule;  // else the domain itself
  std::string text;
  std::string help;
};

struct Module {
  std::string name;
  std::vector<DomainTypes> domains;
  std::vector<PathType> paths;
  std::vector<FileContext> contexts;  // in the order that libsepol sorts them to
  std::vector<PortType> ports;
  std::set<std::string> labels;  // types of files that rules name by `label(...)`
  std::set<std::string> peers;   // types of processes that rules name so
  std::map<Access, Allowed> allows;
  std::map<Access, Commands> commands;
  std::map<Transition, std::pair<std::string, Places>> transitions;
  std::vector<Never> nevers;
  std::set<std::string> policy_capabilities;
  std::map<std::string, Places> wide;  // facets that are permitted by default, by domain
  std::vector<std::string> choices;    // of types for what the host has types for
  std::vector<LabelDifference> differences;
  std::vector<Conflict> conflicts;  // with the host; nothing can be compiled where there is any
  std::map<std::string, std::map<Access, Allowed>> conditional;  // by boolean, beside `allows`: what is granted while it is on
  std::map<Access, Allowed> base;   // grants of base/grants.tsv, apart from `allows`
};

}  // namespace ravelin::selinux
