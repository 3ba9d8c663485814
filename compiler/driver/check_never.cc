// `never`: an assertion over what is permitted in effect (docs/semantics.md, clause 7.4).
#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_text.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::driver {
namespace {

using ir::Effect;
using ir::Predicate;
using ir::Rule;

class Judge {
 public:
  Judge(combine::Effective& effective, const seccomp::FilterSpec& spec) : effective_(effective), domain_(effective.domain()), spec_(spec) {}

  NeverResult Run(const Rule& never) {
    NeverResult result;
    result.rule = never.id;
    for (const Rule& rule : domain_.rules) {
      const auto to = rule.texts.find("transition");
      if (rule.effect == Effect::kAllow && to != rule.texts.end() && to->second.front() == "unconfined_danger") {
        return {never.id, NeverVerdict::kViolated, fmt::format("the unconfined exec at {} escapes every assertion", rule.from.place)};
      }
      const bool leaves = to != rule.texts.end() && std::find_if(to->second.begin(), to->second.end(), [](const std::string& one) { return one == "attached" || one == "unconfined_danger"; }) != to->second.end();
      if (rule.effect == Effect::kAllow && (leaves || LeavesTheFile(rule))) return {never.id, NeverVerdict::kViolated, fmt::format("what {} permits may lead to a domain of which this file does not say anything", rule.from.place)};
    }
    if (kernel::Facets()[never.facet].name == "syscall") {
      if (const auto witness = PermittedCall(never)) return {never.id, NeverVerdict::kViolated, fmt::format("`{}` is permitted", *witness)};
      return result;
    }
    bool undecided = false;
    for (size_t i = 0; i < kernel::Facets()[never.facet].operations.size(); ++i) {
      if ((never.operations >> i & 1) == 0) continue;
      const auto operation = static_cast<int>(i);
      auto reached = OfThePolicy(never, operation);
      if (reached && reached->empty()) reached = OfTheLayers(never, operation, &undecided);
      if (!reached) return {never.id, NeverVerdict::kInconclusive, reached.error().message};
      if (!reached->empty()) return {never.id, NeverVerdict::kViolated, *reached};
    }
    if (!undecided) return result;
    return {never.id, NeverVerdict::kInconclusive, "a filter permits calls that could reach it, and a layer set holds a layer that is not built"};
  }

 private:
  // A change of domain that is not to a policy of the file alone.
  static bool LeavesTheFile(const Rule& rule) {
    if (kernel::Facets()[rule.facet].name != "domain") return false;
    const auto to = rule.texts.find("to");
    return to == rule.texts.end() || std::any_of(to->second.begin(), to->second.end(), [](const std::string& name) { return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != std::string::npos; });
  }

  // A permitted call that a `never syscall` rule matches.
  std::optional<std::string> PermittedCall(const Rule& never) {
    for (const ir::CallMatch& match : never.calls) {
      const seccomp::CallAnswer* answer = seccomp::AnswerOf(spec_, match.arch, match.number);
      if (answer == nullptr) continue;
      const auto args = ir::FindArgs(Predicate::And({match.when, seccomp::PermittedBy(*answer)}));
      if (args) return ShowCall(match.arch, *kernel::FindSyscall(match.arch, match.number), *args);
    }
    return std::nullopt;
  }

  static bool Has(const std::vector<std::string>& set, std::string_view layer) { return std::find(set.begin(), set.end(), layer) != set.end(); }

  // The first permitted attempt among `permitted` that the `never` names; "" for none.  `filtered`: it has to pass the filter.
  Result<std::string> First(const Rule& never, int operation, const ir::Boxes& permitted, bool filtered, const std::vector<std::string>& set) {
    RAVELIN_TRY(named, ir::BoxOf(never, operation));
    for (const ir::Box& box : permitted) {
      RAVELIN_TRY(both, ir::Meet(box, named));
      if (!both) continue;
      std::optional<combine::Carrier> carrier;
      if (filtered) {
        carrier = effective_.FindCarrier(never.facet, operation, *both, combine::Effective::Ways::kAll);
        if (!carrier) continue;
      }
      return WitnessText(domain_, {never.id, never.facet, operation, true, set, "", ir::MemberOf(*both), carrier});
    }
    return std::string();
  }

  // What the policy itself permits, where the calls that carry it out are permitted as well.
  Result<std::string> OfThePolicy(const Rule& never, int operation) {
    RAVELIN_TRY(permitted, effective_.Permitted(never.facet, operation));
    RAVELIN_TRY(reached, First(never, operation, *permitted, true, {}));
    if (reached.empty()) return reached;
    RAVELIN_TRY(named, ir::BoxOf(never, operation));
    for (const Rule& rule : domain_.rules) {
      if (rule.facet != never.facet || (rule.operations >> operation & 1) == 0 || (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain)) continue;
      RAVELIN_TRY(own, ir::BoxOf(rule, operation));
      RAVELIN_TRY(both, ir::Meet(own, named));
      if (both) return fmt::format("the rule at {} permits {}", rule.from.place, reached);
    }
    return fmt::format("a default permits {}", reached);
  }

  // What a declared layer set lets pass all the same.
  Result<std::string> OfTheLayers(const Rule& never, int operation, bool* undecided) {
    for (const auto& set : domain_.layer_sets) {
      const bool filtered = Has(set, "seccomp");
      if (!std::all_of(set.begin(), set.end(), [](const std::string& layer) { return IsBuilt(layer); })) {
        RAVELIN_TRY(unseen, First(never, operation, {{}}, filtered, set));  // the filter alone may be enough
        *undecided |= !unseen.empty();
        continue;
      }
      bool mediated = false;
      RAVELIN_TRY(passed, effective_.PassedByAll(set, never.facet, operation, &mediated));
      RAVELIN_TRY(reached, First(never, operation, passed, filtered, set));
      if (!reached.empty()) return fmt::format("{}{} permit{} {}", fmt::join(set, " and "), set.size() == 1 ? " alone" : " together", set.size() == 1 ? "s" : "", reached);
    }
    return std::string();
  }

  combine::Effective& effective_;
  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
};

}  // namespace

std::vector<NeverResult> CheckNevers(combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink) {
  const ir::Domain& domain = effective.domain();
  std::vector<NeverResult> results;
  Judge judge(effective, spec);
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kNever) continue;
    results.push_back(judge.Run(rule));
    if (results.back().verdict == NeverVerdict::kViolated) {
      sink.Report(diag::Kind::kNeverViolated, rule.from.span, fmt::format("policy `{}` permits what this forbids: {}", domain.name, results.back().why));
    }
  }
  return results;
}

}  // namespace ravelin::driver
