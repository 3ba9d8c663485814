// Up(A), clause by clause (docs/semantics.md, chapter 4).  Stated here by itself: lowering is what this judges.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "backends/seccomp/prove/symbolic.h"

namespace ravelin::seccomp {
namespace {

using ir::Action;
using ir::ActionKind;
using ir::Effect;
using ir::Rule;
using Bool = Logic::Term;

// Rules of a facet, those with equal visible content once.
using FacetRules = std::map<std::string_view, std::vector<const Rule*>>;

FacetRules Distinct(const ir::Domain& domain) {
  FacetRules out;
  std::set<std::string> seen;
  for (const Rule& rule : domain.rules) {
    std::string key = std::to_string(rule.facet) + "," + std::to_string(static_cast<int>(rule.effect)) + "," + ir::FormatAction(rule.action) + "," + std::to_string(rule.operations) + (rule.narrow ? "n" : "") + (rule.texts.empty() ? "" : "t") + (rule.owner_only ? "o" : "");
    for (const auto& [name, set] : rule.integers) {
      key += ";" + name;
      for (const ir::Interval& i : set.intervals()) key += "," + std::to_string(i.lo) + "-" + std::to_string(i.hi);
    }
    const std::string_view facet = kernel::Facets()[rule.facet].name;
    if (facet != "syscall" && seen.insert(std::move(key)).second) out[facet].push_back(&rule);
  }
  return out;
}

class CallPolicy {
 public:
  CallPolicy(const ir::Domain& domain, kernel::Arch arch, const kernel::Syscall& call, const FacetRules& facets, const std::vector<std::pair<const Rule*, const ir::Predicate*>>& own, Logic& d)
      : domain_(domain), call_(call), facets_(facets), own_(own), d_(d), rows_(kernel::ViewRows(arch, call.name)) {}

  Logic::Term Decide(Action fallback) {
    Bool explicit_allow = no();
    Bool explicit_log = no();
    Bool audited = no();
    Bool complained = no();
    std::map<Action, Bool> denied;
    for (const auto& [rule, when] : own_) {
      const Bool here = d_.FromPredicate(*when);
      switch (rule->effect) {
        case Effect::kAllow:
          explicit_allow = d_.Or(explicit_allow, here);
          if (rule->action.kind == ActionKind::kLog) explicit_log = d_.Or(explicit_log, here);
          break;
        case Effect::kDeny: Extend(denied, rule->action, here); break;
        case Effect::kAudit: audited = d_.Or(audited, here); break;
        case Effect::kComplain: complained = d_.Or(complained, here); break;
        case Effect::kQuiet:
        case Effect::kNever: break;
      }
    }
    Bool some_granted = no();      // 4.7
    Bool all_granted = yes();
    Bool some_complained = no();   // 4.8
    Bool all_complained = yes();
    std::vector<std::tuple<ActionKind, size_t, Action, Bool>> defaults;  // 4.9
    for (const kernel::ViewRow& row : rows_) {
      const Bool when = Condition(row);
      const Bool granted = Any(row, Effect::kAllow);
      const Bool complain = Any(row, Effect::kComplain);
      some_granted = d_.Or(some_granted, d_.And(when, granted));
      some_complained = d_.Or(some_complained, d_.And(when, complain));
      if (row.mode != kernel::RowMode::kNeeds) continue;
      all_granted = d_.And(all_granted, d_.Or(d_.Not(when), granted));
      all_complained = d_.And(all_complained, d_.Or(d_.Not(when), d_.Or(granted, complain)));
      audited = d_.Or(audited, d_.And(when, Any(row, Effect::kAudit)));
      for (const Rule* rule : RulesOf(row)) {  // 4.6
        if (rule->effect != Effect::kDeny) continue;
        const Bool refused = d_.And(when, Refuses(row, *rule));
        Extend(denied, rule->action, refused);
      }
      const size_t facet = FacetIndex(row.facet);
      const ir::FacetDefault& fallback_of_facet = domain_.defaults[facet];
      if (!row.object_may_be_absent && fallback_of_facet.stated && Stricter(fallback_of_facet.action, fallback)) {
        defaults.emplace_back(fallback_of_facet.action.kind, facet, fallback_of_facet.action, d_.And(when, d_.Not(granted)));
      }
    }
    Bool any_denied = no();
    for (const auto& [action, when] : denied) any_denied = d_.Or(any_denied, when);
    const Bool allowed = d_.Or(explicit_allow, d_.And(some_granted, all_granted));
    complained = d_.Or(complained, d_.And(some_complained, all_complained));

    const auto terminal = [&](Action action) { return d_.Answer(ir::ToSeccompReturn(action)); };
    const auto log = terminal({ActionKind::kLog, 0});
    Logic::Term out = terminal(fallback);
    if (fallback.kind == ActionKind::kAllow) out = d_.Choose(audited, log, out);
    std::stable_sort(defaults.begin(), defaults.end(), [](const auto& a, const auto& b) { return std::tie(std::get<0>(a), std::get<1>(a)) > std::tie(std::get<0>(b), std::get<1>(b)); });
    for (const auto& [kind, facet, action, when] : defaults) out = d_.Choose(when, terminal(action), out);
    out = d_.Choose(allowed, d_.Choose(d_.Or(audited, explicit_log), log, terminal({})), out);
    for (auto it = denied.rbegin(); it != denied.rend(); ++it) out = d_.Choose(it->second, terminal(it->first), out);
    return d_.Choose(d_.And(complained, d_.Not(d_.And(allowed, d_.Not(any_denied)))), log, out);
  }

