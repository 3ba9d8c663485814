#include "compiler/ir/grant.h"

#include <algorithm>

#include "compiler/base/check.h"

namespace ravelin::ir {
namespace {

const kernel::Param& ParamOf(const kernel::Syscall& call, const std::string& name, uint8_t* index) {
  for (size_t i = 0; i < call.params.size(); ++i) {
    if (call.params[i].name != name) continue;
    *index = static_cast<uint8_t>(i);
    return call.params[i];
  }
  RAVELIN_CHECK(false, "a view row names a parameter that the call lacks");
  return call.params.front();
}

uint64_t WidthMask(const kernel::Param& param) {
  switch (param.type) {
    case kernel::ArgType::kU16: return 0xffff;
    case kernel::ArgType::kI32:
    case kernel::ArgType::kU32: return 0xffffffff;
    default: return ~uint64_t{0};
  }
}

// (parameter & mask) in values, as the kernel reads the parameter.
Predicate ParamTest(const kernel::Syscall& call, const std::string& name, uint64_t mask, IntervalSet values) {
  ArgTest test;
  const kernel::Param& param = ParamOf(call, name, &test.arg);
  const uint64_t width = WidthMask(param);
  test.bits = width == ~uint64_t{0} ? 64 : 32;
  test.mask = mask & width;
  test.values = std::move(values);
  return Predicate::Test(std::move(test));
}

const kernel::Binding* BindingOf(const kernel::ViewRow& row, const std::string& attribute) {
  const auto it = std::find_if(row.bindings.begin(), row.bindings.end(), [&](const auto& b) { return b.attribute == attribute; });
  return it == row.bindings.end() ? nullptr : &*it;
}

bool StructHides(const kernel::ViewRow& row, const std::string& attribute) {
  return std::find(row.hidden.begin(), row.hidden.end(), attribute + "!") != row.hidden.end();
}

bool HasOperation(const ConditionalRow& row, const Rule& rule) {
  return row.facet == rule.facet && (rule.operations >> row.operation & 1) != 0;
}

}  // namespace

std::vector<ConditionalRow> RowsOf(kernel::Arch arch, const kernel::Syscall& call) {
  std::vector<ConditionalRow> rows;
  for (const kernel::ViewRow& row : kernel::ViewRows(arch, call.name)) {
    std::vector<Predicate> tests;
    for (const kernel::RowTest& t : row.when) {
      uint8_t index = 0;
      const uint64_t width = WidthMask(ParamOf(call, t.param, &index));
      IntervalSet set = IntervalSet::Single(t.value & width);
      if (!t.equal) set = set.Complement(64);
      tests.push_back(ParamTest(call, t.param, t.mask, std::move(set)));
    }
    Predicate when = Predicate::And(std::move(tests));
    if (when.IsFalse()) continue;
    const FacetId facet = FacetOf(row.facet);
    const auto& operations = kernel::Facets()[facet].operations;
    const auto at = std::find(operations.begin(), operations.end(), row.operation) - operations.begin();
    rows.push_back({&row, std::move(when), facet, static_cast<int>(at)});
  }
  return rows;
}

Predicate GrantOf(const kernel::Syscall& call, const ConditionalRow& row, const Rule& rule) {
  if (!HasOperation(row, rule)) return Predicate::False();
  if (rule.narrow && (!rule.texts.empty() || rule.owner_only)) return Predicate::False();
  std::vector<Predicate> terms;
  for (const auto& [attribute, set] : rule.integers) {
    if (const kernel::Binding* binding = BindingOf(*row.row, attribute)) {
      terms.push_back(ParamTest(call, binding->param, binding->mask, set));
    } else if (rule.narrow || StructHides(*row.row, attribute)) {
      return Predicate::False();
    }
  }
  return Predicate::And(std::move(terms));
}

Predicate RefusalOf(const kernel::Syscall& call, const ConditionalRow& row, const Rule& rule) {
  if (!HasOperation(row, rule) || !rule.texts.empty() || rule.owner_only) return Predicate::False();
  std::vector<Predicate> terms = {row.when};
  for (const auto& [attribute, set] : rule.integers) {
    const kernel::Binding* binding = BindingOf(*row.row, attribute);
    if (binding == nullptr) return Predicate::False();
    terms.push_back(ParamTest(call, binding->param, binding->mask, set));
  }
  return Predicate::And(std::move(terms));
}

std::vector<ImpliedCall> ImpliedBy(const Domain& domain, const Rule& rule) {
  std::vector<ImpliedCall> implied;
  for (const kernel::Arch arch : domain.architectures) {
    for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
      if (IsX32Number(arch, call.number)) continue;
      std::vector<Predicate> when;
      bool needed = false;
      for (const ConditionalRow& row : RowsOf(arch, call)) {
        Predicate grant = Predicate::And({row.when, GrantOf(call, row, rule)});
        if (grant.IsFalse()) continue;
        needed |= row.row->mode == kernel::RowMode::kNeeds;
        when.push_back(std::move(grant));
      }
      if (!when.empty()) implied.push_back({arch, &call, needed, Predicate::Or(std::move(when))});
    }
  }
  return implied;
}

}  // namespace ravelin::ir
