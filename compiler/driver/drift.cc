#include "compiler/driver/drift.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/seccomp/lower.h"
#include "compiler/driver/attempts.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/satisfy.h"
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

// What the filter permits of a call.
ir::Predicate Permitted(const seccomp::FilterSpec& spec, const kernel::Syscall& call) {
  const seccomp::CallAnswer* answer = seccomp::AnswerOf(spec, kArch, call.number);
  return answer == nullptr ? ir::Predicate::False() : seccomp::PermittedBy(*answer);
}

}  // namespace

std::vector<std::string> ObjectsBeyond(const ir::Domain& one, const ir::Rule& rule, const ir::Domain& other) {
  std::vector<std::string> out;
  const auto facets = kernel::Facets();
  const std::string& name = facets[rule.facet].name;
  if (rule.effect != ir::Effect::kAllow || name == "syscall" || ByPath(name)) return out;
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
    std::string text = ShowCheck(kArch, check);
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> CallsBeyond(const ir::Domain& one, const ir::Domain& other) {
  std::vector<std::string> out;
  const seccomp::FilterSpec mine = seccomp::Lower(one);
  const seccomp::FilterSpec theirs = seccomp::Lower(other);
  for (const kernel::Syscall& call : kernel::Syscalls(kArch)) {
    const auto args = ir::FindArgs(ir::Predicate::And({Permitted(mine, call), ir::Predicate::Not(Permitted(theirs, call))}));
    if (args) out.push_back(*args == ir::Args() ? call.name : ShowCall(kArch, call, *args, {}));
  }
  return out;
}

Result<ir::PathSet> PathsPermitted(const ir::Domain& domain, ir::FacetId facet, int operation) { return Granted(domain, facet, operation); }

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
    for (std::string& text : ObjectsBeyond(one, rule, other)) {
      if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
    }
  }
  for (std::string& text : CallsBeyond(one, other)) out.push_back("syscall " + std::move(text));
  return out;
}

}  // namespace ravelin::driver
