// Random policies as source text, and calls that their answers turn on.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"
#include "compiler/kernel/facts.h"

namespace ravelin::testing {

struct RandomPolicy {
  std::string text;
  kernel::Arch arch = kernel::Arch::kX86_64;
  std::set<std::string> kinds;  // rule kinds that it uses
};

// Several rules for the same calls, OR of ANDs, mixed operators, one argument tested more than once, all widths; rules of
// every kind that reaches seccomp.
RandomPolicy MakePolicy(std::mt19937_64& random);

// Calls near the policy: its own calls and those of its facets, with argument values on and beside every constant, with
// garbage in the upper half; unknown, x32 and foreign numbers.
std::vector<ir::Event> MakeEvents(const ir::Domain& domain, size_t count, std::mt19937_64& random);

}  // namespace ravelin::testing
