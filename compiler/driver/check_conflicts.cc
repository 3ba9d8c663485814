// Rules that contradict one another or do nothing.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/driver/analyze.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/grant.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::driver {
namespace {

using ir::Action;
using ir::Effect;
using ir::Predicate;
using ir::Rule;

struct Denial {
  const Rule* rule;
  Predicate when;
};
using CallKey = std::pair<kernel::Arch, uint32_t>;

// Every condition under which a deny rule refuses each call.
std::map<CallKey, std::vector<Denial>> Denials(const ir::Domain& domain) {
  std::map<CallKey, std::vector<Denial>> denials;
  std::vector<const Rule*> facet_denies;
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kDeny) continue;
    for (const ir::CallMatch& match : rule.calls) denials[{match.arch, match.number}].push_back({&rule, match.when});
    if (rule.calls.empty()) facet_denies.push_back(&rule);
  }
  if (facet_denies.empty()) return denials;
  for (const kernel::Arch arch : domain.architectures) {
    for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
      if (ir::IsX32Number(arch, call.number)) continue;
      for (const ir::ConditionalRow& row : ir::RowsOf(arch, call)) {
        if (row.row->mode != kernel::RowMode::kNeeds) continue;
        for (const Rule* rule : facet_denies) {
          Predicate refusal = ir::RefusalOf(call, row, *rule);
          if (!refusal.IsFalse()) denials[{arch, call.number}].push_back({rule, std::move(refusal)});
        }
      }
    }
  }
  return denials;
}

// 3.3: equal rank, different data.
void CheckActions(const CallKey& key, const std::vector<Denial>& denials, diag::Sink& sink) {
  std::map<Action, std::vector<const Denial*>> by_action;
  for (const Denial& denial : denials) by_action[denial.rule->action].push_back(&denial);
  for (auto a = by_action.begin(); a != by_action.end(); ++a) {
    for (auto b = std::next(a); b != by_action.end() && b->first.kind == a->first.kind; ++b) {
      for (const Denial* one : a->second) {
        for (const Denial* other : b->second) {
          const auto args = ir::FindArgs(Predicate::And({one->when, other->when}));
          if (!args) continue;
          const kernel::Syscall* call = kernel::FindSyscall(key.first, key.second);
          const Rule& later = one->rule->from.span < other->rule->from.span ? *other->rule : *one->rule;
          const Rule& first = &later == one->rule ? *other->rule : *one->rule;
          sink.Report(diag::Kind::kConflictingActions, later.from.span, fmt::format("`{}` would get `{}` here and `{}` elsewhere", ShowCall(key.first, *call, *args), FormatAction(later.action), FormatAction(first.action)))
              .Note(first.from.span, "the other rule")
              .Help("give both the same action, or make their conditions exclude each other");
          return;
        }
      }
    }
  }
}

bool CoversAttributes(const Rule& deny, const Rule& allow) {
  if ((allow.operations & ~deny.operations) != 0 || deny.owner_only > allow.owner_only) return false;
  for (const auto& [attribute, set] : deny.integers) {
    const auto it = allow.integers.find(attribute);
    if (it == allow.integers.end() || !set.Includes(it->second)) return false;
  }
  for (const auto& [attribute, patterns] : deny.texts) {
    const auto it = allow.texts.find(attribute);
    if (it == allow.texts.end()) return false;
    for (const std::string& pattern : it->second) {
      if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) return false;
    }
  }
  return true;
}

// What becomes of the process, as the rule says it.
std::string Outcome(const Rule& rule) {
  const auto to = rule.texts.find("transition");
  const std::string as = to == rule.texts.end() ? "self" : fmt::format("{}", fmt::join(to->second, ", "));
  return rule.keeps_environment ? as + " unscrubbed_danger" : as;
}

