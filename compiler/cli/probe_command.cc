// probe: the kernel against the oracle.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/soak.h"
#include "compiler/cli/verify_report.h"
#include "compiler/driver/probe.h"
#include "profiler/kernels/detect.h"
#include "profiler/probe/random.h"

namespace ravelin::cli {
namespace {

std::string Text(const std::string& name, kernels::DriverKind driver, const probe::Plan& plan, const std::vector<probe::SetReport>& reports) {
  const auto inside = std::count_if(plan.probes.begin(), plan.probes.end(), [](const probe::Probe& one) { return one.inside; });
  const auto bare = std::count_if(plan.probes.begin(), plan.probes.end(), [](const probe::Probe& one) { return one.bare; });
  std::string out = fmt::format("policy {}: {} attempts, {} inside of a rule, {} of them calls alone\n", name, plan.probes.size(), inside, bare);
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
    for (const auto& [name, count] : one.known) out += fmt::format("    {} known to come out otherwise in this kernel: {}\n", count, name);
    for (const probe::Finding& finding : one.disagreements) out += fmt::format("    {}: {}\n", plan.probes[finding.probe].shown, finding.text);
  }
  for (const std::string& why : plan.left_out) out += "  without an attempt: " + why + "\n";
  const auto judged = std::find_if(reports.begin(), reports.end(), [](const probe::SetReport& one) { return !one.kernel.empty(); });
  if (judged != reports.end()) out += fmt::format("  judged by {}\n", JudgeName(driver, judged->kernel));
  return out;
}

std::string Findings(const probe::Plan& plan, const std::vector<probe::Finding>& findings) {
  std::string out;
  for (const probe::Finding& one : findings) out += fmt::format("{}{{\"attempt\": {}, \"text\": {}}}", out.empty() ? "" : ", ", json::Quote(plan.probes[one.probe].shown), json::Quote(one.text));
  return "[" + out + "]";
}

std::string Known(const std::map<std::string, size_t>& known) {
  std::string out;
  for (const auto& [name, count] : known) out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", json::Quote(name), count);
  return "{" + out + "}";
}

std::string Json(const std::string& name, const probe::Plan& plan, const std::vector<probe::SetReport>& reports) {
  std::string out = fmt::format("{{\"policy\": {}, \"attempts\": {}, \"left_out\": {}, \"sets\": [", json::Quote(name), plan.probes.size(), json::List(plan.left_out));
  for (size_t i = 0; i < reports.size(); ++i) {
    const probe::SetReport& one = reports[i];
    out += fmt::format("{}\n{{\"layers\": {}, \"kernel\": {}, \"permitted\": {}, \"refused\": {}, \"excess\": {}, \"loss\": {}, \"known\": {}, \"disagreements\": {}, \"undecided\": {}, \"inconclusive\": {}}}", i == 0 ? "" : ",", json::List(one.layers), json::Quote(one.kernel), one.permitted, one.refused, one.excess, one.loss, Known(one.known),
                       Findings(plan, one.disagreements), Findings(plan, one.undecided), json::List(one.inconclusive));
  }
  return out + "\n]}\n";
}

// What a run comes to, for the exit code.
int CodeOf(const std::vector<probe::SetReport>& reports) {
  int code = kOk;
  for (const probe::SetReport& one : reports) {
    if (!one.inconclusive.empty()) code = std::max<int>(code, kEnvironment);
  }
  const bool found = std::any_of(reports.begin(), reports.end(), [](const probe::SetReport& one) { return !one.disagreements.empty(); });
  return found ? std::max<int>(code, kFindings) : code;
}

kernels::Setting SettingOf(const ProbeCommand& command) {
  kernels::Setting setting;
  setting.machine = kernels::MachineFor(command.driver, command.kernel);
  setting.memory_mb = command.memory_mb;
  setting.limit_ms = command.limit_s * 1000;
  return setting;
}

// By way of a file: policies are read from files.
Result<std::unique_ptr<driver::Frontend>> ReadText(const std::string& text, const CommonOptions& options, const resolve::Target& target) {
  RAVELIN_TRY(file, TemporaryFile::Make());
  if (auto written = source::WriteFile(file.path(), text); !written) return tl::make_unexpected(std::move(written.error()));
  return driver::ReadPolicy(file.path(), options.load(), target);
}

// Policies by chance, until so many were probed.  What a back end refuses is no policy to probe.
int Soak(const SoakCommand& soak, const ProbeCommand& command) {
  const kernels::Setting setting = SettingOf(command);
  const auto target = driver::FindTarget(command.common.target);
  if (!target) return Complain(target.error());
  int exit_code = kOk;
  size_t probed_count = 0;
  size_t refused = 0;
  size_t attempts = 0;
  for (uint64_t seed = soak.seed; probed_count < soak.policies && refused <= 20 * (soak.policies + 5); ++seed) {
    const std::string text = probe::RandomPolicy(seed);
    const auto front = ReadText(text, command.common, *target);
    if (!front) return Complain(front.error());
    std::optional<driver::Probed> probed;
    if (!(*front)->sink.HasErrors()) {
      auto one = driver::ProbePolicy(**front, 0, setting);
      if (!one && one.error().code != ErrorCode::kUnsupported) return Complain(one.error());
      if (one) probed = std::move(*one);
    }
    if (!probed) {
      ++refused;
      continue;
    }
    ++probed_count;
    attempts += probed->plan.probes.size();
    std::string shown = fmt::format("seed {}: {}", seed, Text("random", setting.machine.driver, probed->plan, probed->reports));
    const int code = CodeOf(probed->reports);
    if (code != kOk) shown += text;
    if (const auto printed = Print(shown); !printed) return Complain(printed.error());
    exit_code = std::max(exit_code, code);
  }
  if (const auto printed = Print(fmt::format("{} policies probed by {} attempts, {} that a back end refuses left out\n", probed_count, attempts, refused)); !printed) return Complain(printed.error());
  return exit_code;
}

}  // namespace

int Run(const SoakCommand& soak, const ProbeCommand& command) { return Soak(soak, command); }

int Run(const ProbeCommand& command) {
  if (command.input.empty()) {
    Complain("a policy is wanted, or --random N");
    return kUsage;
  }
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const kernels::Setting setting = SettingOf(command);
  const auto probed = driver::ProbePolicy(*front, *index, setting);
  if (!probed) return Complain(probed.error());
  if (!*probed) {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return kFindings;
  }
  const probe::Plan& plan = (*probed)->plan;
  const std::vector<probe::SetReport>& reports = (*probed)->reports;
  const std::string& name = front->policy.domains[*index].name;
  const std::string text = command.common.json() ? Json(name, plan, reports) : Text(name, setting.machine.driver, plan, reports);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  if (!written) return Complain(written.error());
  return CodeOf(reports);
}

}  // namespace ravelin::cli
