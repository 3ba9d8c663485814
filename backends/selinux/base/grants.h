// The closed list of grants beyond the rules (base/grants.tsv).
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ravelin::selinux {

struct BaseGrant {
  std::string source;  // domain, launcher
  std::string target;  // self, launcher, domain, entry, terminals
  std::string object_class;
  std::vector<std::string> permissions;
  std::string reason;
};
std::span<const BaseGrant> BaseGrants();

// CIL of the standalone base, classes included, for the policy capabilities that are given.
std::string StandaloneBase(const std::vector<std::string>& policy_capabilities);

}  // namespace ravelin::selinux
