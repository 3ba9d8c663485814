// The proof: a BPF program equals Up(A) of the policy for all inputs (arch, number, instruction pointer, six arguments).
//
// The program is executed symbolically into a multi-terminal decision diagram over all 512 input bits; the policy's
// right-hand side is derived from the IR and the view tables alone (docs/semantics.md, chapter 4), symbolically and
// without any code of lowering or emission.  Diagrams are canonical: equality is one comparison, and a difference has a
// witness.  This folder includes no emitter header (a test holds that).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/seccomp/program.h"
#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

struct Counterexample {
  ir::Event event;
  ir::Action expected;  // by the policy
  uint32_t actual = 0;  // the program's return value
};
struct ProofResult {
  bool proved = false;
  std::optional<Counterexample> counterexample;  // absent when proved, or when `why_not` says why it could not be judged
  std::string why_not;                           // "program is not valid: ...", "more than N diagram nodes"
  size_t nodes = 0;
};

// What is compared where.
struct ProofScope {
  // Off: numbers of x32 and foreign architectures need only be refused in both, whatever the action (what a runtime's
  // loader adds by itself is not stated in its profile).
  bool exact_outside = true;
  std::optional<kernel::Arch> only_arch;  // compare this architecture's entry only
};

ProofResult Prove(const ir::Domain& domain, const Program& program, bool big_endian, const ProofScope& scope = {});

// The second opinion, by Z3 over bit-vectors.  `why_not` when this build has no Z3 or Z3 gives up: inconclusive, not a failure.
ProofResult ProveWithZ3(const ir::Domain& domain, const Program& program, bool big_endian);

}  // namespace ravelin::seccomp
