// The workload on gVisor's kernel: nothing of this machine's is touched.  What it asks of files, sockets and programs is told as it would be
// here; which calls it makes is a lower bound, since that kernel knows fewer and libraries then take other ways.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "profiler/kernels/gvisor.h"
#include "profiler/kernels/process.h"
#include "profiler/kernels/root_path.h"
#include "profiler/observe/import.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

double Now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

bool Below(const std::string& path, const std::string& folder) { return path.compare(0, folder.size(), folder) == 0 && (path.size() == folder.size() || path[folder.size()] == '/'); }

// The sandbox has these of its own; what this machine has there says nothing.
bool IsOfTheSandbox(const std::string& path, const std::vector<std::string>& empty) {
  if (Below(path, "/proc") || Below(path, "/dev") || Below(path, "/sys")) return true;
  return std::any_of(empty.begin(), empty.end(), [&](const std::string& folder) { return Below(path, folder); });
}

std::string Place(const std::string& root, const std::vector<std::string>& empty, const std::string& path, bool follow) {
  if (IsOfTheSandbox(path, empty)) return path;
  const std::vector<std::string> roots = {root == "/" ? "" : root};
  if (follow) {
    const std::string whole = kernels::ResolveIn(roots, path);
    return whole.empty() ? path : whole;
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == 0 ? "/" : kernels::ResolveIn(roots, path.substr(0, slash));
  return folder.empty() ? path : (folder == "/" ? "" : folder) + path.substr(slash);
}

// Its log does not say whether an opening found the file: what this machine has was there, unless the workload removed it.
void DropExisting(const std::string& root, const std::vector<std::string>& empty, observe::Run& run) {
  std::set<std::string> removed;
  for (const auto& [fact, seen] : run.facts) {
    if (fact.facet == "file" && (fact.operation == "delete" || fact.operation == "rename_from")) removed.insert(observe::Decode(fact.attributes)["path"]);
  }
  std::erase_if(run.facts, [&](const auto& entry) {
    if (entry.first.facet != "file" || entry.first.operation != "create") return false;
    const std::string path = observe::Decode(entry.first.attributes)["path"];
    if (Below(path, "/dev")) return true;  // devices are there
    return !IsOfTheSandbox(path, empty) && removed.count(path) == 0 && !kernels::HostPath({root == "/" ? "" : root}, path).empty();
  });
}

}  // namespace

Result<observe::Run> RecordInGvisor(const Request& request, const Variation& variation) {
  if (!request.layers.empty()) return Fail(ErrorCode::kUnsupported, "driver gvisor has no layers: --driver uml");
  kernels::Job job;
  job.setting.machine.driver = kernels::DriverKind::kGvisor;
  job.setting.root = request.root;
  job.setting.limit_ms = request.limit_ms;
  job.setting.empty.push_back(variation.temporary);
  for (const char* folder : {"/tmp", "/run"}) {
    if (request.directory.rfind(std::string(folder) + "/", 0) == 0) job.setting.inputs.push_back({request.directory, request.directory});
  }
  kernels::Step step;
  step.arguments = request.command;
  step.program = request.command.front().find('/') != std::string::npos ? request.command.front() : kernels::FindProgram(request.command.front());
  if (step.program.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("there is no program `{}`", request.command.front()));
  step.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C", "TERM=dumb", "USER=root", "TMPDIR=" + variation.temporary, fmt::format("RAVELIN_RUN={}", variation.number)};
  step.directory = request.directory.empty() ? "/" : request.directory;
  job.steps.push_back(step);
  kernels::GvisorTrace trace;
  const double begin = Now();
  RAVELIN_TRY(outcome, kernels::TraceGvisor(job, trace));
  if (!outcome.inconclusive.empty()) return Fail(ErrorCode::kEnvironment, outcome.inconclusive.front());
  observe::Run run;
  run.started = begin;
  run.ended = Now();
  observe::Imported imported;
  observe::Sandbox sandbox;
  sandbox.place = [&](const std::string& path, bool follow) { return Place(job.setting.root, job.setting.empty, path, follow); };
  sandbox.first = sandbox.place(trace.first, true);
  sandbox.programs = trace.programs;
  observe::ImportGvisor(trace.calls, run, imported, sandbox);
  DropExisting(job.setting.root, job.setting.empty, run);
  for (auto& [fact, seen] : run.facts) seen.first = seen.last = run.started;  // the log's times have no day
  const kernels::StepResult& result = outcome.steps.front();
  run.status = outcome.timed_out ? "limit 0" : result.signal != 0 ? fmt::format("signal {}", result.signal) : fmt::format("exit {}", result.exit_code);
  run.kernel = "gVisor " + outcome.kernel;
  run.completeness.clean_start = trace.began;
  run.completeness.clean_end = trace.ended && !outcome.timed_out;
  run.completeness.channels["trace session"] = {trace.dropped, trace.not_understood};
  // The session counted what the log should have.
  run.completeness.channels["calls"].lost = trace.made.size() - std::min<uint64_t>(trace.made.size(), trace.logged);
  if (run.facts.empty()) return Fail(ErrorCode::kEnvironment, "the sandbox recorded nothing: " + result.err.substr(0, result.err.find('\n')));
  return run;
}

}  // namespace ravelin::record
