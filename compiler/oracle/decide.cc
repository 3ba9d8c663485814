#include "compiler/oracle/decide.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/ir/path_set.h"
#include "compiler/kernel/view.h"

// Clause numbers refer to docs/semantics.md.

namespace ravelin::oracle {
namespace {

using ir::Action;
using ir::ActionKind;
using ir::Decision;
using ir::Domain;
using ir::Effect;
using ir::Event;
using ir::Rule;
using kernel::Arch;
using kernel::RowMode;
using kernel::ViewRow;

// The architecture of an event among those that the domain lists.
const Arch* EntryOf(const Domain& domain, uint32_t audit_arch) {
  for (const Arch& arch : domain.architectures) {
    if (kernel::AuditArch(arch) == audit_arch) return &arch;
  }
  return nullptr;
}

// The value of a parameter as the kernel reads it.
uint64_t Read(const kernel::Syscall& call, const std::string& param, const ir::Args& args) {
  for (size_t i = 0; i < call.params.size(); ++i) {
    if (call.params[i].name != param) continue;
    switch (call.params[i].type) {
      case kernel::ArgType::kU16:
        return args[i] & 0xffff;
      case kernel::ArgType::kI32:
      case kernel::ArgType::kU32:
        return args[i] & 0xffffffff;
      case kernel::ArgType::kI64:
      case kernel::ArgType::kU64:
      case kernel::ArgType::kPtr:
        return args[i];
    }
  }
  RAVELIN_CHECK(false, "a view row names a parameter that the call lacks");
  return 0;
}

uint64_t Width(const kernel::Syscall& call, const std::string& param) { return Read(call, param, {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}); }

bool Holds(const ViewRow& row, const kernel::Syscall& call, const ir::Args& args) {
  return std::all_of(row.when.begin(), row.when.end(), [&](const kernel::RowTest& test) {
    const uint64_t value = Read(call, test.param, args) & test.mask;
    return (value == (test.value & Width(call, test.param))) == test.equal;
  });
}

// One attempt's registers with the rows that hold of them.
struct Call {
  const Domain& domain;
  Arch arch;
  uint32_t number;
  const ir::Args& args;
  const kernel::Syscall* syscall = nullptr;
  std::vector<const ViewRow*> needs;
  std::vector<const ViewRow*> serves;
};

Call Observe(const Domain& domain, Arch arch, const Event& event) {
  Call call{domain, arch, event.number, event.args, kernel::FindSyscall(arch, event.number), {}, {}};
  if (call.syscall == nullptr) return call;
  for (const ViewRow& row : kernel::ViewRows(arch, call.syscall->name)) {
    if (!Holds(row, *call.syscall, event.args)) continue;
    (row.mode == RowMode::kNeeds ? call.needs : call.serves).push_back(&row);
  }
  return call;
}

bool HasOperation(const Rule& rule, const ViewRow& row) {
  if (kernel::Facets()[rule.facet].name != row.facet) return false;
  const auto& operations = kernel::Facets()[rule.facet].operations;
  const auto at = std::find(operations.begin(), operations.end(), row.operation) - operations.begin();
  return (rule.operations >> at & 1) != 0;
}

const kernel::Binding* BindingOf(const ViewRow& row, const std::string& attribute) {
  for (const kernel::Binding& binding : row.bindings) {
    if (binding.attribute == attribute) return &binding;
  }
  return nullptr;
}

bool StructHides(const ViewRow& row, const std::string& attribute) {
  return std::find(row.hidden.begin(), row.hidden.end(), attribute + "!") != row.hidden.end();
}

bool BoundIn(const Call& call, const kernel::Binding& binding, const ir::IntervalSet& set) {
  return set.Contains(Read(*call.syscall, binding.param, call.args) & binding.mask);
}

// 4.5 (and 7.2 for `narrow`)
bool Grants(const Call& call, const ViewRow& row, const Rule& rule) {
  if (!HasOperation(rule, row)) return false;
  if (rule.narrow && (!rule.texts.empty() || rule.owner_only)) return false;
  for (const auto& [attribute, set] : rule.integers) {
    const kernel::Binding* binding = BindingOf(row, attribute);
    if (binding != nullptr) {
      if (!BoundIn(call, *binding, set)) return false;
    } else if (rule.narrow || StructHides(row, attribute)) {
      return false;
    }
  }
  return true;
}

// 4.6, first sentence
bool Refuses(const Call& call, const ViewRow& row, const Rule& rule) {
  if (!HasOperation(rule, row) || !rule.texts.empty() || rule.owner_only) return false;
  return std::all_of(rule.integers.begin(), rule.integers.end(), [&](const auto& constraint) {
    const kernel::Binding* binding = BindingOf(row, constraint.first);
    return binding != nullptr && BoundIn(call, *binding, constraint.second);
  });
}

bool MatchesCall(const Call& call, const Rule& rule) {
  return std::any_of(rule.calls.begin(), rule.calls.end(), [&](const ir::CallMatch& match) {
    return match.arch == call.arch && match.number == call.number && match.when.Holds(call.args);
  });
}

bool IsSyscallRule(const Rule& rule) { return kernel::Facets()[rule.facet].name == "syscall"; }

bool GrantedBy(const Call& call, const ViewRow& row, std::initializer_list<Effect> effects, std::vector<uint32_t>* rules) {
  bool granted = false;
  for (const Rule& rule : call.domain.rules) {
    if (std::find(effects.begin(), effects.end(), rule.effect) == effects.end() || !Grants(call, row, rule)) continue;
    granted = true;
    if (rules != nullptr) rules->push_back(rule.id);
  }
  return granted;
}

void SortUnique(std::vector<uint32_t>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// 4.7, second half: some row granted, every needed row granted.
bool Implied(const Call& call, std::initializer_list<Effect> some, std::initializer_list<Effect> every, std::vector<uint32_t>* rules) {
  std::vector<uint32_t> why;
  bool any = false;
  for (const auto* rows : {&call.needs, &call.serves}) {
    for (const ViewRow* row : *rows) any |= GrantedBy(call, *row, some, &why);
  }
  if (!any) return false;
  for (const ViewRow* row : call.needs) {
    if (!GrantedBy(call, *row, every, &why)) return false;
  }
  SortUnique(why);
  *rules = why;
  return true;
}

// 4.6
bool Denied(const Call& call, Decision* decision) {
  bool denied = false;
  for (const Rule& rule : call.domain.rules) {
    if (rule.effect != Effect::kDeny) continue;
    bool matches = IsSyscallRule(rule) && MatchesCall(call, rule);
    for (const ViewRow* row : call.needs) matches |= Refuses(call, *row, rule);
    if (!matches) continue;
    if (!denied || Stricter(rule.action, decision->action)) {
      decision->action = rule.action;
      decision->rules = {rule.id};
    } else if (rule.action == decision->action) {
      decision->rules.push_back(rule.id);
    }
    denied = true;
  }
  if (denied) decision->reason = "deny rule";
  return denied;
}

// 4.10
bool Audited(const Call& call) {
  bool audited = false;
  for (const Rule& rule : call.domain.rules) {
    if (rule.effect != Effect::kAudit) continue;
    audited |= IsSyscallRule(rule) && MatchesCall(call, rule);
    for (const ViewRow* row : call.needs) audited |= Grants(call, *row, rule);
  }
  return audited;
}

// 4.7 and 4.10
bool Allowed(const Call& call, Decision* decision) {
  std::vector<uint32_t> rules;
  bool logged = false;
  for (const Rule& rule : call.domain.rules) {
    if (rule.effect != Effect::kAllow || !IsSyscallRule(rule) || !MatchesCall(call, rule)) continue;
    rules.push_back(rule.id);
    logged |= rule.action.kind == ActionKind::kLog;
  }
  decision->reason = "allow rule";
  if (rules.empty()) {
    if (!Implied(call, {Effect::kAllow}, {Effect::kAllow}, &rules)) return false;
    decision->reason = "implied";
  }
  decision->action = {logged || Audited(call) ? ActionKind::kLog : ActionKind::kAllow, 0};
  decision->rules = rules;
  return true;
}

// 4.8
bool Complained(const Call& call, Decision* decision) {
  std::vector<uint32_t> rules;
  for (const Rule& rule : call.domain.rules) {
    if (rule.effect == Effect::kComplain && IsSyscallRule(rule) && MatchesCall(call, rule)) rules.push_back(rule.id);
  }
  if (rules.empty() && !Implied(call, {Effect::kComplain}, {Effect::kAllow, Effect::kComplain}, &rules)) return false;
  *decision = {{ActionKind::kLog, 0}, rules, "complain rule"};
  return true;
}

Action DefaultAction(const Domain& domain, ir::FacetId facet) {
  const ir::FacetDefault& d = domain.defaults[facet];
  return d.stated ? d.action : Action{};
}

// 4.3 and 4.9
Decision ByDefault(const Call& call) {
  const bool unknown = call.domain.unknown_syscall.has_value() && !ir::IsKnown(call.domain, call.arch, call.number);
  Decision decision{unknown ? call.domain.unknown_syscall->action : DefaultAction(call.domain, ir::FacetOf("syscall")), {}, unknown ? "unknown syscall" : "default"};
  for (size_t facet = 0; facet < kernel::Facets().size(); ++facet) {
    for (const ViewRow* row : call.needs) {
      if (row->facet != kernel::Facets()[facet].name || row->object_may_be_absent) continue;
      if (GrantedBy(call, *row, {Effect::kAllow}, nullptr)) continue;
      const Action action = DefaultAction(call.domain, static_cast<ir::FacetId>(facet));
      if (Permits(action) || !Stricter(action, decision.action)) continue;
      decision = {action, {}, "default of " + row->facet};
    }
  }
  if (decision.action.kind == ActionKind::kAllow && Audited(call)) decision.action.kind = ActionKind::kLog;  // 4.10
  return decision;
}

// 5.7: what lets a program run speaks of mapping it, too.
bool MapsFile(const ir::ObjectCheck& check) {
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  return facet.name == "file" && facet.operations[static_cast<size_t>(check.operation)] == "map_exec";
}
bool MapsWhatRuns(const Rule& rule, const ir::ObjectCheck& check) {
  const bool speaks = rule.effect == Effect::kAllow || rule.effect == Effect::kComplain || rule.effect == Effect::kAudit;
  return MapsFile(check) && speaks && kernel::Facets()[rule.facet].name == "exec";
}

// 5.2: one object check.
bool MatchesObject(const Rule& rule, const ir::ObjectCheck& check) {
  const bool same = rule.facet == check.facet && (rule.operations >> check.operation & 1) != 0;
  if (!same && !MapsWhatRuns(rule, check)) return false;
  if (rule.owner_only && !check.owner) return false;
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  const auto lacks = [&](const std::string& attribute) {  // 2.6
    return attribute == "transition" || kernel::OperationLacks(facet.name, facet.operations[static_cast<size_t>(check.operation)], attribute);
  };
  for (const auto& [attribute, set] : rule.integers) {
    if (lacks(attribute)) continue;
    const auto value = check.integers.find(attribute);
    if (value == check.integers.end() || !set.Contains(value->second)) return false;
  }
  for (const auto& [attribute, patterns] : rule.texts) {
    if (lacks(attribute)) continue;
    const auto value = check.texts.find(attribute);
    if (value == check.texts.end()) return false;
    const bool is_pattern = attribute == "path" || attribute == "from" || attribute == "on" || attribute == "to" || attribute == "target";
    const bool any = std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      if (!is_pattern) return pattern == value->second;
      const auto set = ir::PathSet::Parse(pattern);
      return set && set->Contains(value->second);
    });
    if (!any) return false;
  }
  return true;
}

// 5.7: the file that is mapped may run.
bool Runs(const Domain& domain, const ir::ObjectCheck& maps) {
  ir::ObjectCheck runs = maps;
  runs.facet = ir::FacetOf("exec");
  runs.operation = 0;
  return DecideObject(domain, runs).permitted();
}

}  // namespace