 private:
  Bool yes() { return d_.Bool(true); }
  Bool no() { return d_.Bool(false); }

  void Extend(std::map<Action, Bool>& by_action, Action action, Bool when) {
    const auto [at, added] = by_action.try_emplace(action, when);
    if (!added) at->second = d_.Or(at->second, when);
  }

  static size_t FacetIndex(const std::string& name) {
    for (size_t i = 0; i < kernel::Facets().size(); ++i) {
      if (kernel::Facets()[i].name == name) return i;
    }
    return 0;
  }

  std::vector<const Rule*> RulesOf(const kernel::ViewRow& row) const {
    std::vector<const Rule*> out;
    const auto it = facets_.find(row.facet);
    if (it == facets_.end()) return out;
    const auto& operations = kernel::FindFacet(row.facet)->operations;
    for (const Rule* rule : it->second) {
      for (size_t i = 0; i < operations.size(); ++i) {
        if (operations[i] == row.operation && (rule->operations >> i & 1) != 0) out.push_back(rule);
      }
    }
    return out;
  }

  // (parameter as the kernel reads it & mask) in set
  Bool Test(const std::string& name, uint64_t mask, const ir::IntervalSet& set) {
    for (size_t i = 0; i < call_.params.size(); ++i) {
      if (call_.params[i].name != name) continue;
      const kernel::ArgType type = call_.params[i].type;
      const bool half = type == kernel::ArgType::kI32 || type == kernel::ArgType::kU32 || type == kernel::ArgType::kU16;
      if (type == kernel::ArgType::kU16) mask &= 0xffff;
      return d_.MaskedIn(static_cast<int>(i), half ? 32 : 64, mask, set);
    }
    return no();
  }

  uint64_t Width(const std::string& name) const {
    for (const kernel::Param& param : call_.params) {
      if (param.name != name) continue;
      if (param.type == kernel::ArgType::kU16) return 0xffff;
      if (param.type == kernel::ArgType::kI32 || param.type == kernel::ArgType::kU32) return 0xffffffff;
    }
    return ~uint64_t{0};
  }

  Bool Condition(const kernel::ViewRow& row) {
    Bool all = yes();
    for (const kernel::RowTest& test : row.when) {
      const Bool equal = Test(test.param, test.mask, ir::IntervalSet::Single(test.value & Width(test.param)));
      all = d_.And(all, test.equal ? equal : d_.Not(equal));
    }
    return all;
  }

  static const kernel::Binding* Bound(const kernel::ViewRow& row, const std::string& attribute) {
    for (const kernel::Binding& binding : row.bindings) {
      if (binding.attribute == attribute) return &binding;
    }
    return nullptr;
  }

