// Attacks on a policy's domain, and what the source says of those that get through.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/frontend.h"
#include "compiler/driver/verify.h"
#include "profiler/verify/attacks.h"

namespace ravelin::driver {

// kRefused: by a layer of the set.  kAccepted: it got through, as a gap says that the policy accepts.  kGranted: the policy permits it, and the
// attacks' file says why that is no attack.  kUnaccounted: it got through, and nothing says that it may.
enum class AttackVerdict { kRefused, kAccepted, kGranted, kUnaccounted, kInconclusive };
const char* AttackVerdictText(AttackVerdict verdict);  // "refused", "accepted", ...

struct AttackAnswer {
  std::string attack;
  AttackVerdict verdict = AttackVerdict::kInconclusive;
  std::string layer;  // refused: by which
  std::string error;  // refused: "EACCES", or "" where a signal ended it
  std::string shown;  // refused: what was, in the policy's words
  std::string permitted;  // the policy's rule that permits the attempt, "" where the policy refuses it
  std::string cause;  // refused: rule or default; accepted: the acceptance; granted: why; else what is wrong
};

struct AttackedSet {
  std::vector<std::string> layers;
  std::vector<AttackAnswer> answers;  // in the order of the attacks
};

// The workload of the attacks on this domain, which begin as its program does; where the policy does not say by which program it begins, as
// `otherwise`, and kUnsupported where that is "".  `out`: where it runs; its own workload is replaced.
Result<Workload> AttackWorkload(const Frontend& front, size_t domain, const verify::Scenario& attacks, const std::string& otherwise = "", Workload out = {});

// kMalformed where an attack's event is not one, or what is `granted` is refused by the policy.
Result<std::vector<AttackedSet>> AccountForAttacks(Frontend& front, size_t domain, const verify::Scenario& attacks, const verify::Report& report);

}  // namespace ravelin::driver
