// From the intermediate representation to what an SELinux policy says (docs/semantics.md, chapter 9).
#pragma once

#include "backends/selinux/host.h"
#include "backends/selinux/module.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

struct LowerOptions {
  std::string name;      // of the module: attributes and path types begin with it
  int folder_depth = 0;  // directories of what may be created or removed get types of their own from this depth on
  TargetFacts target;
  const HostFacts* host = nullptr;  // the policy that the module is to stand beside
};

// kUnsupported names what cannot be expressed.
Result<Module> Lower(const ir::Policy& policy, const LowerOptions& options);

// The rule (or the domain that attaches it) that names one of the patterns.
void PlaceConflict(const ir::Policy& policy, const std::vector<std::string>& patterns, Conflict& conflict);

}  // namespace ravelin::selinux
