#include <errno.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "profiler/kernels/root_path.h"
#include "profiler/verify/verify.h"

namespace ravelin::verify {
namespace {

using kernels::Observation;
using kernels::Outcome;
using kernels::StepResult;

std::string EndOf(const StepResult& step) {
  if (!step.why_not.empty()) return "was not started (" + step.why_not + ")";
  if (!step.started) return "was not reached";
  if (!step.ended) return "did not end";
  return step.signal != 0 ? fmt::format("was ended by signal {}", step.signal) : fmt::format("ended with status {}", step.exit_code);
}

// What it said last, where it said anything.
std::string LastWords(const StepResult& step) {
  const size_t end = step.err.find_last_not_of(" \n");
  if (end == std::string::npos) return "";
  const size_t newline = step.err.find_last_of('\n', end);
  const size_t begin = newline == std::string::npos ? 0 : newline + 1;
  return fmt::format(": {}", step.err.substr(begin, std::min<size_t>(end + 1 - begin, 160)));
}

bool SameEnd(const StepResult& a, const StepResult& b) { return a.started == b.started && a.ended == b.ended && a.exit_code == b.exit_code && a.signal == b.signal; }

std::string Name(const Request& request, size_t i) {
  const kernels::Step& step = request.steps[i].step;
  switch (step.kind) {
    case kernels::Step::Kind::kRun:
    case kernels::Step::Kind::kStart: return step.arguments.empty() ? step.program : step.arguments.front();
    case kernels::Step::Kind::kStop: return "stopping step " + std::to_string(step.target + 1);
    case kernels::Step::Kind::kPort: return "port " + std::to_string(step.port);
    case kernels::Step::Kind::kPath: return "path " + step.path;
    case kernels::Step::Kind::kRelabel: return "labelling " + step.path;
  }
  return "";
}

// What a terminal would act on is shown, not sent.
std::string Visible(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') out += "\\r";
    else if (byte < 0x20 && c != '\t') out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out;
}

// The first line in which two texts differ, for people.
std::string FirstDifference(const std::string& expected, const std::string& found) {
  size_t begin = 0;
  size_t line = 1;
  for (size_t i = 0; i < std::min(expected.size(), found.size()) && expected[i] == found[i]; ++i) {
    if (expected[i] != '\n') continue;
    begin = i + 1;
    ++line;
  }
  const auto cut = [&](const std::string& text) { return begin >= text.size() ? std::string("nothing") : "`" + Visible(text.substr(begin, std::min<size_t>(text.find('\n', begin) - begin, 80))) + "`"; };
  return fmt::format("line {} is {} instead of {}", line, cut(found), cut(expected));
}

bool IsOurs(const Request& request, const Observation& one) {
  if (!one.refused || one.source == kernels::Source::kNobody) return false;
  if (one.source == kernels::Source::kSeccomp) return true;
  const auto& subjects = request.artifacts.subjects;
  return std::find(subjects.begin(), subjects.end(), one.subject) != subjects.end();
}

// What the host refuses the guest's kernel, which runs as this user, looks like a refusal to the workload.
std::vector<std::string> RefusedByHost(const Request& request, const std::vector<Observation>& observations) {
  std::set<std::string> paths;
  for (const Observation& one : observations) {
    if (one.source == kernels::Source::kNobody && !one.path.empty()) paths.insert(one.path);
  }
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    const std::string host = (request.setting.root == "/" ? "" : request.setting.root) + path;  // layers are the caller's own
    if (access(host.c_str(), R_OK) != 0 && errno == EACCES) out.push_back(fmt::format("this user cannot read {} on the host, and the guest saw a refusal there that no layer made", path));
  }
  return out;
}

void Compare(const Request& request, const std::vector<const Outcome*>& unconfined, LayerVerdict& verdict) {
  const Outcome& first = *unconfined.front();
  for (size_t i = 0; i < request.steps.size(); ++i) {
    const StepResult& expected = first.steps[i];
    const StepResult& found = verdict.outcome.steps[i];
    if (!SameEnd(expected, found)) verdict.reasons.push_back(fmt::format("{} {}, unconfined it {}", Name(request, i), EndOf(found), EndOf(expected)));
    if (!request.expect.output) continue;
    for (const auto& [name, stream] : {std::pair("output", &StepResult::out), std::pair("error output", &StepResult::err)}) {
      if (found.*stream == expected.*stream) continue;
      const bool steady = std::all_of(unconfined.begin(), unconfined.end(), [&, of = stream](const Outcome* one) { return one->steps[i].*of == expected.*of; });
      if (steady) {
        verdict.reasons.push_back(fmt::format("the {} of {} differs from the unconfined run's: {}", name, Name(request, i), FirstDifference(expected.*stream, found.*stream)));
      } else {
        verdict.notes.push_back(fmt::format("the {} of {} was not compared: two unconfined runs differ in it", name, Name(request, i)));
      }
    }
  }
}

}  // namespace

