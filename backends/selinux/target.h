// The target, as far as SELinux depends on it.
#pragma once

#include <set>
#include <string>

#include "backends/selinux/sepol/sepol.h"
#include "compiler/kernel/facts.h"

namespace ravelin::selinux {

struct TargetFacts {
  kernel::Version kernel{6, 1};
  unsigned policy_version = kNewestPolicyVersion;  // of the binary policy
  std::set<std::string> policy_capabilities = {"extended_socket_class", "nnp_nosuid_transition", "open_perms"};
  bool container = false;  // domains are started by a container runtime, and inherit base/container.cil
};

}  // namespace ravelin::selinux
