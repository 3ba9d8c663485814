// The two sides of the proof, as diagrams.
#pragma once

#include <optional>
#include <string>

#include "backends/seccomp/program.h"
#include "compiler/ir/bdd.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

// The program's return value for every input, actions as the kernel takes them.  `arch`: the architecture is known to be
// this one.  Fails, naming the instruction, on what cannot be represented.
Result<ir::Diagrams::Node> SymbolicProgram(const Program& program, bool big_endian, std::optional<uint32_t> arch, ir::Diagrams& diagrams);

// Up(A) of one architecture: the action's SECCOMP_RET_* for every number and all arguments (docs/semantics.md, chapter 4).
ir::Diagrams::Node SymbolicPolicy(const ir::Domain& domain, kernel::Arch arch, ir::Diagrams& diagrams);

}  // namespace ravelin::seccomp
