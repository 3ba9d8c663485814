#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "compiler/oracle/decide.h"
#include "profiler/probe/probe.h"
#include "profiler/probe/verbs.h"

namespace ravelin::probe {
namespace {

using kernels::Module;
using kernels::Outcome;
using kernels::StepResult;

bool Has(const std::vector<std::string>& layers, const char* layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); }

constexpr size_t kNowhere = ~size_t{0};

// The attempts as steps of one job, each with what has to come before.
struct Steps {
  verify::Request request;
  std::vector<size_t> at;  // where each attempt stands; kNowhere: it is not made
};

// `bare`: bare calls too, of which a filter alone says beforehand what must come.
Steps StepsOf(const verify::Request& request, const Plan& plan, bool bare) {
  std::vector<size_t> at;
  verify::Request all = request;
  const verify::Step first = request.steps.front();
  std::erase_if(all.artifacts.labels, [](const kernels::PathLabel& label) { return IsTheGuests(label.path); });
  all.steps.clear();
  const auto add = [&](const std::vector<std::string>& arguments, bool confined) {
    verify::Step step = first;
    step.confined = confined;
    step.step.program = confined ? plan.program : plan.helper;
    step.step.arguments = {step.step.program};
    step.step.arguments.insert(step.step.arguments.end(), arguments.begin(), arguments.end());
    all.steps.push_back(std::move(step));
  };
  for (const Probe& probe : plan.probes) {
    if (probe.path.empty() && !bare) {
      at.push_back(kNowhere);
      continue;
    }
    if (!probe.before.empty()) add(probe.before, false);
    at.push_back(all.steps.size());
    add(probe.arguments, true);
  }
  return {std::move(all), std::move(at)};
}

std::string Say(const StepResult& result) {
  if (!result.started) return "was not started: " + result.why_not;
  if (result.signal != 0) return fmt::format("ended by signal {}", result.signal);
  return result.exit_code == 0 ? "succeeded" : fmt::format("failed with {}", strerrorname_np(result.exit_code) != nullptr ? strerrorname_np(result.exit_code) : "?");
}

// What the kernel did, by the same attempt without confinement.
Expected Came(const StepResult& result, const StepResult& unconfined, bool of_path) {
  if (!unconfined.started || unconfined.signal != 0 || (of_path && unconfined.exit_code != 0)) return Expected::kUnsure;
  if (!result.started || !result.ended) return Expected::kUnsure;
  if (result.signal == SIGSYS) return Expected::kRefused;
  if (result.signal != 0) return Expected::kUnsure;
  // A bare call may read a clock or an identity: its success is what is compared.
  if (result.exit_code == unconfined.exit_code) return Expected::kPermitted;
  return result.exit_code == EACCES || result.exit_code == EPERM || !of_path ? Expected::kRefused : Expected::kUnsure;
}

// Whatever becomes of an attempt, its end has to be told.
bool CanTell(const ir::Domain& domain) {
  const kernel::Syscall* end = kernel::FindSyscall(kernel::Arch::kX86_64, std::string_view("exit_group"));
  return end != nullptr && oracle::DecideCall(domain, CallOf(end->number, {})).permitted();
}

class Comparison {
 public:
  Comparison(const Plan& plan, const std::vector<size_t>& at, combine::Effective& effective) : plan_(plan), at_(at), effective_(effective) {}

