// IR to FilterSpec: which answer each (architecture, number, registers) gets, by docs/semantics.md chapter 4.
#pragma once

#include "backends/seccomp/filter_spec.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

// Total: any IR of a policy without errors lowers.
FilterSpec Lower(const ir::Domain& domain);

}  // namespace ravelin::seccomp
