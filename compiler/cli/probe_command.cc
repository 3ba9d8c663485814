// probe: the kernel against the oracle.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "backends/seccomp/lower.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/verify.h"
#include "profiler/probe/probe.h"

namespace ravelin::cli {
namespace {

std::string Text(const std::string& name, const probe::Plan& plan, const std::vector<probe::SetReport>& reports) {
  const auto inside = std::count_if(plan.probes.begin(), plan.probes.end(), [](const probe::Probe& one) { return one.inside; });
  const auto bare = std::count_if(plan.probes.begin(), plan.probes.end(), [](const probe::Probe& one) { return one.path.empty(); });
  std::string out = fmt::format("policy {}: {} attempts, {} inside of a rule, {} near one, {} bare calls\n", name, plan.probes.size(), inside, static_cast<long>(plan.probes.size()) - inside - bare, bare);
  for (const probe::SetReport& one : reports) {
    out += fmt::format("  {:<20} ", fmt::format("{}", fmt::join(one.layers, " + ")));
    if (!one.inconclusive.empty()) {
      out += fmt::format("inconclusive: {}\n", fmt::join(one.inconclusive, "; "));
      continue;
    }
    out += fmt::format("{} permitted and {} refused as expected", one.permitted, one.refused);
    if (one.excess != 0) out += fmt::format(", {} of them beyond the policy, as the gap says", one.excess);
    if (one.loss != 0) out += fmt::format(", {} refused that the policy permits, as the gap says", one.loss);
    out += fmt::format("; {} undecided, {} otherwise\n", one.undecided.size(), one.disagreements.size());
    for (const probe::Finding& finding : one.disagreements) out += fmt::format("    {}: {}\n", plan.probes[finding.probe].shown, finding.text);
  }
  for (const std::string& why : plan.left_out) out += "  without an attempt: " + why + "\n";
  const auto judged = std::find_if(reports.begin(), reports.end(), [](const probe::SetReport& one) { return !one.kernel.empty(); });
  if (judged != reports.end()) out += fmt::format("  judged by Linux {} (User-Mode Linux)\n", judged->kernel);
  return out;
}

std::string Findings(const probe::Plan& plan, const std::vector<probe::Finding>& findings) {
  std::string out;
  for (const probe::Finding& one : findings) out += fmt::format("{}{{\"attempt\": {}, \"text\": {}}}", out.empty() ? "" : ", ", QuoteJson(plan.probes[one.probe].shown), QuoteJson(one.text));
  return "[" + out + "]";
}

std::string List(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + QuoteJson(text);
  return "[" + out + "]";
}

std::string Json(const std::string& name, const probe::Plan& plan, const std::vector<probe::SetReport>& reports) {
  std::string out = fmt::format("{{\"policy\": {}, \"attempts\": {}, \"left_out\": {}, \"sets\": [", QuoteJson(name), plan.probes.size(), List(plan.left_out));
  for (size_t i = 0; i < reports.size(); ++i) {
    const probe::SetReport& one = reports[i];
    out += fmt::format("{}\n{{\"layers\": {}, \"kernel\": {}, \"permitted\": {}, \"refused\": {}, \"excess\": {}, \"loss\": {}, \"disagreements\": {}, \"undecided\": {}, \"inconclusive\": {}}}", i == 0 ? "" : ",", List(one.layers), QuoteJson(one.kernel), one.permitted, one.refused, one.excess, one.loss,
                       Findings(plan, one.disagreements), Findings(plan, one.undecided), List(one.inconclusive));
  }
  return out + "\n]}\n";
}

}  // namespace

int Run(const ProbeCommand& command) {
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const ir::Domain& domain = front->policy.domains[*index];
  const auto plan = probe::MakePlan(domain, geteuid() == 0);
  if (!plan) return Complain(plan.error());
  const auto root = probe::Root::Make(*plan);
  if (!root) return Complain(root.error());
  driver::Workload workload;
  workload.command = {plan->program};
  workload.directory = "/";
  workload.root = root->folder();
  workload.memory_mb = command.memory_mb;
  workload.gaps = driver::GapsAre::kWarnings;
  workload.limit_ms = command.limit_s * 1000;
  const auto request = driver::PrepareVerification(*front, *index, workload);
  if (!request) return Complain(request.error());
  if (!*request) {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return kFindings;
  }
  const auto module = driver::LowerSelinux(*front, selinux::Form::kStandalone, front->sink);
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  combine::Effective effective(domain, spec, driver::FactsOf(front->target), module ? &*module : nullptr);
  const auto reports = probe::RunProbes(**request, *plan, effective);
  if (!reports) return Complain(reports.error());
  const std::string text = command.common.json() ? Json(domain.name, *plan, *reports) : Text(domain.name, *plan, *reports);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  if (!written) return Complain(written.error());
  for (const probe::SetReport& one : *reports) {
    if (!one.inconclusive.empty()) exit_code = std::max(exit_code, kEnvironment);
    if (!one.disagreements.empty()) exit_code = std::max(exit_code, kFindings);
  }
  return exit_code;
}

}  // namespace ravelin::cli
