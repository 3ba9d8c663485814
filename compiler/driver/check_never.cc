// `never`: an assertion over what is permitted in effect (docs/semantics.md, clause 7.4).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "backends/seccomp/lower.h"
#include "compiler/base/check.h"
#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_text.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/reach.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::driver {
namespace {

using ir::Effect;
using ir::Predicate;
using ir::Rule;

// A filter that what is judged has passed, and what carries events out through it.
struct Passage {
  const seccomp::FilterSpec* spec;
  const combine::Effective* effective;
};

// One domain under the assertions of `origin`, which is itself or a domain whose processes get there.
class Judge {
 public:
  Judge(const ir::Domain& origin, combine::Effective& effective, std::vector<Passage> filters) : origin_(origin), effective_(effective), domain_(effective.domain()), filters_(std::move(filters)) {}

  NeverResult Run(const Rule& never) {
    NeverResult result;
    result.rule = never.id;
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
  // A call that a `never syscall` rule matches and all filters permit.
  std::optional<std::string> PermittedCall(const Rule& never) {
    for (const ir::CallMatch& match : never.calls) {
      std::vector<Predicate> all = {match.when};
      for (const Passage& filter : filters_) {
        const seccomp::CallAnswer* answer = seccomp::AnswerOf(*filter.spec, match.arch, match.number);
        all.push_back(answer == nullptr ? Predicate::False() : seccomp::PermittedBy(*answer));
      }
      const auto args = ir::FindArgs(Predicate::And(std::move(all)));
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
      bool stopped = false;
      for (size_t i = 0; filtered && !stopped && i < filters_.size(); ++i) {
        carrier = filters_[i].effective->FindCarrier(never.facet, operation, *both, combine::Effective::Ways::kAll);
        stopped = !carrier;
      }
      if (stopped) continue;
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
    for (const auto& set : origin_.layer_sets) {
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

  const ir::Domain& origin_;
  combine::Effective& effective_;
  const ir::Domain& domain_;
  std::vector<Passage> filters_;  // the domain's own last
};

bool HasFilter(const ir::Domain& domain) {
  return std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [](const auto& set) { return std::find(set.begin(), set.end(), "seccomp") != set.end(); });
}

// All assertions of a domain, over itself and over every domain that its processes get to.
class Assertions {
 public:
  Assertions(const ir::Policy& policy, combine::Effective& effective, const seccomp::FilterSpec& spec) : policy_(policy), domain_(effective.domain()), spec_(spec), effective_(effective) {
    RAVELIN_CHECK(&domain_ >= policy.domains.data() && &domain_ < policy.domains.data() + policy.domains.size(), "a domain of another policy");
    reach_ = ir::ReachOf(policy, static_cast<size_t>(&domain_ - policy.domains.data()));
  }

  NeverResult Run(const Rule& never) {
    if (reach_.outside && reach_.unconfined) return {never.id, NeverVerdict::kViolated, fmt::format("the unconfined exec at {} escapes every assertion", *reach_.outside)};
    if (reach_.outside) return {never.id, NeverVerdict::kViolated, fmt::format("what {} permits may lead to a domain of which this file does not say anything", *reach_.outside)};
    NeverResult own = Judge(domain_, effective_, {{&spec_, &effective_}}).Run(never);
    for (size_t i = 0; i < reach_.domains.size() && own.verdict != NeverVerdict::kViolated; ++i) {
      Other& other = At(reach_.domains[i]);
      std::vector<Passage> filters = {{&spec_, &effective_}};
      if (HasFilter(other.effective.domain())) filters.push_back({&other.spec, &other.effective});
      NeverResult there = Judge(domain_, other.effective, std::move(filters)).Run(never);
      if (there.verdict == NeverVerdict::kProved) continue;
      there.why = fmt::format("in policy `{}`, which it leads to, {}", ir::QualifiedName(other.effective.domain()), there.why);
      own = std::move(there);
    }
    return own;
  }

 private:
  struct Other {
    Other(const ir::Domain& domain, const combine::Effective& like) : spec(seccomp::Lower(domain)), effective(domain, spec, like.facts(), like.module()) {}
    seccomp::FilterSpec spec;
    combine::Effective effective;
  };

  Other& At(size_t domain) {
    auto& slot = others_[domain];
    if (!slot) slot = std::make_unique<Other>(policy_.domains[domain], effective_);
    return *slot;
  }

  const ir::Policy& policy_;
  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
  combine::Effective& effective_;
  ir::Reach reach_;
  std::map<size_t, std::unique_ptr<Other>> others_;  // made when first asked for
};

}  // namespace

std::vector<NeverResult> CheckNevers(const ir::Policy& policy, combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink) {
  const ir::Domain& domain = effective.domain();
  std::vector<NeverResult> results;
  Assertions assertions(policy, effective, spec);
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kNever) continue;
    results.push_back(assertions.Run(rule));
    if (results.back().verdict == NeverVerdict::kViolated) {
      sink.Report(diag::Kind::kNeverViolated, rule.from.span, fmt::format("policy `{}` permits what this forbids: {}", domain.name, results.back().why));
    }
  }
  return results;
}

}  // namespace ravelin::driver
