// The loop: enforce, fold refusals back, learn anew; then the attacks.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "compiler/driver/learn.h"
#include "compiler/oracle/decide.h"
#include "profiler/kernels/root_path.h"
#include "profiler/observe/observed.h"

namespace ravelin::driver {
namespace {

// Answers that are meant, and that programs go on with: clone3 ENOSYS, and where nobody was ever reached by it, socket(AF_UNIX) EACCES, which
// a module by itself answers as well.
bool IsAnswered(const kernels::Observation& one, const generalize::Learned& learned) {
  if (one.source == kernels::Source::kSeccomp) {
    if (!one.call || one.call->audit_arch != kernel::AuditArch(kernel::Arch::kX86_64)) return false;
    const auto is = [&](const char* name) { return one.call->number == kernel::FindSyscall(kernel::Arch::kX86_64, name)->number; };
    return is("clone3") || (learned.answers_unix_sockets && is("socket") && one.call->args[0] == AF_UNIX);
  }
  const auto makes_unix = [](const ir::ObjectCheck& check) {
    const auto family = check.integers.find("family");
    const std::string& operation = kernel::Facets()[check.facet].operations[static_cast<size_t>(check.operation)];
    return check.facet == ir::FacetOf("network") && (operation == "create" || operation == "connect") && family != check.integers.end() && family->second == AF_UNIX;
  };
  return learned.answers_unix_sockets && !one.checks.empty() && std::all_of(one.checks.begin(), one.checks.end(), makes_unix);
}

// The file that the workload begins with, as the guest has it.
std::string FirstProgram(const verify::Request& request) {
  for (const verify::Step& one : request.steps) {
    if (!one.confined) continue;
    const std::string resolved = kernels::ResolveIn(verify::RootsOf(request), one.step.program);
    return resolved.empty() ? one.step.program : resolved;
  }
  return "";
}

// What the attacks say of the verdict, with the reasons.  Neither of them: they were refused, or are what the workload does.
struct AttacksSay {
  bool through = false;
  bool unclear = false;
};
AttacksSay JudgeAttacked(const std::vector<AttackedSet>& sets, std::vector<std::string>& reasons) {
  AttacksSay out;
  for (const AttackedSet& set : sets) {
    for (const AttackAnswer& one : set.answers) {
      if (one.verdict == AttackVerdict::kRefused || one.verdict == AttackVerdict::kGranted) continue;
      (one.verdict == AttackVerdict::kInconclusive ? out.unclear : out.through) = true;
      reasons.push_back(fmt::format("{}: attack {} {}: {}", fmt::join(set.layers, " + "), one.attack, one.verdict == AttackVerdict::kInconclusive ? "says nothing" : one.verdict == AttackVerdict::kAccepted ? "gets through a gap that was accepted beforehand" : "gets through", one.cause));
    }
  }
  return out;
}

// What the policy refused, as observations of a run of its own.
observe::Run Refused(const verify::Report& report, const std::set<std::string>& subjects, const std::vector<std::string>& roots) {
  observe::Run run;
  run.driver = "refusals";
  for (const verify::LayerVerdict& verdict : report.verdicts) {
    std::set<uint64_t> refused;
    for (const kernels::Observation& one : verdict.refusals) refused.insert(one.serial);
    std::vector<kernels::AuditEvent> events;
    for (const kernels::AuditEvent& event : verdict.outcome.events) {
      if (refused.count(event.serial) != 0) events.push_back(event);
    }
    observe::AddAudit(events, {.calls = true, .wanted = true, .subjects = subjects, .roots = roots}, run);
  }
  return run;
}

// A policy, written and ready to be enforced.
struct Ready {
  LearnedPolicy policy;
  std::unique_ptr<Frontend> front;
  verify::Request request;

