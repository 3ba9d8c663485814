// The workload in a guest kernel: a mechanism that refuses nothing says what was asked of files, sockets and capabilities; the
// recorder says which system calls, with what.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "profiler/kernels/job.h"
#include "profiler/kernels/scratch.h"
#include "profiler/observe/calls.h"
#include "profiler/observe/import.h"
#include "profiler/observe/observed.h"
#include "profiler/record/mechanism.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

constexpr const char* kTools = "/run/ravelin-tools";

// What the tracer's own presence adds to what the mechanism sees.
void DropTracing(observe::Run& run) {
  std::erase_if(run.facts, [](const auto& entry) {
    const observe::Fact& fact = entry.first;
    return fact.facet == "ptrace" && (fact.operation == "tracedby" || fact.operation == "readby") && fact.attributes.find("peer=outside") != std::string::npos;
  });
}

std::vector<verify::Step> StepsOf(const Request& request) {
  if (request.scenario) return request.scenario->steps;
  verify::Step step;
  step.confined = true;
  step.step.arguments = request.command;
  step.step.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C", "TERM=dumb", "USER=root"};
  step.step.directory = request.directory.empty() ? "/" : request.directory;
  return {std::move(step)};
}

// The step, begun by the recorder.
kernels::Step Recorded(kernels::Step step, const Request& request, const Variation& variation, const Mechanism& mechanism) {
  std::vector<std::string> arguments = {"recorder", "--table", std::string(kTools) + "/table", "--output", "-", "--becomes", mechanism.becomes, "--limit", std::to_string(request.limit_ms), "--folder", variation.temporary, "--processes", std::to_string(variation.processes)};
  // The name of the machine is root's to set.
  if (!request.scenario) arguments.insert(arguments.end(), {"--hostname", variation.hostname});
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), step.arguments.begin(), step.arguments.end());
  step.arguments = std::move(arguments);
  step.program = std::string(kTools) + "/recorder";
  const bool has = std::any_of(step.environment.begin(), step.environment.end(), [](const std::string& one) { return one.rfind("TMPDIR=", 0) == 0; });
  if (!has) step.environment.push_back("TMPDIR=" + variation.temporary);
  step.environment.push_back("RAVELIN_RUN=" + std::to_string(variation.number));
  return step;
}

std::set<std::string> CreatedPaths(const observe::Run& run) {
  std::set<std::string> out;
  for (const auto& [fact, seen] : run.facts) {
    if (fact.facet == "file" && fact.operation == "create") out.insert(observe::Decode(fact.attributes)["path"]);
  }
  return out;
}

// The mechanism is asked for creation by every opening that may create (apparmor/file.c, aa_map_file_to_perms); whether the file was
// there, the recorder looked.
void DropExisting(const std::set<std::string>& created, observe::Run& run) {
  std::erase_if(run.facts, [&](const auto& entry) { return entry.first.facet == "file" && entry.first.operation == "create" && created.count(observe::Decode(entry.first.attributes)["path"]) == 0; });
}

}  // namespace

Result<observe::Run> RecordInGuest(const Request& request, const Variation& variation) {
  kernels::Job job;
  RAVELIN_TRY(mechanism, request.driver == "selinux" ? AskSelinux(job) : AskApparmor(job));
  RAVELIN_TRY(scratch, PlaceRecorder());
  if (chmod(scratch.folder().c_str(), S_ISVTX | 0755) != 0 || chmod((scratch.folder() + "/recorder").c_str(), 0755) != 0 || chmod((scratch.folder() + "/table").c_str(), 0644) != 0) return Fail(ErrorCode::kEnvironment, "the recorder cannot be made executable");
  job.setting.root = request.root;
  job.setting.inputs.push_back({scratch.folder(), kTools});
  for (const char* empty : {"/tmp", "/run"}) {  // these are the guest's own; where one works stays visible
    if (request.directory.rfind(std::string(empty) + "/", 0) == 0) job.setting.inputs.push_back({request.directory, request.directory});
  }
  job.setting.memory_mb = request.memory_mb;
  job.setting.limit_ms = request.limit_ms + 10000;  // the recorder's own limit comes first
  job.setting.host_isolation = request.host_isolation;
  job.setting.layers = request.layers;
  const std::vector<verify::Step> steps = StepsOf(request);
  if (request.scenario) {
    job.folders = request.scenario->folders;
    job.files = request.scenario->files;
  }
  for (const verify::Step& one : steps) job.steps.push_back(one.confined ? Recorded(one.step, request, variation, mechanism) : one.step);
  RAVELIN_TRY(outcome, kernels::Run(job));
  observe::Run run;
  observe::Imported imported;
  for (size_t i = 0; i < outcome.steps.size() && i < steps.size(); ++i) {
    if (!steps[i].confined || !outcome.steps[i].started) continue;
    observe::Log log(outcome.steps[i].out);
    observe::ImportRecorder(log, run, imported);
    // What drives the workload has to succeed, else the workload did not do its work.
    const bool failed = !outcome.steps[i].ended || (steps[i].step.kind == kernels::Step::Kind::kRun && outcome.steps[i].exit_code != 0);
    if (request.scenario && steps[i].step.kind != kernels::Step::Kind::kStart && steps[i].step.kind != kernels::Step::Kind::kStop && !steps[i].may_fail && failed) run.completeness.doubts.insert(fmt::format("step {} of the scenario did not succeed", i + 1));
  }
  const std::set<std::string> created = CreatedPaths(run);
  observe::AuditChoice choice;
  choice.calls = false;  // the recorder has all six arguments
  choice.subjects = {mechanism.subject};
  choice.roots = request.layers;
  choice.roots.push_back(request.root == "/" ? "" : request.root);
  const size_t unclear = observe::AddAudit(outcome.events, choice, run);
  DropTracing(run);
  DropExisting(created, run);
  run.kernel = outcome.kernel;
  run.completeness.channels["audit"] = {outcome.lost, unclear};
  for (const std::string& reason : outcome.inconclusive) run.completeness.doubts.insert(reason);
  if (outcome.timed_out) run.completeness.doubts.insert("the guest's time limit ended the workload");
  if (run.facts.empty()) {
    std::string why = fmt::format("{}", fmt::join(outcome.inconclusive, "; "));
    for (const kernels::StepResult& step : outcome.steps) why += (why.empty() ? "" : "; ") + (step.why_not.empty() ? step.err.substr(0, step.err.find('\n')) : step.why_not);
    return Fail(ErrorCode::kEnvironment, "the guest recorded nothing: " + why);
  }
  return run;
}

}  // namespace ravelin::record
