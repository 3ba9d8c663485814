#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <thread>

#include "compiler/oracle/decide.h"
#include "profiler/probe/catalogue.h"
#include "profiler/probe/differences.h"
#include "profiler/probe/probe.h"

namespace ravelin::probe {
namespace {

using kernels::Module;
using kernels::Outcome;
using kernels::StepResult;

bool Has(const std::vector<std::string>& layers, const char* layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); }

constexpr size_t kNowhere = ~size_t{0};

// The attempts as steps of one job, each with what has to come before and after.
struct Steps {
  verify::Request request;
  std::vector<size_t> at;  // where each attempt stands; kNowhere: it is not made
  std::vector<size_t> peers;  // who waits is asked nothing by the filter
};

class Stepping {
 public:
  // `bare`: bare calls too, of which a filter alone says beforehand what must come.
  Stepping(const verify::Request& request, const Plan& plan, bool bare) : plan_(plan), bare_(bare), first_(request.steps.front()), all_(request) {
    std::erase_if(all_.artifacts.labels, [](const kernels::PathLabel& label) { return IsTheGuests(label.path); });
    all_.steps.clear();
  }

  Steps Run() {
    for (const Peer peer : {Peer::kSelf, Peer::kOutside, Peer::kOtherUser}) {
      if (std::any_of(plan_.probes.begin(), plan_.probes.end(), [&](const Probe& probe) { return probe.peer == peer; })) Start(peer);
    }
    std::vector<size_t> at;
    for (const Probe& probe : plan_.probes) {
      if (probe.bare && !bare_) {
        at.push_back(kNowhere);
        continue;
      }
      for (const std::vector<Call>& calls : probe.before) Add(calls, false);
      at.push_back(all_.steps.size());
      Add(probe.calls, probe.actor == Actor::kConfined);
      if (probe.peer != Peer::kNone) {
        all_.steps.back().step.arguments.emplace_back(".");  // behind it comes the process
        all_.steps.back().step.process_of = static_cast<int>(peers_.at(probe.peer));
      }
      if (probe.ends_peer) Start(probe.peer);
      for (const std::vector<Call>& calls : probe.after) Add(calls, false);
    }
    return {std::move(all_), std::move(at), std::move(started_)};
  }

 private:
  void Add(const std::vector<Call>& calls, bool confined) {
    verify::Step step = first_;
    step.confined = confined;
    step.step.program = confined ? plan_.program : plan_.helper;
    step.step.at_most_ms = kAttemptMs;
    step.step.arguments = WordsOf(calls);
    step.step.arguments.insert(step.step.arguments.begin(), step.step.program);
    all_.steps.push_back(std::move(step));
  }

  void Start(Peer peer) {
    peers_[peer] = all_.steps.size();
    started_.push_back(all_.steps.size());
    Add(PeerCalls(), peer == Peer::kSelf);
    verify::Step& step = all_.steps.back();
    step.step.kind = kernels::Step::Kind::kStart;
    if (peer == Peer::kOtherUser) step.step.user = step.step.group = kOtherUser;
  }

