#include "backends/seccomp/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/ir/grant.h"
#include "compiler/kernel/view.h"

// Clause numbers refer to docs/semantics.md.

namespace ravelin::seccomp {
namespace {

using ir::Action;
using ir::ActionKind;
using ir::Domain;
using ir::Effect;
using ir::Predicate;
using ir::Rule;
using kernel::Arch;
using kernel::RowMode;
using kernel::ViewRow;

// A rule's grants, collected: conditions of equal place in the answer are one predicate.
struct Part {
  Predicate when = Predicate::False();
  std::vector<uint32_t> rules;
  std::vector<Predicate> terms;

  void Add(Predicate p, uint32_t rule) {
    if (p.IsFalse()) return;
    terms.push_back(std::move(p));
    if (rules.empty() || rules.back() != rule) rules.push_back(rule);
  }
  void Close() { when = Predicate::Or(std::move(terms)); }
};

using Row = ir::ConditionalRow;
// Rules of one facet that differ in nothing that registers show, as one: the first stands for all.
using RuleClasses = std::array<std::vector<const Rule*>, ir::kMaxFacets>;

class CallLowering {
 public:
  CallLowering(const Domain& domain, Arch arch, const kernel::Syscall& call, const std::vector<const Rule*>& syscall_rules, const RuleClasses& classes)
      : domain_(domain), arch_(arch), call_(call), syscall_rules_(syscall_rules), facet_rules_(classes), rows_(ir::RowsOf(arch, call)) {}

  std::vector<Clause> Answer(const Action& fallback, const std::string& fallback_text);

 private:
  Part Granted(const Row& row, std::initializer_list<Effect> effects) const;
  Part SyscallRules(Effect effect, bool logged_only = false) const;
  // 4.7: implied by rules of `some`, every needed row granted by rules of `every`.
  Part Implied(std::initializer_list<Effect> some, std::initializer_list<Effect> every) const;
  std::map<Action, Part> Denials() const;
  Part Audits() const;

