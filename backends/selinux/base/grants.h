// The closed lists of grants beyond the rules (base/grants.tsv, container.tsv).
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

// What a domain of the container form inherits: target (`socket` is the block's own type), class, permissions; source is "".
std::span<const BaseGrant> ContainerGrants();
// The block `container` with what it needs, beside StandaloneBase.
std::string ContainerBase();

// CIL of the standalone base, classes included, for the policy capabilities that are given.
std::string StandaloneBase(const std::vector<std::string>& policy_capabilities);

}  // namespace ravelin::selinux
