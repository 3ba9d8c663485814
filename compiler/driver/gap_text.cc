#include "compiler/driver/gap_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/driver/permitted.h"
#include "compiler/ir/operation_words.h"

namespace ravelin::driver {
namespace {

std::string NameOf(const ir::Domain& domain, const combine::Gap& gap) {
  return gap.rule ? domain.rules[*gap.rule].label : (gap.wider ? "default " : "filesystem ") + kernel::Facets()[gap.facet].name;
}

bool Covers(const ir::GapAcceptance& acceptance, const combine::Gap& gap) {
  if (acceptance.bound.empty()) return true;
  const auto at = acceptance.bound.find(gap.facet);
  return at != acceptance.bound.end() && (at->second >> gap.operation & 1) != 0;
}

std::string TighterText(const ir::Domain& domain, const combine::Gap& gap, const std::vector<std::string>& layers) {
  if (!gap.wider && !gap.rule && kernel::Facets()[gap.facet].name == "ipc") return "or take the rule away: where the profile is enforced nothing of it works";
  if (!gap.wider && !gap.rule) return "or grant it on the type of the file system, `label(\"proc_t\")`, which all of its files share";
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

}  // namespace

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

const ir::GapAcceptance* AcceptanceOf(const ir::Domain& domain, const combine::Gap& gap) {
  const std::string name = NameOf(domain, gap);
  if (name.empty()) return nullptr;
  for (const ir::GapAcceptance& one : domain.acceptances) {
    if (one.rule_label == name && one.wider == gap.wider && std::is_permutation(one.layers.begin(), one.layers.end(), gap.layers.begin(), gap.layers.end()) && Covers(one, gap)) return &one;
  }
  return nullptr;
}

std::string OperationsText(const ir::Operations& operations) {
  std::string out;
  for (const auto& [facet, set] : operations) {
    const auto names = ir::WordsFor(facet, set);
    const bool all = ir::OperationNames(facet, set).size() == kernel::Facets()[facet].operations.size();
    out += fmt::format("{}{}{}", out.empty() ? "" : " ", kernel::Facets()[facet].name, all ? "" : fmt::format(" {{ {} }}", fmt::join(names, ", ")));
  }
  return out;
}

std::string AcceptLine(const GapRow& row) {
  return fmt::format("accept gap {} {} on {} of {} because \"...\"", row.name.empty() ? "LABEL" : row.name, row.wider ? "wider" : "narrower", fmt::join(row.layers, " + "), OperationsText(row.operations));
}

std::vector<GapRow> RowsOf(const ir::Domain& domain, const std::vector<combine::Gap>& gaps) {
  std::vector<GapRow> rows;
  std::map<std::tuple<std::vector<std::string>, std::string, std::string, bool>, size_t> known;
  for (const combine::Gap& gap : gaps) {
    const std::string name = NameOf(domain, gap);
    const std::string place = gap.rule ? domain.rules[*gap.rule].from.place : name;
    const auto [at, fresh] = known.emplace(std::tuple(gap.layers, place, name, gap.wider), rows.size());
    if (fresh) rows.push_back({gap.layers, gap.rule, place, name, gap.wider, {}, {}, "", "", "", ""});
    GapRow& row = rows[at->second];
    const ir::OperationSet operation = ir::OperationSet{1} << gap.operation;
    row.operations[gap.facet] |= operation;
    const ir::GapAcceptance* acceptance = AcceptanceOf(domain, gap);
    if (acceptance != nullptr) row.acceptance = acceptance->from.place;
    if (fresh || (acceptance == nullptr && row.open.empty())) {
      row.reason = gap.reason;
      row.witness = WitnessText(domain, gap);
      row.tighter = TighterText(domain, gap, gap.layers);
    }
    if (acceptance == nullptr) row.open[gap.facet] |= operation;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const GapRow& a, const GapRow& b) { return std::tie(a.layers, a.reason) < std::tie(b.layers, b.reason); });
  return rows;
}

}  // namespace ravelin::driver
