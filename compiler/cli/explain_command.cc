// explain: is one attempt permitted, by which rule, by which instructions.
#include <fmt/format.h>

#include "backends/seccomp/program.h"
#include "compiler/base/check.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/explain.h"
#include "compiler/oracle/decide.h"

namespace ravelin::cli {
namespace {

// The listing's lines that were executed.
std::string ShowPath(const driver::SeccompArtifact& artifact, const seccomp::Run& run) {
  const std::string listing = seccomp::FormatListing(artifact.filter.program, artifact.filter.notes);
  std::vector<std::string> lines;
  for (size_t at = 0; at < listing.size();) {
    const size_t end = std::min(listing.find('\n', at), listing.size());
    lines.push_back(listing.substr(at, end - at));
    at = end + 1;
  }
  std::string out = fmt::format("{} instructions decide:\n", run.executed);
  for (const uint32_t index : run.path) out += lines[index] + "\n";
  return out;
}

}  // namespace

int Run(const ExplainCommand& command) {
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const ir::Domain& domain = front->policy.domains[*index];
  kernel::Arch arch = domain.architectures.front();
  if (!command.arch.empty()) {
    const auto named = kernel::ArchFromName(command.arch);
    if (!named) {
      Complain(fmt::format("`{}` is no architecture", command.arch));
      return kUsage;
    }
    arch = *named;
  }
  diag::Sink event_sink;
  const auto event = driver::ParseEvent(command.event, arch, front->sources, event_sink);
  if (!event) {
    ShowDiagnostics(event_sink, front->sources, command.common);
    return kUsage;
  }
  const auto artifact = driver::CompileSeccomp(domain, {}, front->sink);
  if (!artifact) {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return kFindings;
  }
  const ir::Decision decision = oracle::DecideCall(domain, *event);
  const seccomp::Run run = seccomp::RunProgram(artifact->filter.program, *event, artifact->big_endian, true);
  RAVELIN_CHECK(run.value == ir::ToSeccompReturn(decision.action), "a proven program disagrees with the oracle");
  std::string text;
  if (command.common.json()) {
    std::string path;
    for (const uint32_t i : run.path) path += (path.empty() ? "" : ", ") + std::to_string(i);
    std::string rules;
    for (const uint32_t rule : decision.rules) rules += (rules.empty() ? "" : ", ") + QuoteJson(domain.rules[rule].from.place);
    text = fmt::format("{{\"event\": {}, \"permitted\": {}, \"action\": {}, \"reason\": {}, \"by\": {}, \"rules\": [{}], \"instructions\": [{}]}}\n", QuoteJson(driver::ShowEvent(*event)), decision.permitted(), QuoteJson(FormatAction(decision.action)),
                       QuoteJson(decision.reason), QuoteJson(driver::DescribeCause(domain, *event, decision, front->sources)), rules, path);
  } else if (decision.permitted() && decision.action.kind == ir::ActionKind::kAllow) {
    text = fmt::format("allowed {}\n  by     {}\n", driver::ShowEvent(*event), driver::DescribeCause(domain, *event, decision, front->sources)) + ShowPath(*artifact, run);
  } else {
    text = driver::FormatDenial(domain, {*event, decision, "", 1, {}}, front->sources) + ShowPath(*artifact, run);
  }
  const auto printed = Print(text);
  if (!printed) return Complain(printed.error());
  return decision.permitted() ? kOk : kFindings;
}

}  // namespace ravelin::cli
