// check: everything that can be said of a policy without emitting anything.
#include <fmt/format.h>

#include "backends/seccomp/lower.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/analyze.h"

namespace ravelin::cli {
namespace {

struct Checked {
  std::unique_ptr<driver::Frontend> front;
  std::string failure;  // the file could not be read
  std::vector<std::string> notes;
  bool undecided = false;  // a `never` that could be neither proved nor violated
};

Checked CheckOne(const std::string& path, const CheckCommand& command, const resolve::Target& target) {
  Checked out;
  auto front = driver::ReadPolicy(path, command.common.load(), target);
  if (!front) {
    out.failure = front.error().message;
    return out;
  }
  out.front = std::move(*front);
  if (out.front->sink.HasErrors()) return out;
  const auto module = driver::LowerSelinux(*out.front, selinux::Form::kStandalone, out.front->sink);
  for (const ir::Domain& domain : out.front->policy.domains) {
    const driver::Analysis analysis = driver::Analyze(out.front->policy, domain, seccomp::Lower(domain), driver::FactsOf(target), driver::GapsAre::kWarnings, module ? &*module : nullptr, out.front->sink);
    for (const std::string& layer : analysis.layers_not_built) out.notes.push_back(fmt::format("policy {}: layer {} is not built, its gap is unknown", domain.name, layer));
    for (const driver::NeverResult& never : analysis.nevers) {
      if (never.verdict != driver::NeverVerdict::kInconclusive) continue;
      out.undecided = true;
      out.notes.push_back(fmt::format("{}: this `never` is inconclusive: {}", domain.rules[never.rule].from.place, never.why));
    }
  }
  return out;
}

bool HasWarnings(const diag::Sink& sink) {
  for (const diag::Diagnostic& d : sink.All()) {
    if (d.severity == diag::Severity::kWarning) return true;
  }
  return false;
}

std::string ReportJson(const std::vector<std::string>& files, const std::vector<Checked>& results) {
  std::string out = "{\"files\": [";
  for (size_t i = 0; i < files.size(); ++i) {
    const Checked& r = results[i];
    out += fmt::format("{}\n{{\"file\": {}, ", i == 0 ? "" : ",", json::Quote(files[i]));
    if (!r.failure.empty()) {
      out += fmt::format("\"failure\": {}}}", json::Quote(r.failure));
      continue;
    }
    std::string notes;
    for (const std::string& note : r.notes) notes += (notes.empty() ? "" : ", ") + json::Quote(note);
    out += fmt::format("\"errors\": {}, \"notes\": [{}], \"diagnostics\": {}}}", r.front->sink.ErrorCount(), notes, diag::RenderJson(r.front->sink, r.front->sources));
  }
  return out + "\n]}\n";
}

}  // namespace

int Run(const CheckCommand& command) {
  const auto target = driver::FindTarget(command.common.target);
  if (!target) {
    Complain(target.error().message);
    return target.error().code == ErrorCode::kNotFound ? kUsage : kEnvironment;
  }
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  std::vector<Checked> results(files->size());
  InParallel(files->size(), command.jobs, [&](size_t i) { results[i] = CheckOne((*files)[i], command, *target); });
  int exit_code = kOk;
  size_t errors = 0;
  size_t policies = 0;
  bool unread = false;
  for (size_t i = 0; i < results.size(); ++i) {
    const Checked& r = results[i];
    if (!r.failure.empty()) {
      if (!command.common.json()) Complain(r.failure);
      exit_code = std::max(exit_code, kEnvironment);
      unread = true;
      continue;
    }
    errors += r.front->sink.ErrorCount();
    policies += r.front->policy.domains.size();
    if (r.front->sink.HasErrors() || (command.fail_on_warning && HasWarnings(r.front->sink))) exit_code = std::max(exit_code, kFindings);
    if (r.undecided) exit_code = std::max(exit_code, kEnvironment);
    if (command.common.json()) continue;
    ShowDiagnostics(r.front->sink, r.front->sources, command.common);
    for (const std::string& note : r.notes) Complain(note);
  }
  std::string text = fmt::format("{} file{}, {} polic{}: {}\n", files->size(), files->size() == 1 ? "" : "s", policies, policies == 1 ? "y" : "ies", errors == 0 ? (unread ? "not all could be read" : exit_code == kEnvironment ? "not all could be decided" : "ok") : fmt::format("{} error{}", errors, errors == 1 ? "" : "s"));
  if (command.common.json()) text = ReportJson(*files, results);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  return written ? exit_code : Complain(written.error());
}

}  // namespace ravelin::cli
