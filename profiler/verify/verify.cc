#include "profiler/verify/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace ravelin::verify {
namespace {

using kernels::Module;
using kernels::Outcome;

// Guests at the same time: a boot and a scenario wait as much as they compute, so that more than one for each core ends sooner.
unsigned GuestsAtOnce() { return std::min(6u, 3 * std::max(1u, std::thread::hardware_concurrency())); }

bool Has(const std::vector<std::string>& layers, const char* layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); }

// A filter needs no module; it is judged beside one that is booted anyway.
Module ModuleFor(const std::vector<std::string>& layers, Module otherwise) { return Has(layers, "apparmor") ? Module::kApparmor : Has(layers, "selinux") ? Module::kSelinux : otherwise; }

std::string Say(const std::vector<std::string>& layers) { return layers.empty() ? "unconfined" : fmt::format("{}", fmt::join(layers, " + ")); }

// One boot that has to be made.
struct Run {
  std::vector<std::string> layers;
  Module module = Module::kNone;
  std::optional<Result<Outcome>> outcome;
};

void RunAll(const Request& request, std::vector<Run*> runs, const std::function<void(const std::string&)>& progress) {
  std::mutex mutex;
  size_t next = 0;
  const auto work = [&] {
    while (true) {
      Run* run = nullptr;
      {
        const std::lock_guard lock(mutex);
        if (next == runs.size()) return;
        run = runs[next++];
      }
      auto outcome = kernels::Run(JobFor(request, run->layers, run->module));
      const std::lock_guard lock(mutex);
      if (progress && outcome) progress(fmt::format("{}: {:.2f} s", Say(run->layers), outcome->wall_seconds));
      run->outcome = std::move(outcome);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::min<size_t>(GuestsAtOnce(), runs.size()); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

// The output of an unconfined run that a confined one does not have: is it the same every time?
bool OutputDiffers(const Outcome& a, const Outcome& b) {
  return !std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(), [](const auto& x, const auto& y) { return x.out == y.out && x.err == y.err; });
}

double BeginOf(const Outcome& outcome) {
  // The clock of audit records and that of phases have the boot in common: the first record is made just before the workload.
  return outcome.events.empty() ? 0 : outcome.events.front().time;
}

}  // namespace

std::vector<std::string> RootsOf(const Request& request) {
  std::vector<std::string> roots = request.setting.layers;
  roots.push_back(request.setting.root == "/" ? "" : request.setting.root);
  return roots;
}

kernels::Job JobFor(const Request& request, const std::vector<std::string>& layers, Module module) {
  kernels::Job job;
  const Artifacts& artifacts = request.artifacts;
  job.setting = request.setting;
  job.module = module;
  job.folders = request.folders;
  job.files = request.files;
  job.modules = request.modules;
  const bool apparmor = Has(layers, "apparmor");
  const bool selinux = Has(layers, "selinux");
  const bool seccomp = Has(layers, "seccomp");
  // Without the mechanism among the layers nothing of it is loaded: an attachment would confine by itself.
  if (apparmor) {
    job.profiles = artifacts.profiles;
    if (request.setting.machine.driver == kernels::DriverKind::kHost) job.profile_names = artifacts.profile_names;
  }
  if (selinux) {
    job.policy = artifacts.policy;
    job.launcher = artifacts.launcher;
    job.default_label = artifacts.default_label;
    job.labels = artifacts.labels;
    job.regions = artifacts.regions;
  }
  if (seccomp) {
    job.filter = artifacts.filter;
    job.runtime_profile = artifacts.runtime_profile;
  }
  for (const Step& one : request.steps) {
    kernels::Step step = one.step;
    if (one.confined) {
      if (apparmor) step.profile = artifacts.profile;
      if (selinux) step.context = artifacts.context;
      step.filtered = seccomp;
    }
    if (step.kind == kernels::Step::Kind::kRelabel && !selinux) step.context.clear();
    job.steps.push_back(std::move(step));
  }
  return job;
}

Result<Report> Verify(const Request& request, const std::function<void(const std::string&)>& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const auto& sets = request.layer_sets;
  const bool apparmor = std::any_of(sets.begin(), sets.end(), [](const auto& set) { return Has(set, "apparmor"); });
  const bool selinux = std::any_of(sets.begin(), sets.end(), [](const auto& set) { return Has(set, "selinux"); });
  const Module otherwise = apparmor ? Module::kApparmor : selinux ? Module::kSelinux : Module::kNone;
  std::map<Module, std::vector<Run>> unconfined;
  std::vector<Run> confined;
  for (const std::vector<std::string>& layers : sets) {
    const Module module = ModuleFor(layers, otherwise);
    confined.push_back({layers, module, std::nullopt});
    unconfined[module].resize(1);
    unconfined[module][0].module = module;
  }
  std::vector<Run*> all;
  for (auto& [module, runs] : unconfined) all.push_back(&runs.front());
  for (Run& run : confined) all.push_back(&run);
  RunAll(request, all, progress);
  for (const Run* run : all) {
    if (!*run->outcome) return tl::make_unexpected(run->outcome->error());
  }
  // Output that may differ by itself is looked at again before it is held against the policy.
  std::vector<Run*> again;
  for (const Run& run : confined) {
    std::vector<Run>& known = unconfined[run.module];
    if (!request.expect.output || known.size() > 1 || !OutputDiffers(**run.outcome, **known.front().outcome)) continue;
    known.push_back({{}, run.module, std::nullopt});
    again.push_back(&known.back());
  }
  RunAll(request, again, progress);
  for (const Run* run : again) {
    if (!*run->outcome) return tl::make_unexpected(run->outcome->error());
  }
  Report report;
  report.driver = request.setting.machine.driver;
  for (Run& run : confined) {
    LayerVerdict verdict;
    verdict.layers = run.layers;
    verdict.outcome = std::move(**run.outcome);
    verdict.started = BeginOf(verdict.outcome);
    std::vector<const Outcome*> known;
    for (const Run& one : unconfined[run.module]) known.push_back(&**one.outcome);
    Judge(request, known, verdict);
    verdict.unconfined = known.front()->steps;
    std::set<uint32_t> refused;
    for (const kernels::Observation& one : verdict.refusals) {
      if (one.source == kernels::Source::kSeccomp) refused.insert(one.call->number);
    }
    std::copy_if(known.front()->calls.begin(), known.front()->calls.end(), std::back_inserter(verdict.made), [&](const auto& call) { return refused.count(call.number) != 0; });
    if (report.kernel.empty()) report.kernel = verdict.outcome.kernel;
    if (report.features.empty()) report.features = verdict.outcome.features;
    report.isolated = report.isolated && verdict.outcome.isolated;
    report.verdicts.push_back(std::move(verdict));
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace ravelin::verify
