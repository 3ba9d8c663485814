// What a compiled policy says, read back from what libsepol makes of the binary.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/selinux/paths/nfa.h"
#include "compiler/base/result.h"
#include "compiler/ir/interval_set.h"

namespace ravelin::selinux {

struct DecodedTransition {
  std::string source, target, object_class, name, result;  // name "": any
  auto operator<=>(const DecodedTransition&) const = default;
};

struct DecodedPort {
  std::string protocol;
  uint64_t lo = 0;
  uint64_t hi = 0;
  std::string type;
};

struct DecodedPolicy {
  std::set<std::string> types;
  std::map<std::string, std::vector<std::string>> classes;  // all permissions, inherited ones included
  std::map<std::string, std::set<std::string>> attributes;  // members
  std::set<DecodedTransition> transitions;                  // attributes expanded
  std::map<std::vector<std::string>, ir::IntervalSet> commands;  // (source, target, class) -> ioctl commands, attributes expanded
  std::vector<DecodedPort> ports;
  std::set<std::string> policy_capabilities;
  std::set<std::string> permissive;
};

// Fails on a statement that it does not know and that could grant something.
Result<DecodedPolicy> DecodePolicy(std::string_view cil);

struct DecodedContext {
  std::string text;
  SplitRegex regex;
  std::string type;  // "": <<none>>
};
// Entries in the order in which the last one that matches wins.
Result<std::vector<DecodedContext>> DecodeContexts(std::string_view file_contexts);

}  // namespace ravelin::selinux
