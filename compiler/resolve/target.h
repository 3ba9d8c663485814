// The machine that a policy is compiled for: `when` conditions read it, and it supplies what a policy does not state.
//
// A descriptor is a text file of `key = value` lines (policies/targets/*.target, embedded); `#` begins a comment.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/kernel/facts.h"

namespace ravelin::resolve {

struct Target {
  std::string name;
  std::string description;
  kernel::Arch arch = kernel::Arch::kX86_64;
  kernel::Version kernel{6, 1};
  std::set<std::string> features;  // words for target.feature("..."): "userns", "io_uring", ...
  std::string apparmor_features = "6.1";   // a set of compiler/kernel/tables/apparmor_features.tsv
  std::string apparmor_parser = "3.0.8";   // version of the target's apparmor_parser
  std::set<std::string> modules = {"apparmor", "selinux"};  // that the kernel is built with
  unsigned selinux_policy_version = 33;                     // of the binary policy that the kernel loads
  std::set<std::string> selinux_policy_capabilities = {"extended_socket_class", "nnp_nosuid_transition", "open_perms"};
  std::vector<std::vector<std::string>> layer_sets;  // for policies without a `layers` statement
};

// False for a security module that the target's kernel lacks.
bool HasLayer(const Target& target, std::string_view layer);

// Reads a descriptor; the error says which line is wrong.  `name` is used where the text states none.
Result<Target> ParseTarget(std::string_view text, std::string name);
// Names of the built-in descriptors, sorted.
std::vector<std::string> BuiltinTargets();
// A built-in descriptor, or kNotFound.
Result<Target> BuiltinTarget(std::string_view name);

// Mechanisms that a layer set may name.
bool IsLayerName(std::string_view name);
inline constexpr std::string_view kDefaultTarget = "debian12";

}  // namespace ravelin::resolve
