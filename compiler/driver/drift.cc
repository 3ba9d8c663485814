#include "compiler/driver/drift.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/attempts.h"
#include "compiler/ir/path_set.h"
#include "compiler/kernel/view.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

constexpr kernel::Arch kArch = kernel::Arch::kX86_64;

bool ByPath(const std::string& facet) { return facet == "file" || facet == "exec"; }

// Paths on which somebody may do the operation.
Result<ir::PathSet> Granted(const ir::Domain& domain, ir::FacetId facet, int operation) {
  ir::PathSet granted;
  ir::PathSet refused;
  for (const ir::Rule& rule : domain.rules) {
    if (rule.facet != facet || (rule.operations >> operation & 1) == 0) continue;
    const auto at = rule.texts.find("path");
    ir::PathSet set = ir::PathSet::All();
    if (at != rule.texts.end()) {
      RAVELIN_TRY(parsed, ir::PathSet::ParseAny(at->second));
      set = std::move(parsed);
    }
    const bool narrowed = rule.owner_only || !rule.integers.empty();
    if (rule.effect == ir::Effect::kAllow) {
      RAVELIN_TRY(more, granted.Union(set));
      granted = std::move(more);
    } else if (rule.effect == ir::Effect::kDeny && !narrowed) {
      RAVELIN_TRY(more, refused.Union(set));
      refused = std::move(more);
    }
  }
  RAVELIN_TRY(left, granted.Minus(refused));
  RAVELIN_TRY(names, left.Intersect(ir::PathSet::Names()));
  return names;
}

bool Permits(const ir::Domain& domain, const ir::ObjectCheck& check) { return oracle::DecideObject(domain, check).permitted(); }

}  // namespace

Result<std::vector<std::string>> PermittedBeyond(const ir::Domain& one, const ir::Domain& other) {
  std::vector<std::string> out;
  const auto facets = kernel::Facets();
  for (ir::FacetId facet = 0; facet < facets.size(); ++facet) {
    if (!ByPath(facets[facet].name)) continue;
    for (size_t operation = 0; operation < facets[facet].operations.size(); ++operation) {
      RAVELIN_TRY(mine, Granted(one, facet, static_cast<int>(operation)));
      RAVELIN_TRY(theirs, Granted(other, facet, static_cast<int>(operation)));
      RAVELIN_TRY(beyond, mine.Minus(theirs));
      if (const auto witness = beyond.Witness()) out.push_back(fmt::format("{} {{ {} }}, for example on {}", facets[facet].name, facets[facet].operations[operation], *witness));
    }
  }
  for (const ir::Rule& rule : one.rules) {
    const std::string& name = facets[rule.facet].name;
    if (rule.effect != ir::Effect::kAllow || name == "syscall" || ByPath(name)) continue;
    for (size_t operation = 0; operation < facets[rule.facet].operations.size(); ++operation) {
      if ((rule.operations >> operation & 1) == 0) continue;
      ir::ObjectCheck check;
      check.facet = rule.facet;
      check.operation = static_cast<int>(operation);
      for (const auto& [key, values] : rule.integers) {
        if (!values.empty()) check.integers[key] = values.Min();
      }
      bool concrete = true;
      for (const auto& [key, values] : rule.texts) {
        if (values.size() != 1 || values[0].find_first_of("*?[{") != std::string::npos) concrete = false;
        if (!values.empty()) check.texts[key] = values[0];
      }
      if (!concrete || !Permits(one, check) || Permits(other, check)) continue;
      const std::string text = ShowCheck(kArch, check);
      if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
    }
  }
  for (const kernel::Syscall& call : kernel::Syscalls(kArch)) {
    ir::Event event;
    event.audit_arch = kernel::AuditArch(kArch);
    event.number = call.number;
    if (oracle::DecideCall(one, event).permitted() && !oracle::DecideCall(other, event).permitted()) out.push_back("syscall " + call.name);
  }
  return out;
}

}  // namespace ravelin::driver