// 6.5: exec rules that overlap and lead to different domains, where neither path set contains the other.
void CheckTransitions(const ir::Domain& domain, diag::Sink& sink) {
  struct Exec {
    const Rule* rule;
    std::string to;
    const std::string* pattern;
  };
  std::vector<Exec> execs;
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kAllow || kernel::Facets()[rule.facet].name != "exec") continue;
    const auto paths = rule.texts.find("path");
    if (paths == rule.texts.end()) continue;
    for (const std::string& pattern : paths->second) execs.push_back({&rule, Outcome(rule), &pattern});
  }
  for (size_t i = 0; i < execs.size(); ++i) {
    for (size_t j = i + 1; j < execs.size(); ++j) {
      if (execs[i].to == execs[j].to) continue;
      const auto a = ir::PathSet::Parse(*execs[i].pattern);
      const auto b = ir::PathSet::Parse(*execs[j].pattern);
      if (!a || !b) continue;
      const auto both = a->Intersect(*b);
      if (!both || both->Empty()) continue;
      const bool a_in_b = b->Includes(*a).value_or(false);
      const bool b_in_a = a->Includes(*b).value_or(false);
      if (a_in_b != b_in_a) continue;  // the inner one wins
      sink.Report(diag::Kind::kConflictingTransitions, execs[j].rule->from.span, fmt::format("`{}` would run as `{}` here and as `{}` elsewhere", both->Witness().value_or("?"), execs[j].to, execs[i].to))
          .Note(execs[i].rule->from.span, "the other rule")
          .Help("let one path set contain the other (the inner one wins), or make them disjoint");
    }
  }
}

}  // namespace

void CheckConflicts(const ir::Domain& domain, diag::Sink& sink) {
  for (const auto& [key, denials] : Denials(domain)) CheckActions(key, denials, sink);
  CheckTransitions(domain, sink);
}

void CheckUnreachable(const ir::Domain& domain, diag::Sink& sink) {
  const auto denials = Denials(domain);
  const bool any_deny = std::any_of(domain.rules.begin(), domain.rules.end(), [](const Rule& r) { return r.effect == Effect::kDeny; });
  if (!any_deny) return;
  std::map<CallKey, Predicate> denied;
  for (const auto& [key, list] : denials) {
    std::vector<Predicate> terms;
    for (const Denial& denial : list) terms.push_back(denial.when);
    denied[key] = Predicate::Or(std::move(terms));
  }
  const auto covered = [&](kernel::Arch arch, uint32_t number, const Predicate& when) {
    const auto it = denied.find({arch, number});
    return it != denied.end() && (it->second.IsTrue() || !ir::FindArgs(Predicate::And({when, Predicate::Not(it->second)})));
  };
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kAllow) continue;
    const Rule* by = nullptr;
    std::string witness;
    if (!rule.calls.empty()) {
      const bool all = std::all_of(rule.calls.begin(), rule.calls.end(), [&](const ir::CallMatch& match) { return covered(match.arch, match.number, match.when); });
      if (!all) continue;
      by = denials.at({rule.calls.front().arch, rule.calls.front().number}).front().rule;
      const auto args = ir::FindArgs(rule.calls.front().when);
      const kernel::Syscall* call = kernel::FindSyscall(rule.calls.front().arch, rule.calls.front().number);
      if (!args) continue;  // never-true, reported where it is written
      witness = ShowCall(rule.calls.front().arch, *call, *args);
    } else if (kernel::Facets()[rule.facet].name != "syscall") {
      for (const Rule& deny : domain.rules) {
        if (deny.effect == Effect::kDeny && deny.facet == rule.facet && CoversAttributes(deny, rule)) by = &deny;
      }
      if (by == nullptr && !denied.empty() && rule.texts.empty()) {
        const auto implied = ir::ImpliedBy(domain, rule);
        const bool all = !implied.empty() && std::all_of(implied.begin(), implied.end(), [&](const auto& i) { return covered(i.arch, i.call->number, i.when); });
        if (all) {
          by = denials.at({implied.front().arch, implied.front().call->number}).front().rule;
          witness = implied.front().call->name;
        }
      }
    }
    if (by == nullptr) continue;
    auto& d = sink.Report(diag::Kind::kUnreachableAllow, rule.from.span, witness.empty() ? "a deny takes away all that this rule allows" : fmt::format("a deny takes away all that this rule allows: `{}` is refused", witness));
    d.Note(by->from.span, "the deny");
  }
}

}  // namespace ravelin::driver
