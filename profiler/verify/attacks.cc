#include "profiler/verify/attacks.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>

#include "compiler/base/check.h"
#include "profiler/verify/embedded_attacks.h"

namespace ravelin::verify {
namespace {

using kernels::Observation;
using kernels::StepResult;

// Where the neighbour's program lies: no domain begins there.
constexpr const char* kNeighbourProgram = "/neighbour";

std::string EndOf(const StepResult& step) {
  if (!step.why_not.empty()) return "was not started (" + step.why_not + ")";
  if (!step.ended) return "did not end";
  if (step.signal != 0) return fmt::format("was ended by signal {}", step.signal);
  const char* name = strerrorname_np(step.exit_code);
  return fmt::format("fails with {}", name == nullptr ? std::to_string(step.exit_code) : name);
}

AttackResult Judge(size_t attack, const StepResult& free, const StepResult& confined, const LayerVerdict& verdict) {
  AttackResult out;
  out.attack = attack;
  if (!free.ended || free.exit_code != 0) {
    out.why = "without confinement it " + EndOf(free);
    return out;
  }
  if (!confined.started || !confined.ended) {
    out.why = "it " + EndOf(confined);
    return out;
  }
  if (confined.exit_code == 0) {
    out.end = AttackEnd::kSucceeded;
    return out;
  }
  std::copy_if(verdict.refusals.begin(), verdict.refusals.end(), std::back_inserter(out.refusals), [&](const Observation& one) { return one.process == confined.process; });
  if (out.refusals.empty()) {
    out.why = fmt::format("it {}, and no layer has recorded that it refused anything", EndOf(confined));
    return out;
  }
  out.end = AttackEnd::kRefused;
  out.error = std::max(confined.exit_code, 0);
  return out;
}

}  // namespace

Scenario BuiltinAttacks() {
  auto attacks = ParseScenario(EmbeddedAttacks("intruder.attacks"), "the built-in attacks");
  RAVELIN_CHECK(attacks.has_value(), "the built-in attacks cannot be read");
  attacks->granted.clear();
  return std::move(*attacks);
}

Scenario AttackScenario(const Scenario& attacks, const std::string& program) {
  Scenario out;
  out.folders = attacks.folders;
  out.files = attacks.files;
  out.modules = attacks.modules;
  out.compare_output = false;
  const std::string image(IntruderImage());
  out.files.push_back({program, image, 0755});
  if (!attacks.neighbour.empty()) {
    out.files.push_back({kNeighbourProgram, image, 0755});
    Step serve;
    serve.step.kind = kernels::Step::Kind::kStart;
    serve.step.program = kNeighbourProgram;
    serve.step.arguments = {kNeighbourProgram, "serve", attacks.neighbour};
    out.steps.push_back(std::move(serve));
    Step wait;
    wait.step.kind = kernels::Step::Kind::kPath;
    wait.step.path = attacks.neighbour;
    out.steps.push_back(std::move(wait));
  }
  for (const Attack& attack : attacks.attacks) {
    Step step;
    step.confined = true;
    step.may_fail = true;  // each is judged by itself
    step.step.arguments = {program};
    step.step.arguments.insert(step.step.arguments.end(), attack.words.begin(), attack.words.end());
    if (attack.on_neighbour) step.step.process_of = 0;
    out.steps.push_back(std::move(step));
  }
  return out;
}

std::vector<std::vector<AttackResult>> JudgeAttacks(const Scenario& attacks, const Report& report) {
  std::vector<std::vector<AttackResult>> out;
  const size_t first = attacks.neighbour.empty() ? 0 : 2;
  for (const LayerVerdict& verdict : report.verdicts) {
    std::vector<AttackResult>& results = out.emplace_back();
    for (size_t i = 0; i < attacks.attacks.size(); ++i) {
      if (verdict.verdict == Verdict::kInconclusive) {
        results.push_back({i, AttackEnd::kInconclusive, fmt::format("{}", fmt::join(verdict.reasons, "; ")), 0, {}});
      } else {
        results.push_back(Judge(i, verdict.unconfined.at(first + i), verdict.outcome.steps.at(first + i), verdict));
      }
    }
  }
  return out;
}

}  // namespace ravelin::verify
