// What code of an intruder can do from inside of a service.
//
// The intruder is a small program (profiler/intruder) that lies where the service's program does and begins in its domain: layers judge the
// domain, not what the process contains.  Each attack is a step of its own, as root.  It counts as refused only if the same program
// succeeds without confinement in the same kernel, and a layer of the set has recorded a refusal of that very process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "profiler/verify/scenario.h"
#include "profiler/verify/verify.h"

namespace ravelin::verify {

std::string_view IntruderImage();

// Those of policies/apps/intruder.attacks, which know no application; what that file says of single policies is left out.
Scenario BuiltinAttacks();

// The attacks of a scenario as steps of one, with the intruder in place of `program`.
Scenario AttackScenario(const Scenario& attacks, const std::string& program);

enum class AttackEnd { kRefused, kSucceeded, kInconclusive };

// One attack under one layer set.
struct AttackResult {
  size_t attack = 0;  // of the scenario
  AttackEnd end = AttackEnd::kInconclusive;
  std::string why;                             // inconclusive: why
  int error = 0;                               // refused: errno; 0 where a signal ended it
  std::vector<kernels::Observation> refusals;  // of its process, by layers of the set
};

// By layer set, in the order of the report; `report` is of the steps of AttackScenario.
std::vector<std::vector<AttackResult>> JudgeAttacks(const Scenario& attacks, const Report& report);

}  // namespace ravelin::verify