Decision DecideObject(const Domain& domain, const ir::ObjectCheck& check) {
  Decision denied{{ActionKind::kAllow, 0}, {}, ""};
  std::vector<uint32_t> allows;
  std::vector<uint32_t> complains;
  bool audited = false;
  for (const Rule& rule : domain.rules) {
    if (!MatchesObject(rule, check)) continue;
    if (rule.effect == Effect::kDeny && (denied.reason.empty() || Stricter(rule.action, denied.action))) {
      denied = {rule.action, {rule.id}, "deny rule"};
    }
    if (rule.effect == Effect::kAllow) allows.push_back(rule.id);
    if (rule.effect == Effect::kComplain) complains.push_back(rule.id);
    audited |= rule.effect == Effect::kAudit && (rule.facet == check.facet || Runs(domain, check));
  }
  const Action permitted = {audited ? ActionKind::kLog : ActionKind::kAllow, 0};
  if (denied.reason.empty() && !allows.empty()) return {permitted, allows, "allow rule"};
  if (!complains.empty()) return {{ActionKind::kLog, 0}, complains, "complain rule"};
  if (!denied.reason.empty()) return denied;
  const Action fallback = MapsFile(check) && Permits(DefaultAction(domain, ir::FacetOf("exec"))) ? Action{} : DefaultAction(domain, check.facet);
  if (Permits(fallback)) return {audited ? permitted : fallback, {}, "default"};
  return {fallback, {}, "default of " + kernel::Facets()[check.facet].name};
}

Decision DecideCall(const Domain& domain, const Event& event) {
  const Arch* arch = EntryOf(domain, event.audit_arch);
  if (arch == nullptr) return {domain.foreign.action, {}, "foreign architecture"};  // 4.1
  if (ir::IsX32Number(*arch, event.number)) {                                       // 4.4
    const Action fallback = DefaultAction(domain, ir::FacetOf("syscall"));
    return {Permits(fallback) ? Action{ActionKind::kErrno, 38} : fallback, {}, "x32 number"};
  }
  const Call call = Observe(domain, *arch, event);
  Decision complained;
  const bool complains = Complained(call, &complained);
  Decision decision;
  if (Denied(call, &decision)) return complains ? complained : decision;
  if (Allowed(call, &decision)) return decision;
  return complains ? complained : ByDefault(call);
}

Decision Decide(const Domain& domain, const Event& event) {
  Decision decision = DecideCall(domain, event);
  for (const ir::ObjectCheck& check : event.objects) {  // 5.3
    const Decision of_object = DecideObject(domain, check);
    if (Stricter(of_object.action, decision.action)) decision = of_object;
  }
  return decision;
}

}  // namespace ravelin::oracle
