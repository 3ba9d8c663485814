#include "compiler/driver/attempts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/seccomp/lower.h"
#include "compiler/base/check.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/grant.h"
#include "compiler/ir/satisfy.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using ir::Decision;
using ir::Effect;
using ir::Event;
using ir::ObjectCheck;
using ir::Predicate;
using ir::Rule;
using kernel::Arch;

// Rules of the facet that have the operation and constrain the attribute.
template <typename Has>
std::vector<const Rule*> RulesWith(const ir::Domain& domain, ir::FacetId facet, int operation, const Has& has) {
  std::vector<const Rule*> out;
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kNever && rule.facet == facet && (rule.operations >> operation & 1) != 0 && has(rule)) out.push_back(&rule);
  }
  return out;
}

}  // namespace

std::string ShowCheck(Arch arch, const ObjectCheck& check) {
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  std::string out = facet.name == "exec" ? facet.name : fmt::format("{} {{ {} }}", facet.name, facet.operations[check.operation]);
  for (const auto& [attribute, value] : check.integers) out += fmt::format(" {} {}", attribute, AttributeText(arch, attribute, value));
  if (check.owner) out += " owner";
  const bool on = facet.name == "file" || facet.name == "exec" || facet.name == "domain";
  for (const auto& [attribute, value] : check.texts) {
    const std::string word = on && attribute == "path" ? "on" : attribute == "transition" ? "as"
                                                                                          : attribute;
    out += fmt::format(" {} {}", word, value);
  }
  return out;
}

Attempts::Attempts(const ir::Domain& domain) : domain_(domain), spec_(seccomp::Lower(domain)) {}

// Registers for which the filter's answer to a call is such an action.
Predicate Attempts::Answered(Arch arch, uint32_t number, const std::function<bool(ir::Action)>& such) const {
  if (const seccomp::CallAnswer* answer = seccomp::AnswerOf(spec_, arch, number)) {
    std::vector<Predicate> found;
    std::vector<Predicate> earlier;
    for (const seccomp::Clause& clause : answer->clauses) {
      if (such(clause.action)) found.push_back(Predicate::And({clause.when, Predicate::Not(Predicate::Or(earlier))}));
      earlier.push_back(clause.when);
    }
    return Predicate::Or(std::move(found));
  }
  for (const seccomp::ArchSpec& one : spec_.arches) {
    if (one.arch != arch) continue;
    for (const seccomp::RangeAnswer& range : one.ranges) {
      if (range.lo <= number && number <= range.hi) return such(range.action) ? Predicate::True() : Predicate::False();
    }
  }
  RAVELIN_CHECK(false, "a filter answers every number");
  return Predicate::False();
}

std::optional<Event> Attempts::Find(Arch arch, uint32_t number, const Predicate& box, const std::function<bool(ir::Action)>& such) const {
  const auto args = ir::FindArgs(Predicate::And({box, Answered(arch, number, such)}));
  if (!args) return std::nullopt;
  Event event;
  event.audit_arch = kernel::AuditArch(arch);
  event.number = number;
  event.args = *args;
  RAVELIN_CHECK(such(oracle::DecideCall(domain_, event).action), "the lowering disagrees with the oracle");
  return event;
}

// Whether an attempt of the operation has the attribute at all: some call of the view table has it.
bool Attempts::Applies(ir::FacetId facet, int operation, const std::string& attribute) const {
  bool any = false;
  for (const Arch arch : domain_.architectures) {
    for (const std::string& name : kernel::CallsFor(arch, kernel::Facets()[facet].name, kernel::Facets()[facet].operations[operation])) {
      for (const kernel::ViewRow& row : kernel::ViewRows(arch, name)) {
        if (row.facet != kernel::Facets()[facet].name || row.operation != kernel::Facets()[facet].operations[operation]) continue;
        any = true;
        const bool bound = std::any_of(row.bindings.begin(), row.bindings.end(), [&](const auto& b) { return b.attribute == attribute; });
        const bool hidden = std::any_of(row.hidden.begin(), row.hidden.end(), [&](const std::string& h) { return h == attribute || h == attribute + "!"; });
        if (bound || hidden) return true;
      }
    }
  }
  return !any;
}