  const ir::Domain& domain() const { return front->policy.domains[0]; }
  std::set<std::string> subjects() const { return {request.artifacts.subjects.begin(), request.artifacts.subjects.end()}; }
};

Result<Ready> Prepare(const LearnRequest& request, const Workload& workload) {
  Ready out;
  RAVELIN_TRY(policy, WritePolicy(request));
  out.policy = std::move(policy);
  RAVELIN_TRY(front, ReadPolicy(request.output, request.load, request.target));
  out.front = std::move(front);
  RAVELIN_TRY(prepared, PrepareVerification(*out.front, 0, workload));
  if (!prepared) return Fail(ErrorCode::kMalformed, RenderText(out.front->sink, out.front->sources, {}));
  out.request = std::move(*prepared);
  return out;
}

bool IsPermitted(const ir::Domain& domain, const kernels::Observation& one) {
  return !one.checks.empty() && std::all_of(one.checks.begin(), one.checks.end(), [&](const ir::ObjectCheck& check) { return oracle::DecideObject(domain, check).permitted(); });
}

constexpr int kMostQuestions = 3;
constexpr size_t kMostTold = 20;  // refusals of one round, while the loop runs

// What SELinux asks of the workload beyond the policy: it is permissive, so that one refusal does not hide the next.  Nothing: it asks for
// nothing more.
Result<std::optional<observe::Run>> AskSelinux(const Ready& ready, const std::function<void(const std::string&)>& progress) {
  kernels::Job job = verify::JobFor(ready.request, {"selinux"}, kernels::Module::kSelinux);
  job.mode = kernels::Mode::kComplain;
  RAVELIN_TRY(outcome, kernels::Run(job));
  const std::set<std::string> subjects = ready.subjects();
  const std::vector<std::string> roots = verify::RootsOf(ready.request);
  verify::Report report;
  verify::LayerVerdict& verdict = report.verdicts.emplace_back();
  for (kernels::Observation& one : kernels::Observe(outcome.events)) {
    if (one.source != kernels::Source::kSelinux || subjects.count(one.subject) == 0 || one.checks.empty()) continue;
    kernels::ResolvePaths(roots, one);
    if (!IsPermitted(ready.domain(), one) && !IsAnswered(one, ready.policy.learned)) verdict.refusals.push_back(std::move(one));
  }
  verdict.outcome = std::move(outcome);
  observe::Run run = Refused(report, subjects, roots);
  run.driver = "selinux";
  progress(fmt::format("selinux, permissive: {:.2f} s, {} more", verdict.outcome.wall_seconds, run.facts.size()));
  return run.facts.empty() ? std::optional<observe::Run>() : std::move(run);
}

// Answers that no rule came of: they would come again.
bool AllKnown(const observe::Run& run, const observe::Recording& recording) {
  return std::all_of(run.facts.begin(), run.facts.end(), [&](const auto& entry) {
    return std::any_of(recording.runs.begin(), recording.runs.end(), [&](const auto& other) { return other.second.driver == run.driver && other.second.facts.count(entry.first) != 0; });
  });
}

// A gap says that a set with this layer is narrower there.
bool IsGap(const std::vector<GapRow>& rows, const kernels::Observation& one) {
  const std::string layer = one.source == kernels::Source::kSelinux ? "selinux" : "apparmor";
  return std::all_of(one.checks.begin(), one.checks.end(), [&](const ir::ObjectCheck& check) {
    return std::any_of(rows.begin(), rows.end(), [&](const GapRow& row) {
      const auto operations = row.operations.find(check.facet);
      // Of a file system whose files have one type: what the kernel shows of itself.
      const auto path = check.texts.find("path");
      const bool shown = path != check.texts.end() && (path->second.rfind("/proc/", 0) == 0 || path->second.rfind("/sys/", 0) == 0);
      if (!row.rule && !shown) return false;
      return std::find(row.layers.begin(), row.layers.end(), layer) != row.layers.end() && operations != row.operations.end() && (operations->second >> check.operation & 1) != 0;
    });
  });
}

// Takes away the refusals that no rule would prevent.
verify::Report TakeNarrower(const Ready& ready, verify::Report& report) {
  verify::Report out;
  for (verify::LayerVerdict& verdict : report.verdicts) {
    verify::LayerVerdict& taken = out.verdicts.emplace_back();
    taken.started = verdict.started;
    std::erase_if(verdict.refusals, [&](const kernels::Observation& one) {
      if (one.source == kernels::Source::kSeccomp) return false;
      const bool narrower = one.checks.empty() ? one.source == kernels::Source::kSelinux : IsPermitted(ready.domain(), one) && IsGap(ready.policy.narrower, one);
      if (narrower) taken.refusals.push_back(one);
      return narrower;
    });
  }
  return out;
}

}  // namespace

const char* LoopVerdictText(LoopVerdict verdict) {
  switch (verdict) {
    case LoopVerdict::kVerified: return "verified";
    case LoopVerdict::kGaps: return "gaps";
    case LoopVerdict::kDenied: return "denied";
    case LoopVerdict::kAttacked: return "attacked";
    case LoopVerdict::kInconclusive: return "inconclusive";
  }
  return "";
}

Result<LoopResult> VerifyLearned(LearnRequest& request, const Workload& workload, unsigned rounds, const RecordAgain& record_again, const std::function<void(const std::string&)>& progress) {
  LoopResult out;
  Workload enforced = workload;
  enforced.gaps = GapsAre::kWarnings;  // what is left open is told beside the verdict
  for (unsigned round = 1; round <= rounds; ++round) {
    RAVELIN_TRY(ready, Prepare(request, enforced));
    const bool selinux = std::any_of(ready.request.layer_sets.begin(), ready.request.layer_sets.end(), [](const auto& set) { return std::find(set.begin(), set.end(), "selinux") != set.end(); });
    for (int question = 1; selinux && question <= kMostQuestions; ++question) {
      RAVELIN_TRY(asked, AskSelinux(ready, progress));
      if (!asked || AllKnown(*asked, request.recording)) break;
      request.recording.runs.emplace(fmt::format("selinux-{}-{}", round, question), std::move(*asked));
      RAVELIN_TRY(again, Prepare(request, enforced));
      ready = std::move(again);
    }
    out.rounds = round;
    out.policy = ready.policy;
    RAVELIN_TRY(report, verify::Verify(ready.request, progress));
    out.reasons.clear();
    bool inconclusive = false;
    bool failed = false;
    for (verify::LayerVerdict& verdict : report.verdicts) {
      std::erase_if(verdict.refusals, [&](const kernels::Observation& one) { return IsAnswered(one, ready.policy.learned); });
    }
    verify::Report narrower = TakeNarrower(ready, report);
    for (const verify::LayerVerdict& verdict : report.verdicts) {
      inconclusive |= verdict.verdict == verify::Verdict::kInconclusive;
      failed |= verdict.verdict == verify::Verdict::kFailed || !verdict.refusals.empty();
      for (const std::string& reason : verdict.reasons) out.reasons.push_back(fmt::format("{}: {}", fmt::join(verdict.layers, " + "), reason));
    }
    RAVELIN_TRY(refusals, ExplainRefusals(*ready.front, 0, report));
    RAVELIN_TRY(told, ExplainRefusals(*ready.front, 0, narrower));
    out.narrower = std::move(told);
    out.refusals.push_back(refusals);
    progress(fmt::format("round {}: {} refusal{}", round, refusals.size(), refusals.size() == 1 ? "" : "s"));
    for (size_t i = 0; i < refusals.size() && i < kMostTold; ++i) progress(fmt::format("  {} ({}), {}", refusals[i].shown, fmt::join(refusals[i].layers, ", "), refusals[i].process));
    if (refusals.size() > kMostTold) progress(fmt::format("  and {} more", refusals.size() - kMostTold));
    if (!failed) {
      for (const std::string& one : NotJudged(*ready.front, 0, report)) {
        out.reasons.push_back(one);
        inconclusive = true;
      }
      for (const std::string& one : out.policy.not_judged) {
        out.reasons.push_back(one);
        inconclusive = true;
      }
      for (const std::string& one : out.policy.learned.incomplete) {
        out.reasons.push_back("INCOMPLETE: " + one);
        inconclusive = true;
      }
      AttacksSay attacks;
      if (request.attacks) {
        RAVELIN_TRY(attacked, AttackLearned(*ready.front, *request.attacks, enforced, FirstProgram(ready.request), progress));
        out.attacked = std::move(attacked);
        attacks = JudgeAttacked(out.attacked, out.reasons);
        inconclusive |= attacks.unclear;
      }
      out.verdict = attacks.through ? LoopVerdict::kAttacked : inconclusive ? LoopVerdict::kInconclusive : !out.policy.gaps.empty() ? LoopVerdict::kGaps : LoopVerdict::kVerified;
      return out;
    }
    out.verdict = LoopVerdict::kDenied;
    observe::Run refused = Refused(report, ready.subjects(), verify::RootsOf(ready.request));
    if (round == rounds) return out;
    // A difference that nobody refused may be the workload's own: it is tried again, with nothing to add.
    if (refused.facts.empty()) {
      progress(fmt::format("round {} failed without a refusal: {}", round, fmt::join(out.reasons, "; ")));
      continue;
    }
    request.recording.runs.emplace(fmt::format("refused-{}", round), std::move(refused));
    if (!record_again) continue;
    RAVELIN_TRY(more, record_again(round));
    request.recording = observe::Merge(std::move(request.recording), more);
  }
  return out;
}

}  // namespace ravelin::driver
