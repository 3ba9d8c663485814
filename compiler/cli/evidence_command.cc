// explain --evidence: what was observed for a rule.
#include <fmt/format.h>

#include "compiler/cli/commands.h"
#include "compiler/driver/evidence.h"
#include "profiler/observe/store.h"

namespace ravelin::cli {
namespace {

std::string Text(const ir::Domain& domain, const driver::Evidence& evidence, uint32_t rule, const source::SourceManager& sources) {
  const ir::Provenance& from = domain.rules[rule].from;
  std::string out = fmt::format("{}  {}\n", from.place, sources.Text(from.span.file).substr(from.span.begin, from.span.end - from.span.begin));
  for (const size_t i : evidence.of_rule[rule]) {
    const driver::EvidenceLine& line = evidence.lines[i];
    out += fmt::format("  runs {}/{}, x{}  {}{}\n", line.runs, evidence.runs, line.count, line.shown, line.example.empty() ? "" : "  (" + line.example + ")");
  }
  if (evidence.of_rule[rule].empty()) out += "  nothing was seen for it\n";
  return out;
}

std::string Json(const ir::Domain& domain, const driver::Evidence& evidence, uint32_t rule) {
  std::string lines;
  for (const size_t i : evidence.of_rule[rule]) {
    const driver::EvidenceLine& line = evidence.lines[i];
    lines += fmt::format("{}{{\"seen\": {}, \"runs\": {}, \"count\": {}, \"example\": {}}}", lines.empty() ? "" : ", ", json::Quote(line.shown), line.runs, line.count, json::Quote(line.example));
  }
  return fmt::format("{{\"rule\": {}, \"label\": {}, \"runs\": {}, \"evidence\": [{}]}}", json::Quote(domain.rules[rule].from.place), json::Quote(domain.rules[rule].label), evidence.runs, lines);
}

}  // namespace

int ExplainEvidence(const ExplainCommand& command) {
  if (command.recordings.empty() || !command.event.empty()) {
    Complain(command.recordings.empty() ? "--evidence needs --from RECORDING" : "an event and --evidence are two questions");
    return kUsage;
  }
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const ir::Domain& domain = front->policy.domains[*index];
  const std::vector<uint32_t> rules = driver::RulesNamed(domain, command.evidence);
  if (rules.empty()) {
    Complain(fmt::format("policy `{}` has no rule `{}`: give its label, LINE or FILE:LINE", domain.name, command.evidence));
    return kUsage;
  }
  observe::Recording recording;
  for (const std::string& path : command.recordings) {
    auto one = observe::LoadRecording(path);
    if (!one) return Complain(one.error());
    recording = observe::Merge(std::move(recording), *one);
  }
  const auto evidence = driver::EvidenceOf(domain, recording);
  if (!evidence) return Complain(evidence.error());
  std::string text;
  bool any = false;
  for (const uint32_t rule : rules) {
    any |= !evidence->of_rule[rule].empty();
    if (command.common.json()) {
      text += (text.empty() ? "" : ",\n ") + Json(domain, *evidence, rule);
    } else {
      text += Text(domain, *evidence, rule, front->sources);
    }
  }
  const auto printed = Print(command.common.json() ? "[" + text + "]\n" : text);
  return printed ? (any ? kOk : kFindings) : Complain(printed.error());
}

}  // namespace ravelin::cli
