// verify: a workload under real enforcement.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "compiler/cli/verify_report.h"

namespace ravelin::cli {
namespace {

int ExitOf(const Verification& one) {
  const std::string overall = one.Overall();
  return overall == "passed" ? kOk : overall == "failed" ? kFindings : kEnvironment;
}

std::string Report(const VerifyCommand& command, const Verification& one) { return command.common.json() ? VerifyReportJson(one) : command.common.format == "junit" ? VerifyReportJunit(one) : VerifyReportText(one); }

}  // namespace

int Run(const VerifyCommand& command) {
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  driver::Workload workload;
  if (command.scenario.empty() == command.arguments.empty()) {
    Complain("a command after `--` is needed, or --scenario FILE");
    return kUsage;
  }
  if (!command.scenario.empty()) {
    const auto text = source::ReadFile(command.scenario);
    if (!text) return Complain(text.error());
    auto scenario = verify::ParseScenario(*text, command.scenario);
    if (!scenario) return Complain(scenario.error());
    workload.scenario = std::move(*scenario);
  }
  workload.command = command.arguments;
  for (const std::string& layer : command.layers) workload.layers.push_back(std::filesystem::absolute(layer).lexically_normal());
  workload.directory = command.directory;
  workload.root = command.root;
  workload.compare_output = command.expect.empty();
  workload.memory_mb = command.memory_mb;
  workload.limit_ms = command.limit_s * 1000;
  workload.host_isolation = !command.no_host_isolation;
  const auto request = driver::PrepareVerification(*front, *index, workload);
  if (!request) {
    Complain(request.error().message);
    return request.error().code == ErrorCode::kNotFound || request.error().code == ErrorCode::kUnsupported ? kUsage : request.error().code == ErrorCode::kMalformed ? kFindings : kEnvironment;
  }
  if (!*request) {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return kFindings;
  }
  const bool terminal = isatty(STDERR_FILENO) == 1;
  auto report = verify::Verify(**request, [&](const std::string& line) {
    if (terminal) std::fprintf(stderr, "%s\n", line.c_str());
  });
  if (!report) return Complain(report.error());
  Verification one{command.input, front->policy.domains[*index].name, front->target.name, std::move(*report), {}, {}};
  one.not_judged = driver::NotJudged(front->target, one.report);
  auto refusals = driver::ExplainRefusals(*front, *index, one.report);
  if (!refusals) return Complain(refusals.error());
  one.refusals = std::move(*refusals);
  const std::string text = Report(command, one);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  if (!written) return Complain(written.error());
  if (!command.suggest.empty()) {
    if (const auto patch = source::WriteFile(command.suggest, driver::SuggestedPatch(*front, *index, one.refusals)); !patch) return Complain(patch.error());
  }
  return ExitOf(one);
}

}  // namespace ravelin::cli
