#include "profiler/kernels/gvisor_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"

namespace ravelin::kernels {
namespace {

constexpr double kDay = 86400;

template <typename Number>
Number NumberIn(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "15:14:29.047499"
double TimeOf(std::string_view text) { return text.size() < 9 ? 0 : NumberIn<int>(text) * 3600.0 + NumberIn<int>(text.substr(3)) * 60.0 + NumberIn<double>(text.substr(6)); }

// At the commas that no bracket or quotation holds.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') ++i;
    else if (c == '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c == '{' || c == '[' || c == '(') ++depth;
    else if (c == '}' || c == ']' || c == ')') --depth;
    else if (c == ',' && depth == 0) {
      out.push_back(text.substr(begin, i - begin));
      begin = i + 2;  // a blank follows
    }
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
  return out;
}

}  // namespace

std::optional<GvisorLine> ReadGvisorLine(std::string_view line) {
  const size_t bracket = line.find("] [");
  const size_t close = bracket == std::string_view::npos ? bracket : line.find("] ", bracket + 3);
  const size_t source = line.rfind(' ', bracket);
  const size_t day = line.find(' ');
  if (close == std::string_view::npos || source == std::string_view::npos || day >= source) return std::nullopt;
  GvisorLine out;
  out.time = TimeOf(line.substr(day + 1, 15));
  out.source = line.substr(source + 1, bracket - source - 1);
  const std::string_view ids = line.substr(bracket + 3, close - bracket - 3);
  const size_t colon = ids.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  out.group = NumberIn<int>(ids);
  out.thread = NumberIn<int>(ids.substr(colon + 1));
  out.text = line.substr(close + 2);
  return out;
}

GvisorLog::GvisorLog(GvisorTrace& trace) : trace_(trace) {
  for (size_t i = 0; i < trace.made.size(); ++i) made_[trace.made[i].thread].push_back(i);
}

void GvisorLog::Read(std::string_view line) {
  const auto one = ReadGvisorLine(line);
  if (!one) return;
  if (one->source.rfind("strace.go:", 0) == 0) {
    const size_t begins = one->text.find(" E ");
    const size_t ends = one->text.find(" X ");
    const bool begun = begins < ends;
    // Behind the mark: a process may have a bracket in its name.
    const size_t open = one->text.find('(', std::min(begins, ends));
    if (open == std::string_view::npos) return;
    if (trace_.keeps_calls) trace_.calls += std::string(line) + "\n";
    if (trace_.log_began == 0) trace_.log_began = one->time;
    commands_[one->group] = one->text.substr(0, begun ? begins : ends);
    if (!begun) return;
    ++trace_.logged;
    AddPaths(one->thread, one->text.substr(begins + 3, open - begins - 3), one->text.substr(open + 1, one->text.rfind(')') - open - 1));
    return;
  }
  constexpr std::string_view kCall = "Syscall ";
  if (one->text.rfind(kCall, 0) != 0 || one->text.find("by seccomp") == std::string_view::npos) return;
  GvisorRefusal refusal;
  refusal.time = one->time;
  refusal.process = one->group;
  constexpr size_t kNameSize = 15;  // TASK_COMM_LEN, without its end
  // What a program calls itself before its first call that is permitted: the end of its path.
  const auto known = trace_.programs.find(one->group);
  const std::string program = known != trace_.programs.end() && !known->second.empty() ? known->second.back() : trace_.first;
  const auto command = commands_.find(one->group);
  refusal.command = command != commands_.end() ? command->second : program.substr(program.rfind('/') + 1).substr(0, kNameSize);
  refusal.number = NumberIn<uint32_t>(one->text.substr(kCall.size()));
  refusal.ended = one->text.find("killed") != std::string_view::npos;
  trace_.refusals.push_back(std::move(refusal));
}

// The session has the registers of a call, the log what they point to; of one thread both have the same calls in the same order.
void GvisorLog::AddPaths(int thread, std::string_view name, std::string_view arguments) {
  const std::vector<size_t>& mine = made_[thread];
  const size_t which = begun_[thread]++;
  if (which >= mine.size()) return;
  MadeCall& made = trace_.made[mine[which]];
  const kernel::Syscall* call = kernel::FindSyscall(kernel::Arch::kX86_64, made.number);
  if (call == nullptr || call->name != name) return;
  const std::vector<std::string_view> words = Split(arguments);
  for (size_t i = 0; i < call->params.size() && i < words.size(); ++i) {
    const size_t space = words[i].find(' ');
    if (NamesFile(call->params[i]) && space != std::string_view::npos) made.paths.emplace_back(words[i].substr(space + 1));
  }
}

std::vector<std::string> WhyNotWhole(const GvisorTrace& trace, bool stopped) {
  std::vector<std::string> out;
  if (!trace.began) out.emplace_back("gVisor's trace session does not tell the workload's beginning");
  if (!trace.ended && !stopped) out.emplace_back("gVisor's trace session does not tell the workload's end");
  if (trace.dropped > 0) out.push_back(fmt::format("gVisor's trace session lost {} events", trace.dropped));
  if (trace.not_understood > 0) out.push_back(fmt::format("{} events of gVisor's trace session cannot be read", trace.not_understood));
  if (trace.logged < trace.made.size()) out.push_back(fmt::format("gVisor's log has {} of {} calls: what was refused is not all known", trace.logged, trace.made.size()));
  return out;
}

std::vector<AuditEvent> RefusalsIn(const GvisorTrace& trace) {
  std::vector<AuditEvent> out(1);
  for (const GvisorRefusal& one : trace.refusals) {
    AuditEvent event;
    event.serial = out.size();
    event.time = one.time - trace.log_began;
    if (trace.log_began == 0) event.time = 0;
    if (event.time < 0) event.time += kDay;
    AuditRecord record;
    record.type = kRecordSeccomp;
    record.fields = {{"pid", std::to_string(one.process)}, {"comm", one.command}, {"arch", fmt::format("{:x}", kernel::AuditArch(kernel::Arch::kX86_64))}, {"syscall", std::to_string(one.number)}, {"code", one.ended ? "0x0" : "0x50000"}};
    event.records.push_back(std::move(record));
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace ravelin::kernels
