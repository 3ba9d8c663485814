// FilterSpec to BPF.
//
// Dispatch is arch, then a minimum-expected-cost comparison tree over the number ranges (dynamic programming, weighted
// by a profile or uniform), then the argument tests of the call as a tree over each word's values.  Identical
// sub-programs are shared.  Only loads of arch and number and compare-with-constant precede a constant answer, so that
// the kernel's cache (Linux >= 5.11) serves every constant allow.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/seccomp/filter_spec.h"
#include "backends/seccomp/program.h"
#include "compiler/base/result.h"

namespace ravelin::seccomp {

struct CodegenOptions {
  // Relative frequency of each call by name; empty: uniform over the known calls.  A call that is not named has weight
  // 0 and is placed by the uniform cost among the others of weight 0.
  std::map<std::string, double> frequencies;
  bool optimize = true;  // false: straight chains in number order, for tests (same decisions)
};

struct Generated {
  Program program;
  // False where tests of one argument under many masks were too many to follow: some that cannot come out otherwise may be repeated.
  bool contexts_told_apart = true;
  std::vector<std::string> notes;  // one an instruction: what it decides, and the source that it comes from, for listings
};

// Fails with kTooLarge when the program would exceed 4096 instructions; the message names the rules that cost most.
Result<Generated> Generate(const FilterSpec& spec, const CodegenOptions& options);

}  // namespace ravelin::seccomp