  // 4.5, 7.2
  Bool Grants(const kernel::ViewRow& row, const Rule& rule) {
    if (rule.narrow && (rule.owner_only || !rule.texts.empty())) return no();
    Bool all = yes();
    for (const auto& [attribute, set] : rule.integers) {
      const kernel::Binding* binding = Bound(row, attribute);
      if (binding != nullptr) {
        all = d_.And(all, Test(binding->param, binding->mask, set));
      } else if (rule.narrow || std::count(row.hidden.begin(), row.hidden.end(), attribute + "!") != 0) {
        return no();
      }
    }
    return all;
  }

  Bool Any(const kernel::ViewRow& row, Effect effect) {
    Bool any = no();
    for (const Rule* rule : RulesOf(row)) {
      if (rule->effect == effect) any = d_.Or(any, Grants(row, *rule));
    }
    return any;
  }

  Bool Refuses(const kernel::ViewRow& row, const Rule& rule) {
    if (!rule.texts.empty() || rule.owner_only) return no();
    Bool all = yes();
    for (const auto& [attribute, set] : rule.integers) {
      const kernel::Binding* binding = Bound(row, attribute);
      all = binding == nullptr ? no() : d_.And(all, Test(binding->param, binding->mask, set));
    }
    return all;
  }

  const ir::Domain& domain_;
  const kernel::Syscall& call_;
  const FacetRules& facets_;
  const std::vector<std::pair<const Rule*, const ir::Predicate*>>& own_;
  Logic& d_;
  std::span<const kernel::ViewRow> rows_;
};

}  // namespace

Logic::Term SymbolicPolicy(const ir::Domain& domain, kernel::Arch arch, Logic& d) {
  const FacetRules facets = Distinct(domain);
  std::map<uint32_t, std::vector<std::pair<const Rule*, const ir::Predicate*>>> own;
  for (const Rule& rule : domain.rules) {
    for (const ir::CallMatch& match : rule.calls) {
      if (match.arch == arch) own[match.number].emplace_back(&rule, &match.when);
    }
  }
  Action fallback;
  for (size_t i = 0; i < kernel::Facets().size(); ++i) {
    if (kernel::Facets()[i].name == "syscall" && domain.defaults[i].stated) fallback = domain.defaults[i].action;
  }
  const Action unknown = domain.unknown_syscall ? domain.unknown_syscall->action : fallback;  // 4.3
  const Action x32 = Permits(fallback) ? Action{ActionKind::kErrno, 38} : fallback;           // 4.4
  const auto terminal = [&](Action action) { return d.Answer(ir::ToSeccompReturn(action)); };
  std::map<uint32_t, Logic::Term> calls;
  for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
    const bool known = call.since <= domain.reference_kernel;
    calls[call.number] = CallPolicy(domain, arch, call, facets, own[call.number], d).Decide(known ? fallback : unknown);
  }
  if (arch == kernel::Arch::kX86_64) {
    for (uint32_t number = 512; number <= 547; ++number) calls[number] = terminal(x32);
  }
  // Numbers in order: what lies between two calls is unknown, or x32's.
  std::vector<Logic::NumberRange> ranges;
  uint64_t next = 0;
  const auto fill = [&](uint64_t lo, uint64_t hi) {
    if (lo > hi) return;
    const uint64_t first = 0x40000000;
    const uint64_t last = 0x7fffffff;
    if (arch != kernel::Arch::kX86_64 || hi < first || lo > last) {
      ranges.push_back({lo, hi, terminal(unknown)});
      return;
    }
    if (lo < first) ranges.push_back({lo, first - 1, terminal(unknown)});
    ranges.push_back({std::max(lo, first), std::min(hi, last), terminal(x32)});
    if (hi > last) ranges.push_back({last + 1, hi, terminal(unknown)});
  };
  for (const auto& [number, node] : calls) {
    if (number > next) fill(next, number - 1);
    ranges.push_back({number, number, node});
    next = uint64_t{number} + 1;
  }
  fill(next, 0xffffffff);
  return d.ByNumber(ranges);
}

}  // namespace ravelin::seccomp