  static constexpr unsigned kAttemptMs = 10000;  // an attempt takes some: this one waits for what never comes
  static constexpr unsigned kOtherUser = 1000;
  const Plan& plan_;
  const bool bare_;
  const verify::Step first_;
  verify::Request all_;
  std::map<Peer, size_t> peers_;
  std::vector<size_t> started_;
};

std::string Say(const StepResult& result) {
  if (!result.started) return "was not started: " + result.why_not;
  if (result.expired) return "did not end";
  if (result.signal != 0) return fmt::format("ended by signal {}", result.signal);
  return result.exit_code == 0 ? "succeeded" : fmt::format("failed with {}", strerrorname_np(result.exit_code) != nullptr ? strerrorname_np(result.exit_code) : "?");
}

// What the kernel did, by the same attempt without confinement.
Expected Came(const StepResult& result, const StepResult& unconfined, const Probe& probe, int filter_refusal) {
  if (!unconfined.started || unconfined.signal != 0) return Expected::kUnsure;
  // Without confinement it has to succeed; or to end as it does behind every check.
  if (!probe.bare && unconfined.exit_code != 0 && (!probe.any_end || unconfined.exit_code == EACCES || unconfined.exit_code == EPERM)) return Expected::kUnsure;
  if (!result.started || !result.ended || result.expired || unconfined.expired) return Expected::kUnsure;
  if (result.signal == SIGSYS) return Expected::kRefused;
  if (result.signal != 0) return Expected::kUnsure;
  // A bare call may read a clock or an identity: its success is what is compared.
  if (result.exit_code == unconfined.exit_code) return Expected::kPermitted;
  const bool refusal = result.exit_code == EACCES || result.exit_code == EPERM || (result.exit_code != 0 && (result.exit_code == probe.refused_with || result.exit_code == filter_refusal));
  return refusal || probe.bare ? Expected::kRefused : Expected::kUnsure;
}

// Whatever becomes of an attempt, its end has to be told.
bool CanTell(const ir::Domain& domain) {
  const kernel::Syscall* end = kernel::FindSyscall(kernel::Arch::kX86_64, std::string_view("exit_group"));
  return end != nullptr && oracle::DecideCall(domain, BareCall(end->number, {}).event).permitted();
}

class Comparison {
 public:
  Comparison(const Plan& plan, const std::vector<size_t>& at, kernels::DriverKind judge, combine::Effective& effective) : plan_(plan), at_(at), judge_(judge), effective_(effective) {}

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
      const int refusal = Has(layers, "seccomp") ? FilterRefusal(effective_.domain(), probe) : 0;
      const Expected came = Came(result, free, probe, refusal);
      if (expected != came && expected != Expected::kUnsure) {
        if (const Difference* difference = DifferenceOf(probe, judge_, layers, came)) {
          ++report.known[difference->name];
          continue;
        }
      }
      if (expected == Expected::kUnsure || came == Expected::kUnsure) {
        // What was not to be judged here says nothing; what was, and was not answered, is told.
        if (expected != Expected::kUnsure) report.undecided.push_back({i, fmt::format("it {}; without confinement it {}", Say(result), Say(free))});
        continue;
      }
      // Without confinement the same error: the refusal cannot be told from it.
      if (expected == Expected::kRefused && came == Expected::kPermitted && free.exit_code != 0 && free.exit_code == refusal) {
        report.undecided.push_back({i, fmt::format("it {} with and without confinement", Say(result))});
        continue;
      }
      if (expected != came) {
        report.disagreements.push_back({i, fmt::format("{} is expected, and it {}; without confinement it {}", expected == Expected::kPermitted ? "permission" : "a refusal", Say(result), Say(free))});
        continue;
      }
      const bool permitted = PolicyPermits(effective_.domain(), probe, Has(layers, "seccomp") && probe.actor == Actor::kConfined);
      ++(came == Expected::kPermitted ? report.permitted : report.refused);
      report.excess += came == Expected::kPermitted && !permitted ? 1 : 0;
      report.loss += came == Expected::kRefused && permitted ? 1 : 0;
    }
    // Few that say nothing are told; many are no judgement.
    if (const size_t judged = report.permitted + report.refused + report.disagreements.size(); report.undecided.size() * 10 > judged + report.undecided.size()) {
      report.inconclusive.push_back(fmt::format("nothing follows from {} of {} attempts, such as {}", report.undecided.size(), judged + report.undecided.size(), plan_.probes[report.undecided.front().probe].shown));
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

  const Plan& plan_;
  const std::vector<size_t>& at_;
  const kernels::DriverKind judge_;
  combine::Effective& effective_;
};

// One boot: a layer set, or none to compare with.
struct Boot {
  std::vector<std::string> layers;
  Module module = Module::kNone;
  std::optional<Result<Outcome>> outcome;
};

constexpr unsigned kAtOnce = 2;

Module ModuleOf(const std::vector<std::string>& layers) { return Has(layers, "apparmor") ? Module::kApparmor : Has(layers, "selinux") ? Module::kSelinux : Module::kNone; }

}  // namespace

Result<std::vector<SetReport>> RunProbes(const verify::Request& request, const Plan& plan, combine::Effective& effective) {
  std::map<Module, Steps> steps;  // a filter alone is asked more
  std::vector<Boot> boots;
  for (const std::vector<std::string>& layers : request.layer_sets) {
    if (Has(layers, "seccomp") && !CanTell(effective.domain())) continue;
    const Module module = ModuleOf(layers);
    if (steps.count(module) == 0) {
      steps.emplace(module, Stepping(request, plan, module == Module::kNone).Run());
      boots.push_back({{}, module, std::nullopt});
    }
    boots.push_back({layers, module, std::nullopt});
  }
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < boots.size(); i = next++) {
      Boot& boot = boots[i];
      kernels::Job job = verify::JobFor(steps.at(boot.module).request, boot.layers, boot.module);
      for (const size_t peer : steps.at(boot.module).peers) job.steps[peer].filtered = false;
      boot.outcome = kernels::Run(job);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::min<size_t>(kAtOnce, boots.size()); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const auto of = [&](const std::vector<std::string>& layers, Module module) -> Result<Outcome>& {
    const auto at = std::find_if(boots.begin(), boots.end(), [&](const Boot& boot) { return boot.layers == layers && boot.module == module; });
    return *at->outcome;
  };
  std::vector<SetReport> reports;
  for (const std::vector<std::string>& layers : request.layer_sets) {
    if (Has(layers, "seccomp") && !CanTell(effective.domain())) {
      SetReport untold;
      untold.layers = layers;
      untold.inconclusive.emplace_back("the filter refuses exit_group(2), by which the attempts tell what came of them");
      reports.push_back(std::move(untold));
      continue;
    }
    const Module module = ModuleOf(layers);
    Result<Outcome>& outcome = of(layers, module);
    Result<Outcome>& unconfined = of({}, module);
    for (Result<Outcome>* one : {&outcome, &unconfined}) {
      if (!*one) return tl::make_unexpected(one->error());
    }
    RAVELIN_TRY(report, Comparison(plan, steps.at(module).at, request.setting.machine.driver, effective).Of(layers, *outcome, *unconfined));
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ravelin::probe
