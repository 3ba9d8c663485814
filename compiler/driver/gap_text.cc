#include "compiler/driver/gap_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/permitted.h"

namespace ravelin::driver {
std::string WitnessText(const ir::Domain& domain, const combine::Gap& gap) {
  const kernel::FacetInfo& facet = kernel::Facets()[gap.facet];
  std::string out = fmt::format("`{} {{ {} }}`", facet.name, facet.operations[static_cast<size_t>(gap.operation)]);
  for (const auto& [attribute, text] : gap.witness.texts) out += attribute == "path" ? fmt::format(" on {}", text) : fmt::format(" {} {}", attribute, text);
  for (const auto& [attribute, value] : gap.witness.integers) {
    if (attribute == "kind" || (attribute == "owner" && value == 1)) continue;
    if (attribute == "owner") {
      out += " of another owner";
      continue;
    }
    out += fmt::format(" {} {}", attribute, AttributeText(domain.architectures.front(), attribute, value));
  }
  if (gap.carrier && gap.carrier->shown) out += fmt::format(" by {}", ShowCall(gap.carrier->arch, *kernel::FindSyscall(gap.carrier->arch, gap.carrier->number), gap.carrier->args));
  return out;
}

const ir::GapAcceptance* AcceptanceOf(const ir::Domain& domain, const std::string& label, bool wider, const std::vector<std::string>& layers) {
  if (label.empty()) return nullptr;
  for (const ir::GapAcceptance& one : domain.acceptances) {
    if (one.rule_label == label && one.wider == wider && std::is_permutation(one.layers.begin(), one.layers.end(), layers.begin(), layers.end())) return &one;
  }
  return nullptr;
}

std::string AcceptanceName(const ir::Domain& domain, const combine::Gap& gap) {
  return gap.rule ? domain.rules[*gap.rule].label : "default " + kernel::Facets()[gap.facet].name;
}

std::string AcceptLine(const std::string& label, bool wider, const std::vector<std::string>& layers) {
  return fmt::format("accept gap {} {} on {} because \"...\"", label.empty() ? "LABEL" : label, wider ? "wider" : "narrower", fmt::join(layers, " + "));
}

std::string TighterText(const ir::Domain& domain, const combine::Gap& gap, const std::vector<std::string>& layers) {
  if (!gap.wider) {
    return gap.rule && domain.rules[*gap.rule].facet == ir::FacetOf("exec") ? "or let the program run in this policy (`as self`), or start it from a launcher that has CAP_SYS_ADMIN and sets no no_new_privs" : "";
  }
  if (layers.size() == 1 && layers.front() == "seccomp") return "or deploy it with a layer that sees it: `layers { seccomp + apparmor }`; or permit less: `narrow`";
  if (gap.rule && gap.carrier && gap.carrier->shown && domain.rules[*gap.rule].calls.empty()) {
    const ir::Rule& rule = domain.rules[*gap.rule];
    const bool of_rule = gap.operation >= 0 && (rule.operations >> gap.operation & 1) != 0;
    if (!of_rule) return fmt::format("or allow `{}` there as well, or take its call away: `deny syscall {}`", kernel::Facets()[gap.facet].operations[static_cast<size_t>(gap.operation)], kernel::FindSyscall(gap.carrier->arch, gap.carrier->number)->name);
  }
  return "";
}

}  // namespace ravelin::driver
