// Attacks on what was learned.
#include <fmt/format.h>

#include "compiler/driver/learn.h"

namespace ravelin::driver {

Result<std::vector<AttackedSet>> AttackLearned(Frontend& front, const verify::Scenario& attacks, const Workload& workload, const std::string& program, const std::function<void(const std::string&)>& progress) {
  RAVELIN_TRY(attacked, AttackWorkload(front, 0, attacks, program, workload));
  RAVELIN_TRY(prepared, PrepareVerification(front, 0, attacked));
  if (!prepared) return Fail(ErrorCode::kMalformed, RenderText(front.sink, front.sources, {}));
  RAVELIN_TRY(report, verify::Verify(*prepared, [&](const std::string& line) { progress("attacks, " + line); }));
  RAVELIN_TRY(sets, AccountForAttacks(front, 0, attacks, report));
  for (AttackedSet& set : sets) {
    for (AttackAnswer& one : set.answers) {
      if (one.verdict != AttackVerdict::kUnaccounted || one.permitted.empty()) continue;
      one.verdict = AttackVerdict::kGranted;
      one.cause = fmt::format("the workload does it: {}", one.permitted);
    }
  }
  return sets;
}

}  // namespace ravelin::driver
