// What the guest left behind.
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "profiler/kernels/exchange.h"

namespace ravelin::kernels {
namespace {

uint64_t Number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

std::string PanicIn(const std::string& log) {
  const size_t at = log.find("Kernel panic");
  return at == std::string::npos ? "" : log.substr(at, log.find('\n', at) - at);
}

// "3 ended 1792", "3 ended 9 expired", "3 reached", "3 missed", "3 not-started exec: Permission denied"
void ReadStep(const std::string& value, Outcome& outcome) {
  std::istringstream in(value);
  size_t index = 0;
  std::string what;
  in >> index >> what;
  if (index >= outcome.steps.size()) return;
  StepResult& step = outcome.steps[index];
  step.started = what != "not-started";
  step.ended = what == "ended" || what == "reached";
  if (what == "ended") {
    int status = 0;
    in >> status;
    if (WIFEXITED(status)) step.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) step.signal = WTERMSIG(status);
    std::string word;
    step.expired = in >> word && word == "expired";
  } else if (what == "not-started") {
    std::getline(in >> std::ws, step.why_not);
  }
}

// False where the report does not come to its end.
bool ReadStatus(const std::string& text, Outcome& outcome) {
  std::istringstream in(text);
  bool counted = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "end") return counted || !outcome.inconclusive.empty();
    const size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
    if (key == "kernel") outcome.kernel = value;
    if (key == "lsm") outcome.lsm = value;
    if (key == "step") ReadStep(value, outcome);
    if (key == "process") {
      const size_t index = Number(value);
      if (index < outcome.steps.size()) outcome.steps[index].process = static_cast<int>(Number(value.substr(value.find(' ') + 1)));
    }
    if (key == "timeout") outcome.timed_out = true;
    if (key == "trouble") outcome.inconclusive.push_back("in the guest: " + value);
    if (key == "records") outcome.records = Number(value);
    if (key == "phase") outcome.phases.emplace_back(value.substr(value.find(' ') + 1), std::strtod(value.c_str(), nullptr));
    if (key == "lost") {
      outcome.lost = std::max(outcome.lost, Number(value));
      counted = true;
    }
    if (key == "oom" && Number(value) > 0) outcome.inconclusive.push_back(fmt::format("the guest's memory ran out ({} process{} killed for it); give it more with --memory", Number(value), Number(value) == 1 ? " was" : "es were"));
  }
  return false;
}

}  // namespace

Outcome ReadOutcome(const Job& job, const Scratch& scratch, const std::string& console, const std::string& ended) {
  Outcome outcome;
  outcome.steps.resize(job.steps.size());
  const std::string log = scratch.Read("out/dmesg");
  outcome.boot_log = log.empty() ? console : log;
  outcome.features = scratch.Read("out/features");
  if (const std::string panic = PanicIn(console + log); !panic.empty()) outcome.inconclusive.push_back("the guest's kernel gave up: " + panic);
  if (!ReadStatus(scratch.Read("out/status"), outcome)) {
    const std::string last = LastLine(console);
    outcome.inconclusive.push_back(fmt::format("the guest left no whole report: {}{}", ended, last.empty() ? "" : "; its last words: " + last));
  }
  const AuditLog audit = ParseAudit(scratch.Read("out/audit"));
  outcome.events = audit.events;
  size_t records = 0;
  for (const AuditEvent& event : audit.events) records += event.records.size();
  if (outcome.lost > 0) outcome.inconclusive.push_back(fmt::format("{} audit records were lost: what was refused is not all known", outcome.lost));
  if (records + audit.malformed != outcome.records) outcome.inconclusive.push_back(fmt::format("{} of {} audit records arrived", records, outcome.records));
  if (audit.malformed > 0) outcome.inconclusive.push_back(fmt::format("{} audit records cannot be read", audit.malformed));
  for (size_t i = 0; i < outcome.steps.size(); ++i) {
    outcome.steps[i].out = scratch.Read(fmt::format("out/{}.stdout", i));
    outcome.steps[i].err = scratch.Read(fmt::format("out/{}.stderr", i));
  }
  return outcome;
}

Outcome Undecided(const Job& job, std::string why) {
  Outcome out;
  out.steps.resize(job.steps.size());
  out.inconclusive = {std::move(why)};
  return out;
}

}  // namespace ravelin::kernels
