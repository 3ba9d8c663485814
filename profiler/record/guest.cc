// The workload in a guest kernel: AppArmor, complaining of everything, says what was asked of files, sockets and capabilities; the
// recorder says which system calls, with what.
#include <fmt/format.h>
#include <sys/stat.h>

#include "backends/apparmor/parser.h"
#include "compiler/kernel/apparmor_features.h"
#include "profiler/kernels/job.h"
#include "profiler/kernels/scratch.h"
#include "profiler/observe/calls.h"
#include "profiler/observe/import.h"
#include "profiler/observe/observed.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

constexpr const char* kFeatures = "6.1";  // of the guest's kernel
constexpr const char* kProfile = "ravelin-recorded";
constexpr const char* kTools = "/run/ravelin-tools";

// Grants nothing, so that everything is said.
constexpr const char* kEmptyProfile = "profile ravelin-recorded flags=(complain) {\n}\n";

// What the tracer's own presence adds to what the mechanism sees.
void DropTracing(observe::Run& run) {
  std::erase_if(run.facts, [](const auto& entry) {
    const observe::Fact& fact = entry.first;
    return fact.facet == "ptrace" && (fact.operation == "tracedby" || fact.operation == "readby") && fact.attributes.find("peer=outside") != std::string::npos;
  });
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
  RAVELIN_TRY(compiled, apparmor::RunParser(kEmptyProfile, kernel::ApparmorFeaturesText(kFeatures)));
  if (!compiled.accepted) return Fail(ErrorCode::kEnvironment, "apparmor_parser: " + compiled.message);
  RAVELIN_TRY(scratch, kernels::Scratch::Make());
  if (auto written = scratch.Write("recorder", RecorderImage()); !written) return tl::make_unexpected(std::move(written.error()));
  if (auto written = scratch.Write("table", observe::RecorderTable()); !written) return tl::make_unexpected(std::move(written.error()));
  if (chmod(scratch.folder().c_str(), 0755) != 0 || chmod((scratch.folder() + "/recorder").c_str(), 0755) != 0 || chmod((scratch.folder() + "/table").c_str(), 0644) != 0) return Fail(ErrorCode::kEnvironment, "the recorder cannot be made executable");
  kernels::Job job;
  job.root = request.root;
  job.module = kernels::Module::kApparmor;
  job.mode = kernels::Mode::kComplain;
  job.profiles.assign(compiled.binary.begin(), compiled.binary.end());
  job.inputs.push_back({scratch.folder(), kTools});
  for (const char* empty : {"/tmp", "/run"}) {  // these are the guest's own; where one works stays visible
    if (request.directory.rfind(std::string(empty) + "/", 0) == 0) job.inputs.push_back({request.directory, request.directory});
  }
  job.memory_mb = request.memory_mb;
  job.limit_ms = request.limit_ms + 10000;  // the recorder's own limit comes first
  job.host_isolation = request.host_isolation;
  kernels::Step step;
  step.program = std::string(kTools) + "/recorder";
  step.arguments = {"recorder", "--table", std::string(kTools) + "/table", "--output", "-", "--profile", kProfile, "--limit", std::to_string(request.limit_ms), "--folder", variation.temporary, "--hostname", variation.hostname, "--processes", std::to_string(variation.processes), "--"};
  step.arguments.insert(step.arguments.end(), request.command.begin(), request.command.end());
  step.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C", "TERM=dumb", "USER=root", "TMPDIR=" + variation.temporary};
  step.directory = request.directory.empty() ? "/" : request.directory;
  job.steps.push_back(std::move(step));
  RAVELIN_TRY(outcome, kernels::Run(job));
  observe::Run run;
  observe::Imported imported;
  if (!outcome.steps.empty() && outcome.steps[0].started) observe::ImportRecorder(outcome.steps[0].out, run, imported);
  const std::set<std::string> created = CreatedPaths(run);
  observe::AuditChoice choice;
  choice.calls = false;  // the recorder has all six arguments
  choice.subjects = {kProfile};
  const size_t unclear = observe::AddAudit(outcome.events, choice, run);
  DropTracing(run);
  DropExisting(created, run);
  run.kernel = outcome.kernel;
  run.completeness.channels["audit"] = {outcome.lost, unclear};
  for (const std::string& reason : outcome.inconclusive) run.completeness.doubts.insert(reason);
  if (outcome.timed_out) run.completeness.doubts.insert("the guest's time limit ended the workload");
  if (run.facts.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("the guest recorded nothing: {}", outcome.steps.empty() || outcome.steps[0].why_not.empty() ? fmt::format("{}{}", fmt::join(outcome.inconclusive, "; "), outcome.steps.empty() ? "" : outcome.steps[0].err) : outcome.steps[0].why_not));
  return run;
}

}  // namespace ravelin::record
