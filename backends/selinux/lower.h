// From the intermediate representation to what an SELinux policy says (docs/semantics.md, chapter 9).
#pragma once

#include "backends/selinux/module.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

// `name` is that of the module: attributes and path types begin with it.  kUnsupported names what cannot be expressed.
Result<Module> Lower(const ir::Policy& policy, const std::string& name, const TargetFacts& target);

}  // namespace ravelin::selinux
