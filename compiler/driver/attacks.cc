#include "compiler/driver/attacks.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/explain_event.h"
#include "compiler/ir/pattern.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using verify::AttackEnd;
using verify::AttackResult;

// What the policy and its layer sets say of the attempt that an attack comes down to.
struct Attempt {
  std::string permitted;  // by which rule of the policy, some way of it; "": by none
  std::vector<SetAnswer> sets;
};

class Accounts {
 public:
  Accounts(Frontend& front, size_t domain, const verify::Scenario& attacks, const verify::Report& report) : front_(front), domain_(domain), attacks_(attacks), report_(report) {}

  Result<std::vector<AttackedSet>> Run() {
    for (const verify::Attack& attack : attacks_.attacks) {
      RAVELIN_TRY(attempt, AttemptOf(attack));
      if (attempt.permitted.empty() && GrantOf(attack.name) != nullptr) return Fail(ErrorCode::kMalformed, fmt::format("attack `{}` is said to be granted to {}, and the policy refuses it", attack.name, Policy().name));
      attempts_.push_back(std::move(attempt));
    }
    std::vector<AttackedSet> out;
    const auto results = verify::JudgeAttacks(attacks_, report_);
    for (size_t set = 0; set < results.size(); ++set) {
      AttackedSet& one = out.emplace_back();
      one.layers = report_.verdicts[set].layers;
      for (const AttackResult& result : results[set]) {
        RAVELIN_TRY(answer, AnswerOf(report_.verdicts[set], result));
        one.answers.push_back(std::move(answer));
      }
    }
    return out;
  }

 private:
  const ir::Domain& Policy() const { return front_.policy.domains[domain_]; }

  Result<Attempt> AttemptOf(const verify::Attack& attack) {
    diag::Sink sink;
    const auto written = ReadEvent(attack.event, front_, domain_, kernel::Arch::kX86_64, sink);
    const auto malformed = [&] { return Fail(ErrorCode::kMalformed, fmt::format("attack `{}`: `{}` is no attempt: {}", attack.name, attack.event, sink.All().empty() ? "" : sink.All().front().message)); };
    if (!written) return malformed();
    Attempt out;
    if (written->call) {
      const ir::Decision decision = oracle::DecideCall(Policy(), *written->call);
      if (decision.permitted()) out.permitted = DescribeCause(Policy(), *written->call, decision, front_.sources);
      RAVELIN_TRY(sets, LayersOfCall(front_, domain_, *written->call));
      out.sets = std::move(sets);
      return out;
    }
    RAVELIN_TRY(answers, ExplainAttempts(front_, domain_, written->attempts, sink));
    if (!answers) return malformed();
    for (EventAnswer& answer : *answers) {
      if (answer.decision.permitted()) out.permitted = answer.cause;
      out.sets.insert(out.sets.end(), std::make_move_iterator(answer.sets.begin()), std::make_move_iterator(answer.sets.end()));
    }
    return out;
  }

  const verify::Granted* GrantOf(const std::string& attack) const {
    for (const verify::Granted& one : attacks_.granted) {
      if (one.attack == attack && std::find(one.policies.begin(), one.policies.end(), Policy().name) != one.policies.end()) return &one;
    }
    return nullptr;
  }

  Result<AttackAnswer> AnswerOf(const verify::LayerVerdict& verdict, const AttackResult& result) const {
    AttackAnswer out;
    out.attack = attacks_.attacks[result.attack].name;
    if (result.end == AttackEnd::kInconclusive) {
      out.cause = result.why;
    } else if (result.end == AttackEnd::kSucceeded) {
      Account(verdict.layers, result.attack, out);
    } else if (auto explained = Explain(verdict, result, out); !explained) {
      return tl::make_unexpected(std::move(explained.error()));
    }
    return out;
  }

  // The rule behind the last refusal: what the attack ended by.
  Result<void> Explain(const verify::LayerVerdict& verdict, const AttackResult& result, AttackAnswer& out) const {
    verify::Report only;
    verify::LayerVerdict& one = only.verdicts.emplace_back();
    one.layers = verdict.layers;
    one.refusals = {result.refusals.back()};
    RAVELIN_TRY(refusals, ExplainRefusals(front_, domain_, only));
    out.verdict = AttackVerdict::kRefused;
    out.error = std::string(kernel::ErrnoName(result.error));
    if (refusals.empty()) return {};
    out.layer = refusals.front().layers.front();
    out.shown = refusals.front().shown;
    out.cause = refusals.front().cause;
    return {};
  }

  void Account(const std::vector<std::string>& layers, size_t attack, AttackAnswer& out) const {
    const Attempt& attempt = attempts_[attack];
    if (const verify::Granted* granted = GrantOf(out.attack); granted != nullptr) {
      out.verdict = AttackVerdict::kGranted;
      out.cause = granted->because;
      return;
    }
    out.verdict = AttackVerdict::kUnaccounted;
    out.permitted = attempt.permitted;
    if (!attempt.permitted.empty()) {
      out.cause = "the policy permits it, and nothing says that it is no attack there";
      return;
    }
    // Each way in which the set lets it pass has to be accepted: which one it was, nobody saw.
    std::string open;
    for (const SetAnswer& set : attempt.sets) {
      if (!std::is_permutation(set.layers.begin(), set.layers.end(), layers.begin(), layers.end()) || set.effective == LayerVerdict::kRefuses) continue;
      if (set.accepted.empty()) open = set.gap;
      else out.cause = fmt::format("{}   accepted at {}", set.gap, set.accepted);
    }
    if (open.empty() && !out.cause.empty()) {
      out.verdict = AttackVerdict::kAccepted;
      return;
    }
    out.cause = open.empty() ? "the policy refuses it, and no accepted gap lets it pass" : fmt::format("the policy refuses it, and a gap that is not accepted lets it pass: {}", open);
  }

  Frontend& front_;
  const size_t domain_;
  const verify::Scenario& attacks_;
  const verify::Report& report_;
  std::vector<Attempt> attempts_;
};

}  // namespace

const char* AttackVerdictText(AttackVerdict verdict) {
  switch (verdict) {
    case AttackVerdict::kRefused: return "refused";
    case AttackVerdict::kAccepted: return "accepted";
    case AttackVerdict::kGranted: return "granted";
    case AttackVerdict::kUnaccounted: return "unaccounted";
    case AttackVerdict::kInconclusive: return "inconclusive";
  }
  return "";
}

Result<Workload> AttackWorkload(const Frontend& front, size_t domain, const verify::Scenario& attacks, const std::string& otherwise, Workload out) {
  const ir::Domain& policy = front.policy.domains[domain];
  const auto literal = std::find_if(policy.attach.begin(), policy.attach.end(), [](const std::string& one) { return ir::IsLiteral(one); });
  const std::string program = literal != policy.attach.end() ? *literal : otherwise;
  if (program.empty()) return Fail(ErrorCode::kUnsupported, fmt::format("policy {} attaches to no program by its name, and an intruder has to begin somewhere", policy.name));
  out.scenario = verify::AttackScenario(attacks, program);
  out.deployed_alone = true;
  return out;
}

Result<std::vector<AttackedSet>> AccountForAttacks(Frontend& front, size_t domain, const verify::Scenario& attacks, const verify::Report& report) { return Accounts(front, domain, attacks, report).Run(); }

}  // namespace ravelin::driver
