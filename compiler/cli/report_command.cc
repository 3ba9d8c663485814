// report: what was observed beside what the policy grants, as a page.
#include <fmt/format.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "compiler/cli/learning_page.h"
#include "compiler/driver/learn.h"
#include "compiler/driver/standard_modules.h"
#include "profiler/observe/store.h"

namespace ravelin::cli {

int Run(const ReportCommand& command) {
  observe::Recording recording;
  for (const std::string& path : command.recordings) {
    auto one = observe::LoadRecording(path);
    if (!one) return Complain(one.error());
    recording = observe::Merge(std::move(recording), *one);
  }
  const auto target = driver::FindTarget(command.common.target);
  if (!target) return Complain(target.error());
  driver::LearnRequest request;
  request.recording = recording;
  request.target = *target;
  request.load = command.common.load();
  request.options.program = driver::ProgramOf(recording);
  request.options.name = command.name.empty() ? driver::PolicyNameOf(request.options.program, command.recordings.front()) : command.name;
  request.options.system = generalize::SystemOf({command.root});
  request.options.modules = driver::StandardModules(request.load, *target);
  std::string path = command.policy;
  const auto file = TemporaryFile::Make();
  if (command.policy.empty()) {
    if (!file) return Complain(file.error());
    path = request.output = file->path();
    const auto written = driver::WritePolicy(request);
    if (!written) return Complain(written.error());
  }
  int exit_code = kOk;
  const auto front = ReadOrComplain(path, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy.empty() ? "" : command.name);
  if (!index) return kUsage;
  // What is learned stands in no file that stays: places are of the text that `learn` would write.
  for (ir::Domain& domain : front->policy.domains) {
    const auto rename = [&](std::string& place) {
      if (command.policy.empty() && place.starts_with(path)) place.replace(0, path.size(), request.options.name + ".rav");
    };
    rename(domain.from.place);
    for (ir::Rule& rule : domain.rules) rename(rule.from.place);
  }
  LearningReport report;
  report.policy = command.policy.empty() ? "learned from the recording" : command.policy;
  report.domain = &front->policy.domains[*index];
  report.recording = &recording;
  for (const ir::Rule& rule : report.domain->rules) report.rules.emplace_back(front->sources.Text(rule.from.span.file).substr(rule.from.span.begin, rule.from.span.end - rule.from.span.begin));
  auto evidence = driver::EvidenceOf(*report.domain, recording);
  if (!evidence) return Complain(evidence.error());
  report.evidence = std::move(*evidence);
  auto completeness = generalize::JudgeCompleteness(recording, request.options);
  if (!completeness) return Complain(completeness.error());
  report.completeness = std::move(*completeness);
  report.curves = generalize::CurvesOf(recording);
  report.gaps = driver::GapRowsOf(*front)[*index];
  std::set<std::string> incomplete;
  for (const auto& [id, run] : recording.runs) {
    for (const std::string& why : run.completeness.WhyNotWhole()) incomplete.insert(why);
  }
  report.incomplete.assign(incomplete.begin(), incomplete.end());
  if (auto open = driver::ListOpenFiles(*report.domain, command.root)) report.open = std::move(*open);
  const auto written = source::WriteFile(command.output, LearningPage(report));
  return written ? kOk : Complain(written.error());
}

}  // namespace ravelin::cli