std::optional<std::vector<ObjectCheck>> Attempts::Checks(const Rule& box, int operation) const {
  ObjectCheck first;
  first.facet = box.facet;
  first.operation = operation;
  first.owner = box.owner_only;
  for (const auto& [attribute, values] : box.texts) first.texts[attribute] = values.front();
  std::vector<ObjectCheck> out = {std::move(first)};
  for (const std::string& attribute : kernel::Facets()[box.facet].attributes) {
    std::set<uint64_t> values;
    if (const auto stated = box.integers.find(attribute); stated != box.integers.end()) {
      for (const ir::Interval& interval : stated->second.intervals()) values.insert({interval.lo, interval.hi});
    } else {
      for (const Rule* rule : RulesWith(domain_, box.facet, operation, [&](const Rule& r) { return r.integers.count(attribute) != 0; })) {
        values.insert(0);
        for (const ir::Interval& interval : rule->integers.at(attribute).intervals()) {
          values.insert(interval.lo);
          if (interval.hi != ~uint64_t{0}) values.insert(interval.hi + 1);
        }
      }
      if (!values.empty() && !Applies(box.facet, operation, attribute)) values.clear();
    }
    if (values.empty()) continue;
    if (values.size() * out.size() > kMostChecks) return std::nullopt;
    std::vector<ObjectCheck> more;
    for (const ObjectCheck& check : out) {
      for (const uint64_t value : values) {
        more.push_back(check);
        more.back().integers[attribute] = value;
      }
    }
    out = std::move(more);
  }
  if (box.owner_only || RulesWith(domain_, box.facet, operation, [](const Rule& r) { return r.owner_only; }).empty()) return out;
  for (size_t i = 0, n = out.size(); i < n; ++i) {
    out.push_back(out[i]);
    out.back().owner = true;
  }
  return out;
}

Decision Attempts::DecideObject(ObjectCheck& check) const {
  if (kernel::Facets()[check.facet].name != "exec") return oracle::DecideObject(domain_, check);
  std::set<std::string> outcomes = {"self"};
  if (const auto stated = check.texts.find("transition"); stated != check.texts.end()) {
    outcomes = {stated->second};
  } else {
    for (const Rule* rule : RulesWith(domain_, check.facet, check.operation, [](const Rule& r) { return r.texts.count("transition") != 0; })) outcomes.insert(rule->texts.at("transition").front());
  }
  Decision decision;
  for (const std::string& outcome : outcomes) {
    ObjectCheck one = check;
    one.texts["transition"] = outcome;
    decision = oracle::DecideObject(domain_, one);
    if (!decision.permitted()) continue;
    const bool leads = std::any_of(decision.rules.begin(), decision.rules.end(), [&](uint32_t id) {
      const auto to = domain_.rules[id].texts.find("transition");
      return (to == domain_.rules[id].texts.end() ? "self" : to->second.front()) == outcome;
    });
    if (leads || (decision.rules.empty() && outcome == "self")) {
      check = std::move(one);
      return decision;
    }
    decision = {domain_.defaults[check.facet].action, {}, "default of exec"};
    if (decision.permitted()) decision.action = {ir::ActionKind::kErrno, 1};
  }
  return decision;
}

const Rule* Attempts::Undetermined(const ObjectCheck& check, Effect effect) const {
  for (const Rule& rule : domain_.rules) {
    if (rule.effect != effect || rule.facet != check.facet) continue;
    ir::Domain alone;
    alone.rules = {rule};
    alone.rules[0].id = 0;
    bool open = false;
    for (const auto& [attribute, values] : rule.texts) {
      const bool object = attribute == "path" || attribute == "label" || attribute == "transition";
      if (check.texts.count(attribute) != 0 || (object && kernel::Facets()[check.facet].name != "network")) continue;
      alone.rules[0].texts.erase(attribute);
      open = true;
    }
    if (open && !oracle::DecideObject(alone, check).rules.empty()) return &rule;
  }
  return nullptr;
}

const Carriers& Attempts::CarriersOf(Arch arch, const ObjectCheck& check) {
  std::string key = fmt::format("{}/{}/{}", static_cast<int>(arch), check.facet, check.operation);
  for (const auto& [attribute, value] : check.integers) key += fmt::format("/{}={}", attribute, value);
  const auto [at, fresh] = carriers_.try_emplace(std::move(key));
  if (!fresh) return at->second;
  Carriers& out = at->second;
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  for (const std::string& name : kernel::CallsFor(arch, facet.name, facet.operations[check.operation])) {
    const kernel::Syscall* call = kernel::FindSyscall(arch, name);
    if (call == nullptr || ir::IsX32Number(arch, call->number)) continue;
    for (const ir::ConditionalRow& row : ir::RowsOf(arch, *call)) {
      if (row.facet != check.facet || row.operation != check.operation || row.row->mode == kernel::RowMode::kFollows) continue;
      Rule bound;
      bound.facet = check.facet;
      bound.operations = ir::OperationSet{1} << check.operation;
      for (const kernel::Binding& binding : row.row->bindings) {
        const auto value = check.integers.find(binding.attribute);
        if (value != check.integers.end()) bound.integers[binding.attribute] = ir::IntervalSet::Single(value->second);
      }
      const Predicate box = Predicate::And({row.when, ir::GrantOf(*call, row, bound)});
      out.shown = true;
      if (!out.refused) out.refused = Find(arch, call->number, box, [](ir::Action action) { return !Permits(action); });
      out.permitted = Find(arch, call->number, box, [](ir::Action action) { return Permits(action); });
      if (out.permitted) return out;
    }
  }
  return out;
}

}  // namespace ravelin::driver
