// Gaps of the layer sets that this build can judge: seccomp standing alone (docs/semantics.md, clause 7.3).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/driver/analyze.h"
#include "compiler/ir/grant.h"

namespace ravelin::driver {
namespace {

using ir::Effect;
using ir::Rule;

std::string Shape(const Rule& rule) {
  std::string shape = fmt::format("{}/{:x}/{}{}", rule.facet, rule.operations, rule.narrow, rule.owner_only);
  for (const auto& [attribute, set] : rule.integers) shape += "/" + attribute;
  for (const auto& [attribute, texts] : rule.texts) shape += "/" + attribute;
  return shape;
}

// Why seccomp alone permits more than the rule says, or "".
std::string Excess(const ir::Domain& domain, const Rule& rule) {
  if (rule.narrow) return "";
  const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
  std::set<int> seen;
  std::set<std::string> hidden;
  for (const kernel::Arch arch : domain.architectures) {
    for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
      for (const ir::ConditionalRow& row : ir::RowsOf(arch, call)) {
        if (row.facet != rule.facet || (rule.operations >> row.operation & 1) == 0) continue;
        seen.insert(row.operation);
        for (const auto& entry : rule.integers) {
          const std::string& attribute = entry.first;
          const bool bound = std::any_of(row.row->bindings.begin(), row.row->bindings.end(), [&](const auto& b) { return b.attribute == attribute; });
          if (!bound && !ir::GrantOf(call, row, rule).IsFalse()) hidden.insert(attribute);
        }
      }
    }
  }
  for (size_t i = 0; i < facet.operations.size(); ++i) {
    if ((rule.operations >> i & 1) != 0 && seen.count(static_cast<int>(i)) == 0) return fmt::format("no system call shows `{} {{ {} }}` to a filter", facet.name, facet.operations[i]);
  }
  for (const auto& [attribute, texts] : rule.texts) {
    if (attribute == "transition") continue;
    hidden.insert(attribute);
  }
  if (rule.owner_only) hidden.insert("owner");
  return hidden.empty() ? "" : fmt::format("a filter cannot see {}", fmt::join(hidden, ", "));
}

bool Accepted(const ir::Domain& domain, const Rule& rule, bool wider) {
  return std::any_of(domain.acceptances.begin(), domain.acceptances.end(), [&](const ir::GapAcceptance& gap) {
    return gap.rule_label == rule.label && gap.wider == wider && gap.layers == std::vector<std::string>{"seccomp"};
  });
}

}  // namespace

void CheckGaps(const ir::Domain& domain, GapsAre gaps, diag::Sink& sink) {
  const bool alone = std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [](const auto& set) { return set == std::vector<std::string>{"seccomp"}; });
  std::map<std::string, std::string> known;
  std::set<std::string> labels_with_gap;
  if (!alone) return;
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kAllow || kernel::Facets()[rule.facet].name == "syscall") continue;
    const auto [at, fresh] = known.emplace(Shape(rule), "");
    if (fresh) at->second = Excess(domain, rule);
    if (at->second.empty()) continue;
    labels_with_gap.insert(rule.label);
    if (!rule.label.empty() && Accepted(domain, rule, true)) continue;
    const std::string label = rule.label.empty() ? "LABEL" : rule.label;
    auto& d = sink.ReportAs(diag::Kind::kGapNotAccepted, gaps == GapsAre::kErrors ? diag::Severity::kError : diag::Severity::kWarning, rule.from.span, fmt::format("seccomp alone permits more than this rule says: {}", at->second));
    d.Help(fmt::format("{}accept it: `accept gap {} wider on seccomp because \"...\"`", rule.label.empty() ? "label the rule (`LABEL: allow ...`) and " : "", label));
    d.Help("or deploy it with a layer that sees it: `layers { seccomp + apparmor }`; or permit less: `narrow`");
  }
  for (const ir::GapAcceptance& gap : domain.acceptances) {
    if (gap.layers != std::vector<std::string>{"seccomp"} || (gap.wider && labels_with_gap.count(gap.rule_label) != 0)) continue;
    sink.Report(diag::Kind::kGapUnused, gap.from.span, fmt::format("seccomp alone is not {} than `{}`", gap.wider ? "wider" : "narrower", gap.rule_label)).Help("take the acceptance away");
  }
}

}  // namespace ravelin::driver
