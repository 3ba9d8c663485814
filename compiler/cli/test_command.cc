// test: the `test` blocks of policies, judged.
#include <fmt/format.h>

#include "compiler/cli/commands.h"
#include "compiler/cli/test_report.h"
#include "compiler/driver/open_files.h"

namespace ravelin::cli {
namespace {

TestedFile TestOne(const std::string& path, const CommonOptions& options, const resolve::Target& target) {
  TestedFile out;
  out.file = path;
  auto front = driver::ReadPolicy(path, options.load(), target);
  if (!front) {
    out.failure = front.error().message;
    return out;
  }
  out.front = std::move(*front);
  if (out.front->sink.HasErrors()) return out;
  out.judged = true;
  out.verdicts = driver::JudgeTests(*out.front);
  return out;
}

// Every failing line, as a diagnostic.
void ShowFailures(const TestedFile& file, const CommonOptions& options) {
  diag::Sink sink;
  for (size_t i = 0; i < file.verdicts.size(); ++i) {
    if (!file.verdicts[i].passed) sink.Report(diag::Kind::kTestFailed, file.front->tests[i].from.span, file.verdicts[i].instead);
  }
  ShowDiagnostics(sink, file.front->sources, options, file.verdicts.size());
}

// --files ROOT: what each policy opens, instead of its tests.
int CountFiles(const std::vector<std::string>& files, const TestCommand& command, const resolve::Target& target) {
  std::string text;
  for (const std::string& file : files) {
    auto front = driver::ReadPolicy(file, command.common.load(), target);
    if (!front) return Complain(front.error());
    if ((*front)->sink.HasErrors()) {
      ShowDiagnostics((*front)->sink, (*front)->sources, command.common);
      return kFindings;
    }
    for (const ir::Domain& domain : (*front)->policy.domains) {
      const auto count = driver::CountOpenFiles(domain, command.count_files);
      if (!count) return Complain(count.error());
      text += fmt::format("{}: policy {} opens {} of {} files to read, {} to write\n", file, domain.name, count->read, count->files, count->written);
    }
  }
  const auto printed = Print(text);
  return printed ? kOk : Complain(printed.error());
}

}  // namespace

int Run(const TestCommand& command) {
  const auto target = driver::FindTarget(command.common.target);
  if (!target) {
    Complain(target.error().message);
    return target.error().code == ErrorCode::kNotFound ? kUsage : kEnvironment;
  }
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  if (!command.count_files.empty()) return CountFiles(*files, command, *target);
  std::vector<TestedFile> results(files->size());
  InParallel(files->size(), command.jobs, [&](size_t i) { results[i] = TestOne((*files)[i], command.common, *target); });
  int exit_code = kOk;
  size_t passed = 0;
  size_t failed = 0;
  const bool for_people = command.common.format == "text";
  for (const TestedFile& result : results) {
    if (!result.failure.empty()) {
      exit_code = std::max(exit_code, kEnvironment);
      if (for_people) Complain(result.failure);
      continue;
    }
    passed += result.verdicts.size() - result.Failed();
    failed += result.Failed();
    if (!result.judged || result.Failed() > 0) exit_code = std::max(exit_code, kFindings);
    if (!for_people) continue;
    if (!result.judged) ShowDiagnostics(result.front->sink, result.front->sources, command.common);
    if (result.judged && result.front->tests.empty()) Complain(fmt::format("{} has no test", result.file));
    ShowFailures(result, command.common);
  }
  std::string text = fmt::format("{} passed, {} failed\n", passed, failed);
  if (command.common.json()) text = TestReportJson(results);
  if (command.common.format == "junit") text = TestReportJunit(results);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  return written ? exit_code : Complain(written.error());
}

}  // namespace ravelin::cli
