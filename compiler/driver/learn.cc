#include "compiler/driver/learn.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>

#include "compiler/ast/ast_text.h"
#include "compiler/base/check.h"
#include "compiler/base/source.h"
#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_rows.h"
#include "compiler/syntax/parse.h"
#include "profiler/kernels/root_path.h"
#include "profiler/observe/observed.h"

namespace ravelin::driver {
namespace {

std::string LaidOut(const std::string& text) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("learned", text);
  const ast::File tree = syntax::Parse(sources, file, sink);
  RAVELIN_CHECK(!sink.HasErrors(), "what was learned is no policy");
  return ast::Format(tree, text);
}

struct Judged {
  std::vector<GapRow> gaps;
  std::vector<std::string> not_judged;
};

Result<Judged> GapsOf(const LearnRequest& request) {
  RAVELIN_TRY(front, ReadPolicy(request.output, request.load, request.target));
  if (front->sink.HasErrors()) return Fail(ErrorCode::kMalformed, RenderText(front->sink, front->sources, {}));
  Judged out;
  for (GapRows& domain : GapRowsOf(*front)) {
    for (std::string& why : domain.not_judged) out.not_judged.push_back(std::move(why));
    for (GapRow& row : domain.rows) {
      if (!row.accepted()) out.gaps.push_back(std::move(row));
    }
  }
  return out;
}

bool SameSet(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

bool Names(const GivenAcceptance& given, const GapRow& row) {
  if (given.wider != row.wider || row.name.empty()) return false;
  if (std::none_of(given.layer_sets.begin(), given.layer_sets.end(), [&](const auto& set) { return SameSet(set, row.layers); })) return false;
  if (given.label.back() == '*') return row.name.rfind(given.label.substr(0, given.label.size() - 1), 0) == 0;
  return given.label == row.name;
}

// Only what the operator's line covers, and only where the gap is.
std::vector<std::string> Statements(const std::vector<GivenAcceptance>& given, const std::vector<GapRow>& gaps) {
  std::vector<std::string> out;
  for (GapRow row : gaps) {
    for (const GivenAcceptance& one : given) {
      if (!Names(one, row)) continue;
      ir::Operations covered;
      for (const auto& [facet, set] : row.operations) {
        const auto& info = kernel::Facets()[facet];
        const auto allowed = one.operations.find(info.name);
        if (!one.operations.empty() && allowed == one.operations.end()) continue;
        for (size_t i = 0; i < info.operations.size(); ++i) {
          const ir::OperationSet bit = ir::OperationSet{1} << i;
          if ((set & bit) != 0 && (one.operations.empty() || allowed->second.empty() || allowed->second.count(info.operations[i]) != 0)) covered[facet] |= bit;
        }
      }
      if (covered.empty()) continue;
      row.operations = covered;
      std::string line = AcceptLine(row);
      const size_t dots = line.rfind("\"...\"");
      if (dots != std::string::npos) line.replace(dots, 5, generalize::QuoteText(one.because));
      out.push_back(std::move(line));
      break;
    }
  }
  return out;
}

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
    return check.facet == ir::FacetOf("network") && kernel::Facets()[check.facet].operations[static_cast<size_t>(check.operation)] == "create" && family != check.integers.end() && family->second == AF_UNIX;
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
observe::Run Refused(const verify::Report& report, const std::set<std::string>& subjects) {
  observe::Run run;
  run.driver = "refusals";
  for (const verify::LayerVerdict& verdict : report.verdicts) {
    std::set<uint64_t> refused;
    for (const kernels::Observation& one : verdict.refusals) refused.insert(one.serial);
    std::vector<kernels::AuditEvent> events;
    for (const kernels::AuditEvent& event : verdict.outcome.events) {
      if (refused.count(event.serial) != 0) events.push_back(event);
    }
    observe::AddAudit(events, {.calls = true, .wanted = true, .subjects = subjects}, run);
  }
  return run;
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

std::string ProgramOf(const observe::Recording& recording) {
  std::set<std::string> programs;
  for (const auto& [id, run] : recording.runs) {
    for (const auto& [fact, seen] : run.facts) {
      const std::string chain = observe::Decode(fact.process)["chain"];
      if (run.driver == "uml" && fact.facet != "syscall") continue;  // the mechanism's chains begin one later
      if (!chain.empty()) programs.insert(chain.substr(0, chain.find(" > ")));
    }
  }
  return programs.size() == 1 ? *programs.begin() : "";
}

std::string PolicyNameOf(const std::string& program, const std::string& file) {
  std::string name = std::filesystem::path(program.empty() ? file : program).stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "p" + name : name;
}

Result<LearnedPolicy> WritePolicy(const LearnRequest& request) {
  LearnedPolicy out;
  generalize::Options options = request.options;
  options.statements.clear();
  // First without acceptances: which gaps there are decides which of those that were given apply.
  for (int pass = 0; pass < 2; ++pass) {
    RAVELIN_TRY(learned, generalize::Generalize(request.recording, options));
    out.learned = std::move(learned);
    out.text = LaidOut(out.learned.text);
    if (auto written = source::WriteFile(request.output, out.text); !written) return tl::make_unexpected(std::move(written.error()));
    RAVELIN_TRY(judged, GapsOf(request));
    out.gaps = std::move(judged.gaps);
    out.not_judged = std::move(judged.not_judged);
    options.statements = Statements(request.acceptances, out.gaps);
    if (options.statements.empty()) break;
  }
  return out;
}

Result<LoopResult> VerifyLearned(LearnRequest& request, const Workload& workload, unsigned rounds, const RecordAgain& record_again, const std::function<void(const std::string&)>& progress) {
  LoopResult out;
  Workload enforced = workload;
  enforced.gaps = GapsAre::kWarnings;  // what is left open is told beside the verdict
  for (unsigned round = 1; round <= rounds; ++round) {
    RAVELIN_TRY(policy, WritePolicy(request));
    out.policy = std::move(policy);
    out.rounds = round;
    RAVELIN_TRY(front, ReadPolicy(request.output, request.load, request.target));
    RAVELIN_TRY(prepared, PrepareVerification(*front, 0, enforced));
    if (!prepared) return Fail(ErrorCode::kMalformed, RenderText(front->sink, front->sources, {}));
    RAVELIN_TRY(report, verify::Verify(*prepared, progress));
    out.reasons.clear();
    bool inconclusive = false;
    bool failed = false;
    for (verify::LayerVerdict& verdict : report.verdicts) {
      std::erase_if(verdict.refusals, [&](const kernels::Observation& one) { return IsAnswered(one, out.policy.learned); });
      inconclusive |= verdict.verdict == verify::Verdict::kInconclusive;
      failed |= verdict.verdict == verify::Verdict::kFailed || !verdict.refusals.empty();
      for (const std::string& reason : verdict.reasons) out.reasons.push_back(fmt::format("{}: {}", fmt::join(verdict.layers, " + "), reason));
    }
    RAVELIN_TRY(refusals, ExplainRefusals(*front, 0, report));
    out.refusals.push_back(refusals);
    progress(fmt::format("round {}: {} refusal{}", round, refusals.size(), refusals.size() == 1 ? "" : "s"));
    if (!failed) {
      for (const std::string& one : NotJudged(*front, 0, report)) {
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
        RAVELIN_TRY(attacked, AttackLearned(*front, *request.attacks, enforced, FirstProgram(*prepared), progress));
        out.attacked = std::move(attacked);
        attacks = JudgeAttacked(out.attacked, out.reasons);
        inconclusive |= attacks.unclear;
      }
      out.verdict = attacks.through ? LoopVerdict::kAttacked : inconclusive ? LoopVerdict::kInconclusive : !out.policy.gaps.empty() ? LoopVerdict::kGaps : LoopVerdict::kVerified;
      return out;
    }
    out.verdict = LoopVerdict::kDenied;
    const std::set<std::string> subjects(prepared->artifacts.subjects.begin(), prepared->artifacts.subjects.end());
    observe::Run refused = Refused(report, subjects);
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
