// gap: what each layer enforces of each rule, and what a layer set leaves open.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/combine/gaps.h"
#include "backends/seccomp/lower.h"
#include "backends/selinux/base/grants.h"
#include "compiler/cli/commands.h"
#include "compiler/cli/gap_report.h"
#include "compiler/driver/analyze.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/gap_text.h"
#include "compiler/resolve/layer_sets.h"

namespace ravelin::cli {
namespace {

DomainReport Report(const ir::Domain& domain, const combine::LayerFacts& facts, const selinux::Module* module) {
  DomainReport report;
  report.name = domain.name;
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  combine::Effective effective(domain, spec, facts, module);
  std::set<std::string> layers;
  for (const LayerSet& set : domain.layer_sets) {
    for (const std::string& layer : set) layers.insert(layer);
  }
  std::vector<std::vector<combine::Verdict>> columns;
  for (const char* layer : {"seccomp", "apparmor", "selinux"}) {
    if (layers.count(layer) == 0) continue;
    if (!driver::IsBuilt(layer)) {
      report.not_judged.push_back(fmt::format("layer {} is not built, its gap is unknown", layer));
      continue;
    }
    auto verdicts = combine::Verdicts(effective, layer);
    if (!verdicts) {
      report.not_judged.push_back(fmt::format("layer {}: {}", layer, verdicts.error().message));
      continue;
    }
    report.layers.emplace_back(layer);
    columns.push_back(std::move(*verdicts));
  }
  if (layers.count("selinux") != 0) {
    for (const selinux::BaseGrant& grant : selinux::BaseGrants()) report.base.push_back(fmt::format("{} -> {}: {} {{ {} }}: {}", grant.source, grant.target, grant.object_class, fmt::join(grant.permissions, " "), grant.reason));
  }
  for (const ir::Rule& rule : domain.rules) {
    if (rule.operations == 0 || !rule.calls.empty() || (rule.effect != ir::Effect::kAllow && rule.effect != ir::Effect::kDeny && rule.effect != ir::Effect::kComplain)) continue;
    std::vector<std::string> words;
    for (const auto& column : columns) words.emplace_back(combine::VerdictText(column[rule.id]));
    report.verdicts.emplace_back(fmt::format("{}  {}{}", rule.from.place, kernel::Facets()[rule.facet].name, rule.label.empty() ? "" : " (" + rule.label + ")"), std::move(words));
  }
  std::vector<combine::Gap> all;
  for (const LayerSet& set : domain.layer_sets) {
    if (!std::all_of(set.begin(), set.end(), [](const std::string& layer) { return driver::IsBuilt(layer); })) continue;
    const auto gaps = combine::FindGaps(effective, set);
    if (!gaps) {
      report.not_judged.push_back(fmt::format("{}: {}", fmt::join(set, " + "), gaps.error().message));
      continue;
    }
    all.insert(all.end(), gaps->begin(), gaps->end());
  }
  report.rows = driver::RowsOf(domain, all);
  return report;
}

std::string Label(const driver::GapRow& row) { return !row.rule || row.name.empty() ? "" : " (" + row.name + ")"; }

std::string Text(const DomainReport& report) {
  std::string out = fmt::format("policy {}\n", report.name);
  size_t width = 4;
  for (const auto& line : report.verdicts) width = std::max(width, line.first.size());
  out += fmt::format("  {:<{}}", "rule", width + 2);
  for (const std::string& layer : report.layers) out += fmt::format("{:<20}", layer);
  out += "\n";
  for (const auto& line : report.verdicts) {
    out += fmt::format("  {:<{}}", line.first, width + 2);
    for (const std::string& verdict : line.second) out += fmt::format("{:<20}", verdict);
    while (out.back() == ' ') out.pop_back();
    out += "\n";
  }
  LayerSet set;
  std::string reason;
  for (const driver::GapRow& row : report.rows) {
    if (row.layers != set) out += fmt::format("  {}\n", fmt::join(row.layers, " + "));
    if (row.layers != set || row.reason != reason) out += fmt::format("    {}\n", row.reason);
    set = row.layers;
    reason = row.reason;
    out += fmt::format("      {:<9} {}{}: {}{}\n", row.wider ? "wider" : "narrower", row.place, Label(row), driver::OperationsText(row.operations), row.accepted() ? "   accepted" : "");
    if (!row.accepted() && !row.acceptance.empty()) out += fmt::format("                not accepted at {}: {}\n", row.acceptance, driver::OperationsText(row.open));
    out += fmt::format("                for example {} {}\n", row.witness, row.wider ? "is permitted" : "is refused");
  }
  if (report.rows.empty() && report.not_judged.empty()) out += "  no gap: every layer set permits what the policy says\n";
  if (!report.base.empty()) out += "  beside the rules SELinux's base grants (source -> target: class { permissions }: why)\n";
  for (const std::string& grant : report.base) out += "    " + grant + "\n";
  for (const std::string& why : report.not_judged) out += "  not judged: " + why + "\n";
  return out;
}

std::string Names(const ir::Operations& operations) {
  std::vector<std::string> out;
  for (const auto& [facet, set] : operations) {
    for (std::string& name : ir::OperationNames(facet, set)) out.push_back(std::move(name));
  }
  return json::List(out);
}

std::string Json(const std::string& file, const DomainReport& report) {
  std::string out = fmt::format("{{\"file\": {}, \"policy\": {}, \"layers\": {}, \"rules\": [", json::Quote(file), json::Quote(report.name), json::List(report.layers));
  for (size_t i = 0; i < report.verdicts.size(); ++i) out += fmt::format("{}{{\"rule\": {}, \"verdicts\": {}}}", i == 0 ? "" : ", ", json::Quote(report.verdicts[i].first), json::List(report.verdicts[i].second));
  out += "], \"gaps\": [";
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const driver::GapRow& row = report.rows[i];
    out += fmt::format("{}{{\"layers\": {}, \"rule\": {}, \"label\": {}, \"direction\": \"{}\", \"operations\": {}, \"open\": {}, \"reason\": {}, \"witness\": {}, \"accepted\": {}, \"accept\": {}}}", i == 0 ? "" : ", ", json::List(row.layers), json::Quote(row.place), json::Quote(row.rule ? row.name : ""),
                       row.wider ? "wider" : "narrower", Names(row.operations), Names(row.open), json::Quote(row.reason), json::Quote(row.witness), row.accepted(), json::Quote(driver::AcceptLine(row)));
  }
  return out + fmt::format("], \"base\": {}, \"not_judged\": {}}}", json::List(report.base), json::List(report.not_judged));
}

}  // namespace