  const Domain& domain_;
  Arch arch_;
  const kernel::Syscall& call_;
  const std::vector<const Rule*>& syscall_rules_;
  const RuleClasses& facet_rules_;
  std::vector<Row> rows_;
};

Part CallLowering::Granted(const Row& row, std::initializer_list<Effect> effects) const {
  Part part;
  for (const Rule* rule : facet_rules_[row.facet]) {
    if (std::find(effects.begin(), effects.end(), rule->effect) != effects.end()) part.Add(ir::GrantOf(call_, row, *rule), rule->id);
  }
  part.Close();
  return part;
}

Part CallLowering::SyscallRules(Effect effect, bool logged_only) const {
  Part part;
  for (const Rule* rule : syscall_rules_) {
    if (rule->effect != effect || (logged_only && rule->action.kind != ActionKind::kLog)) continue;
    for (const ir::CallMatch& match : rule->calls) {
      if (match.arch == arch_ && match.number == call_.number) part.Add(match.when, rule->id);
    }
  }
  part.Close();
  return part;
}

void Append(std::vector<uint32_t>& to, const std::vector<uint32_t>& from) {
  to.insert(to.end(), from.begin(), from.end());
  std::sort(to.begin(), to.end());
  to.erase(std::unique(to.begin(), to.end()), to.end());
}

Part CallLowering::Implied(std::initializer_list<Effect> some, std::initializer_list<Effect> every) const {
  Part result;
  std::vector<Predicate> any;
  std::vector<Predicate> all;
  for (const Row& row : rows_) {
    const Part granted = Granted(row, some);
    any.push_back(Predicate::And({row.when, granted.when}));
    if (!any.back().IsFalse()) Append(result.rules, granted.rules);
    if (row.row->mode != RowMode::kNeeds) continue;
    const Part needed = Granted(row, every);
    all.push_back(Predicate::Or({Predicate::Not(row.when), needed.when}));
  }
  Predicate one = Predicate::Or(std::move(any));
  if (one.IsFalse()) return {};
  all.push_back(std::move(one));
  result.when = Predicate::And(std::move(all));
  if (result.when.IsFalse()) result.rules.clear();
  return result;
}

std::map<Action, Part> CallLowering::Denials() const {
  std::map<Action, Part> by_action;  // strictest first: the order of Action
  for (const Rule* rule : syscall_rules_) {
    if (rule->effect != Effect::kDeny) continue;
    for (const ir::CallMatch& match : rule->calls) {
      if (match.arch == arch_ && match.number == call_.number) by_action[rule->action].Add(match.when, rule->id);
    }
  }
  for (const Row& row : rows_) {
    if (row.row->mode != RowMode::kNeeds) continue;
    for (const Rule* rule : facet_rules_[row.facet]) {
      if (rule->effect == Effect::kDeny) by_action[rule->action].Add(ir::RefusalOf(call_, row, *rule), rule->id);
    }
  }
  for (auto& [action, part] : by_action) part.Close();
  return by_action;
}

Part CallLowering::Audits() const {
  Part part = SyscallRules(Effect::kAudit);
  std::vector<Predicate> terms = {part.when};
  for (const Row& row : rows_) {
    if (row.row->mode != RowMode::kNeeds) continue;
    const Part granted = Granted(row, {Effect::kAudit});
    terms.push_back(Predicate::And({row.when, granted.when}));
    if (!terms.back().IsFalse()) Append(part.rules, granted.rules);
  }
  part.when = Predicate::Or(std::move(terms));
  return part;
}

std::string DescribeRules(const Domain& domain, const std::vector<uint32_t>& rules, const std::string& what) {
  if (rules.empty()) return what;
  std::string text = domain.rules[rules.front()].from.place + " " + what;
  if (rules.size() > 1) text += fmt::format(" and {} more", rules.size() - 1);
  return text;
}

std::vector<Clause> CallLowering::Answer(const Action& fallback, const std::string& fallback_text) {
  std::vector<Clause> clauses;
  const auto emit = [&](Predicate when, Action action, std::vector<uint32_t> rules, const std::string& what) {
    if (when.IsFalse() || (!clauses.empty() && clauses.back().when.IsTrue())) return;
    std::string text = DescribeRules(domain_, rules, what);
    clauses.push_back({std::move(when), action, {std::move(rules), std::move(text)}});
  };
  const std::map<Action, Part> denials = Denials();
  std::vector<Predicate> denied_terms;
  for (const auto& [action, part] : denials) denied_terms.push_back(part.when);
  const Predicate denied = Predicate::Or(denied_terms);
  Part explicit_allow = SyscallRules(Effect::kAllow);
  const Part logged_allow = SyscallRules(Effect::kAllow, true);
  const Part implied = Implied({Effect::kAllow}, {Effect::kAllow});
  const Predicate allowed = Predicate::Or({explicit_allow.when, implied.when});
  const Part audit = Audits();

  // 4.8: complained and not allowed -> log, whatever denies or defaults say.
  Part complain = SyscallRules(Effect::kComplain);
  const Part complain_implied = Implied({Effect::kComplain}, {Effect::kAllow, Effect::kComplain});
  Append(complain.rules, complain_implied.rules);
  const Predicate complained = Predicate::Or({complain.when, complain_implied.when});
  emit(Predicate::And({complained, Predicate::Not(Predicate::And({allowed, Predicate::Not(denied)}))}), {ActionKind::kLog, 0}, complain.rules, "complain");
  for (const auto& [action, part] : denials) emit(part.when, action, part.rules, "deny");
  emit(Predicate::And({allowed, Predicate::Or({audit.when, logged_allow.when})}), {ActionKind::kLog, 0}, Predicate::Or({audit.when, logged_allow.when}).IsFalse() ? std::vector<uint32_t>{} : [&] {
    std::vector<uint32_t> rules = logged_allow.rules;
    Append(rules, audit.rules);
    return rules;
  }(), "log");
  emit(explicit_allow.when, {ActionKind::kAllow, 0}, explicit_allow.rules, "allow");
  emit(implied.when, {ActionKind::kAllow, 0}, implied.rules, "allow (implied)");

  // 4.9: the strictest default; a facet's default counts where a needed row of it is not granted.
  std::map<Action, std::map<ir::FacetId, Predicate>> stricter;
  for (const Row& row : rows_) {
    const ir::FacetDefault& d = domain_.defaults[row.facet];
    if (row.row->mode != RowMode::kNeeds || row.row->object_may_be_absent || !d.stated || Permits(d.action)) continue;
    if (!Stricter(d.action, fallback)) continue;
    Predicate open = Predicate::And({row.when, Predicate::Not(Granted(row, {Effect::kAllow}).when)});
    auto [at, added] = stricter[d.action].try_emplace(row.facet, Predicate::False());
    at->second = Predicate::Or({at->second, std::move(open)});
  }
  // Equal ranks with different data: the first facet in the table's order wins, so rank first, then facet.
  std::vector<std::tuple<ActionKind, ir::FacetId, Action, Predicate>> ordered;
  for (auto& [action, by_facet] : stricter) {
    for (auto& [facet, when] : by_facet) ordered.emplace_back(action.kind, facet, action, std::move(when));
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  for (auto& [rank, facet, action, when] : ordered) emit(std::move(when), action, {}, "default of " + kernel::Facets()[facet].name);
  if (fallback.kind == ActionKind::kAllow) emit(audit.when, {ActionKind::kLog, 0}, audit.rules, "log");
  emit(Predicate::True(), fallback, {}, fallback_text);
  return clauses;
}

Action SyscallDefault(const Domain& domain) {
  const ir::FacetDefault& d = domain.defaults[ir::FacetOf("syscall")];
  return d.stated ? d.action : Action{};
}

// Every number that no call answers: unknown ones (4.3) and x32's (4.4).
void CoverRanges(const Domain& domain, ArchSpec& spec) {
  const Action fallback = SyscallDefault(domain);
  const Action unknown = domain.unknown_syscall ? domain.unknown_syscall->action : fallback;
  const Reason unknown_reason = {{}, domain.unknown_syscall ? "unknown syscall" : "default"};
  const Action x32 = Permits(fallback) ? Action{ActionKind::kErrno, 38} : fallback;
  const auto add = [&](uint64_t lo, uint64_t hi) {
    while (lo <= hi) {
      const bool is_x32 = ir::IsX32Number(spec.arch, static_cast<uint32_t>(lo));
      uint64_t end = hi;
      if (spec.arch == Arch::kX86_64) {
        for (const uint64_t edge : {uint64_t{511}, uint64_t{547}, uint64_t{0x3fffffff}, uint64_t{0x7fffffff}}) {
          if (lo <= edge) {
            end = std::min(end, edge);
            break;
          }
        }
      }
      spec.ranges.push_back({static_cast<uint32_t>(lo), static_cast<uint32_t>(end), is_x32 ? x32 : unknown,
                             is_x32 ? Reason{{}, "x32 number"} : unknown_reason});
      lo = end + 1;
    }
  };
  uint64_t next = 0;
  for (const CallAnswer& call : spec.calls) {
    if (call.number > next) add(next, call.number - 1);
    next = uint64_t{call.number} + 1;
  }
  if (next <= 0xffffffffu) add(next, 0xffffffffu);
}

// Rules that registers cannot tell apart, one of each kind, in rule order.
RuleClasses ClassesOf(const Domain& domain) {
  RuleClasses classes;
  using Shape = std::tuple<ir::FacetId, Effect, Action, ir::OperationSet, bool, bool, std::map<std::string, ir::IntervalSet>>;
  const auto less = [](const Shape& a, const Shape& b) {
    const auto head = [](const Shape& s) { return std::tie(std::get<0>(s), std::get<1>(s), std::get<2>(s), std::get<3>(s), std::get<4>(s), std::get<5>(s)); };
    if (head(a) != head(b)) return head(a) < head(b);
    return std::lexicographical_compare(std::get<6>(a).begin(), std::get<6>(a).end(), std::get<6>(b).begin(), std::get<6>(b).end(), [](const auto& x, const auto& y) {
      return x.first != y.first ? x.first < y.first : x.second.intervals() < y.second.intervals();
    });
  };
  std::set<Shape, decltype(less)> seen(less);
  for (const Rule& rule : domain.rules) {
    if (rule.facet == ir::FacetOf("syscall")) continue;
    Shape shape{rule.facet, rule.effect, rule.action, rule.operations, rule.narrow, !rule.texts.empty() || rule.owner_only, rule.integers};
    if (seen.insert(std::move(shape)).second) classes[rule.facet].push_back(&rule);
  }
  return classes;
}

// Syscall rules by the call that they speak of.
std::map<std::pair<Arch, uint32_t>, std::vector<const Rule*>> RulesByCall(const Domain& domain) {
  std::map<std::pair<Arch, uint32_t>, std::vector<const Rule*>> by_call;
  for (const Rule& rule : domain.rules) {
    for (const ir::CallMatch& match : rule.calls) {
      auto& rules = by_call[{match.arch, match.number}];
      if (rules.empty() || rules.back() != &rule) rules.push_back(&rule);
    }
  }
  return by_call;
}

}  // namespace

FilterSpec Lower(const Domain& domain) {
  FilterSpec filter;
  filter.foreign = domain.foreign.action;
  filter.foreign_reason = {{}, "foreign architecture"};
  const auto by_call = RulesByCall(domain);
  const RuleClasses classes = ClassesOf(domain);
  const std::vector<const Rule*> no_rules;
  const Action fallback = SyscallDefault(domain);
  for (const Arch arch : domain.architectures) {
    ArchSpec spec;
    spec.arch = arch;
    for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
      if (ir::IsX32Number(arch, call.number)) continue;
      const auto rules = by_call.find({arch, call.number});
      const bool unknown = domain.unknown_syscall && !ir::IsKnown(domain, arch, call.number);
      CallLowering lowering(domain, arch, call, rules == by_call.end() ? no_rules : rules->second, classes);
      spec.calls.push_back({call.number, call.name, lowering.Answer(unknown ? domain.unknown_syscall->action : fallback, unknown ? "unknown syscall" : "default")});
    }
    CoverRanges(domain, spec);
    filter.arches.push_back(std::move(spec));
  }
  return filter;
}

}  // namespace ravelin::seccomp