  Result<SetReport> Of(const std::vector<std::string>& layers, const Outcome& outcome, const Outcome& unconfined) {
    SetReport report;
    report.layers = layers;
    report.kernel = outcome.kernel;
    for (const Outcome* one : {&unconfined, &outcome}) report.inconclusive.insert(report.inconclusive.end(), one->inconclusive.begin(), one->inconclusive.end());
    for (const Outcome* one : {&unconfined, &outcome}) {
      if (one->timed_out) report.inconclusive.push_back("the time limit was reached at " + LastOf(*one));
    }
    if (!report.inconclusive.empty()) return report;
    for (size_t i = 0; i < plan_.probes.size(); ++i) {
      const Probe& probe = plan_.probes[i];
      if (at_[i] == kNowhere) continue;
      RAVELIN_TRY(expected, ExpectOf(effective_, layers, probe));
      const StepResult& result = outcome.steps.at(at_[i]);
      const StepResult& free = unconfined.steps.at(at_[i]);
      const Expected came = Came(result, free, !probe.path.empty());
      if (expected == Expected::kUnsure || came == Expected::kUnsure) {
        // What was not to be judged here says nothing; what was, and was not answered, is told.
        if (expected != Expected::kUnsure) report.undecided.push_back({i, fmt::format("it {}; without confinement it {}", Say(result), Say(free))});
        continue;
      }
      // Without confinement the same error: the refusal cannot be told from it.
      if (expected == Expected::kRefused && came == Expected::kPermitted && probe.path.empty() && free.exit_code != 0 && free.exit_code == Refusal(probe)) {
        report.undecided.push_back({i, fmt::format("it {} with and without confinement", Say(result))});
        continue;
      }
      if (expected != came) {
        report.disagreements.push_back({i, fmt::format("{} is expected, and it {}; without confinement it {}", expected == Expected::kPermitted ? "permission" : "a refusal", Say(result), Say(free))});
        continue;
      }
      const bool permitted = PolicyPermits(probe, layers);
      ++(came == Expected::kPermitted ? report.permitted : report.refused);
      report.excess += came == Expected::kPermitted && !permitted ? 1 : 0;
      report.loss += came == Expected::kRefused && permitted ? 1 : 0;
    }
    return report;
  }

 private:
  // The first attempt that did not end.
  std::string LastOf(const Outcome& outcome) const {
    for (size_t i = 0; i < plan_.probes.size(); ++i) {
      if (at_[i] == kNowhere) continue;
      if (at_[i] >= outcome.steps.size() || !outcome.steps[at_[i]].ended) return plan_.probes[i].shown;
    }
    return "the end";
  }

  int Refusal(const Probe& probe) const { return static_cast<int>(oracle::DecideCall(effective_.domain(), probe.event).action.data); }

  bool PolicyPermits(const Probe& probe, const std::vector<std::string>& layers) const {
    if (probe.path.empty()) return oracle::DecideCall(effective_.domain(), probe.event).permitted();
    // A set without a filter is not asked about the call.
    if (Has(layers, "seccomp")) return oracle::Decide(effective_.domain(), probe.event).permitted();
    return std::all_of(probe.event.objects.begin(), probe.event.objects.end(), [&](const ir::ObjectCheck& check) { return oracle::DecideObject(effective_.domain(), check).permitted(); });
  }

  const Plan& plan_;
  const std::vector<size_t>& at_;
  combine::Effective& effective_;
};

}  // namespace

Result<std::vector<SetReport>> RunProbes(const verify::Request& request, const Plan& plan, combine::Effective& effective) {
  std::map<std::pair<Module, bool>, Outcome> unconfined;
  std::vector<SetReport> reports;
  for (const std::vector<std::string>& layers : request.layer_sets) {
    if (Has(layers, "seccomp") && !CanTell(effective.domain())) {
      SetReport untold;
      untold.layers = layers;
      untold.inconclusive.emplace_back("the filter refuses exit_group(2), by which the attempts tell what came of them");
      reports.push_back(std::move(untold));
      continue;
    }
    const Module module = Has(layers, "apparmor") ? Module::kApparmor : Has(layers, "selinux") ? Module::kSelinux : Module::kNone;
    const bool bare = module == Module::kNone;
    const Steps steps = StepsOf(request, plan, bare);
    if (unconfined.count({module, bare}) == 0) {
      RAVELIN_TRY(free, kernels::Run(verify::JobFor(steps.request, {}, module)));
      unconfined.emplace(std::pair(module, bare), std::move(free));
    }
    RAVELIN_TRY(outcome, kernels::Run(verify::JobFor(steps.request, layers, module)));
    RAVELIN_TRY(report, Comparison(plan, steps.at, effective).Of(layers, outcome, unconfined.at({module, bare})));
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ravelin::probe
