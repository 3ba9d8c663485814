// What a compiled policy says, read back from what libsepol makes of the binary.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/selinux/paths/regex.h"
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

// An entry of genfscon.
struct DecodedKernelName {
  std::string filesystem;
  std::string begin;         // of the name below the mount; "/": of all
  std::string type;
  std::string object_class;  // that alone; "": whatever it is
};

struct DecodedPolicy {
  std::set<std::string> types;
  std::map<std::string, std::vector<std::string>> classes;       // all permissions, inherited ones included
  std::map<std::string, std::set<std::string>> attributes;       // members
  std::set<DecodedTransition> transitions;                       // attributes expanded
  std::map<std::vector<std::string>, ir::IntervalSet> commands;  // (source, target, class) -> ioctl commands, attributes expanded
  std::vector<DecodedPort> ports;
  std::set<std::string> policy_capabilities;
  std::set<std::string> permissive;
  std::set<std::string> conditional;     // types that are granted something under a boolean that is none of `booleans`
  std::vector<DecodedKernelName> kernel_names;
  std::set<std::string> of_filesystems;  // types that objects have by their file system
};

// Fails on a statement that it does not know and that could grant something.
Result<DecodedPolicy> DecodePolicy(std::string_view cil, const std::set<std::string>& booleans = {});

// What a module's own text says and a binary does not.
struct DecodedModule {
  std::set<std::string> types;                // that it declares
  std::set<std::vector<std::string>> nevers;  // (source, target, class, permission) of neverallow; attributes as they stand
  std::map<std::vector<std::string>, ir::IntervalSet> never_commands;  // (source, target, class) of neverallowx: of ioctl
};
Result<DecodedModule> DecodeModule(std::string_view cil);

struct DecodedContext {
  std::string text;
  SplitRegex regex;
  std::string type;       // "": <<none>>
  bool host = false;      // of the host's policy
  std::string kind = "";  // of file, by its letter in file_contexts; "": any
};
// Entries in the order in which the last one that matches wins.
Result<std::vector<DecodedContext>> DecodeContexts(std::string_view file_contexts);

// All entries of a host in the order of `sorted`; those of `own` (regular expressions) are the module's.  What stands before the
// first of them, and before the first for a type in `reused`, loses against it and is left out.  `unknown` names regular expressions that are not understood.
Result<std::vector<DecodedContext>> MergedContexts(std::string_view sorted, const std::vector<DecodedContext>& own, const std::set<std::string>& reused, std::vector<std::string>& unknown);

}  // namespace ravelin::selinux