int Run(const GapCommand& command) {
  std::vector<LayerSet> sets;
  if (!command.layers.empty()) {
    sets = resolve::ParseLayerSets(command.layers);
    if (sets.empty()) {
      Complain(fmt::format("`{}` is no list of layer sets; an example: 'seccomp + apparmor, seccomp'", command.layers));
      return kUsage;
    }
  }
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  int exit_code = kOk;
  std::string text;
  std::string json;
  std::vector<FileReport> pages;
  for (const std::string& file : *files) {
    int one = kOk;
    const auto front = ReadOrComplain(file, command.common, one);
    exit_code = std::max(exit_code, one);
    if (!front) continue;
    pages.push_back({file, front->target.name, {}});
    for (ir::Domain& domain : front->policy.domains) {
      if (!sets.empty()) domain.layer_sets = sets;
    }
    const auto module = driver::LowerSelinux(*front, selinux::Form::kStandalone, front->sink);
    for (const ir::Domain& domain : front->policy.domains) {
      const DomainReport report = Report(domain, driver::FactsOf(front->target), module ? &*module : nullptr);
      text += Text(report);
      pages.back().domains.push_back(report);
      json += (json.empty() ? "" : ",\n ") + Json(file, report);
      if (!report.not_judged.empty()) exit_code = std::max(exit_code, kEnvironment);
      const bool open = std::any_of(report.rows.begin(), report.rows.end(), [](const driver::GapRow& row) { return !row.accepted(); });
      if (command.fail_on_gap && open) exit_code = std::max(exit_code, kFindings);
    }
  }
  const std::string out = command.common.format == "html" ? GapPage(pages) : command.common.json() ? "[" + json + "]\n" : text;
  const auto written = command.output.empty() ? Print(out) : source::WriteFile(command.output, out);
  return written ? exit_code : Complain(written.error());
}

}  // namespace ravelin::cli