const char* VerdictText(Verdict verdict) { return verdict == Verdict::kPassed ? "passed" : verdict == Verdict::kFailed ? "failed" : "inconclusive"; }

void Judge(const Request& request, const std::vector<const Outcome*>& unconfined, LayerVerdict& verdict) {
  const Outcome& outcome = verdict.outcome;
  const std::vector<Observation> observed = kernels::Observe(outcome.events);
  std::copy_if(observed.begin(), observed.end(), std::back_inserter(verdict.refusals), [&](const Observation& one) { return IsOurs(request, one); });
  const std::vector<std::string> roots = RootsOf(request);
  for (Observation& one : verdict.refusals) kernels::ResolvePaths(roots, one);
  std::vector<std::string> doubts = outcome.inconclusive;
  const bool filtered = std::find(verdict.layers.begin(), verdict.layers.end(), "seccomp") != verdict.layers.end();
  if (filtered && !request.artifacts.filter_doubt.empty()) doubts.push_back(request.artifacts.filter_doubt);
  for (const Outcome* one : unconfined) {
    for (const std::string& reason : one->inconclusive) doubts.push_back("unconfined: " + reason);
    if (one->timed_out) doubts.push_back(fmt::format("unconfined, the workload does not end within {} s", request.setting.limit_ms / 1000));
    for (size_t i = 0; i < one->steps.size(); ++i) {
      const StepResult& step = one->steps[i];
      const bool stopped = request.steps[i].step.kind == kernels::Step::Kind::kStart;
      if (!step.started || (!step.ended && !stopped) || (!request.steps[i].may_fail && !stopped && step.ended && (step.exit_code > 0 || step.signal != 0))) doubts.push_back(fmt::format("unconfined, {} {}{}", Name(request, i), EndOf(step), LastWords(step)));
    }
  }
  for (std::string& reason : RefusedByHost(request, observed)) doubts.push_back(std::move(reason));
  for (const Observation& one : verdict.refusals) {
    if (one.owner_unknown) doubts.push_back(fmt::format("who owns {} cannot be seen by an ordinary user's guest, and a rule may depend on it", one.path));
  }
  std::sort(doubts.begin(), doubts.end());
  doubts.erase(std::unique(doubts.begin(), doubts.end()), doubts.end());
  if (doubts.empty() && outcome.timed_out && verdict.refusals.empty()) doubts.push_back(fmt::format("the workload does not end within {} s, and nothing was refused", request.setting.limit_ms / 1000));
  if (!doubts.empty()) {
    verdict.verdict = Verdict::kInconclusive;
    verdict.reasons = std::move(doubts);
    return;
  }
  Compare(request, unconfined, verdict);
  if (!verdict.reasons.empty() && request.setting.machine.driver == kernels::DriverKind::kGvisor && !request.artifacts.other_answers.empty()) {
    verdict.verdict = Verdict::kInconclusive;
    verdict.reasons.push_back(fmt::format("gVisor answers every refusal with EPERM, and the workload may depend on another answer: {}", fmt::join(request.artifacts.other_answers, ", ")));
    return;
  }
  verdict.verdict = verdict.reasons.empty() ? Verdict::kPassed : Verdict::kFailed;
}

}  // namespace ravelin::verify
