// gVisor's `runsc --strace`: "I1123 22:42:18.065532 16371 strace.go:599] [ 1: 1] cat X brk(0x0) = 94 (0x55) (7.8us)"; one line when a call
// begins (E) and one when it ends (X).
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

#include "profiler/kernels/gvisor_log.h"
#include "profiler/observe/import.h"
#include "profiler/observe/traced.h"

namespace ravelin::observe {
namespace {

// "0x3 /etc/passwd", "AT_FDCWD /tmp", "0x7f42 /lib/x": the number, and what stands behind it.
TracedArgument ArgumentOf(const std::string& text) {
  TracedArgument out;
  out.text = text.substr(0, text.find(' '));
  if (text.rfind("0x", 0) != 0 && text.rfind("AT_FDCWD", 0) != 0) {
    out.text = text;
    return out;
  }
  const size_t space = text.find(' ');
  if (space == std::string::npos) {
    if (text != "0x0") out.string = "";  // nothing stands behind the pointer to an empty name
    return out;
  }
  const std::string rest = text.substr(space + 1);
  if (rest.rfind("{Family: ", 0) == 0) {
    const std::string family = Between(rest, "Family: ", ",");
    if (const auto value = ValueOf(kernel::Arch::kX86_64, family)) out.address["family"] = fmt::format("{:#x}", *value);
    std::string address = Between(rest, "Addr: ", ",");
    if (address.empty()) address = Between(rest, "Addr: ", "}");
    if (const auto name = StringOf(address)) address = *name;
    if (const std::string port = Between(rest, "Port: ", "}"); !port.empty()) {
      out.address["port"] = port;
      out.address["address"] = address;
    } else if (!address.empty() && family == "AF_UNIX") {
      out.address[address.front() == '@' ? "abstract" : "path"] = address.front() == '@' ? address.substr(1) : address;
    }
    return out;
  }
  out.descriptor = rest;
  if (rest.empty() || (rest.front() != '"' && rest.front() != '{' && rest.front() != '(' && rest.front() != '[')) out.string = rest;
  return out;
}

// One line of the log: a call that ends (X) or begins (E).
struct Line {
  bool ends = false;
  int group = 0;
  int thread = 0;
  TextCall call;
};
enum class Kind { kOther, kCut, kCall };

Kind ReadLine(std::string_view text, Line& out) {
  const auto head = kernels::ReadGvisorLine(text);
  if (!head || head->source.rfind("strace.go:", 0) != 0) return Kind::kOther;
  const size_t leave = head->text.find(" X ");
  // Of those that begin, closing alone is of use: it says what the descriptor was.
  const size_t enter = leave == std::string_view::npos ? head->text.find(" E close(") : std::string_view::npos;
  if (leave == std::string_view::npos && enter == std::string_view::npos) return Kind::kOther;
  out.group = head->group;
  out.thread = head->thread;
  out.ends = leave != std::string_view::npos;
  auto call = ParseTextCall(out.ends ? std::string(head->text.substr(leave + 3)) : std::string(head->text.substr(enter + 3)) + " = ?");
  if (!call) return Kind::kCut;
  out.call = std::move(*call);
  return Kind::kCall;
}

std::optional<int> ErrorOf(const TextCall& call) {
  const std::string number = Between(call.result + " ", "errno=", " ");
  const int error = number.empty() ? 0 : std::atoi(number.c_str());
  return error >= 512 ? EINTR : error;  // its kernel's own errors of restarted calls
}

std::optional<uint64_t> ReturnOf(const TextCall& call) { return ErrorOf(call) == 0 ? ValueOf(kernel::Arch::kX86_64, call.result.substr(0, call.result.find(' '))) : std::nullopt; }

// What was opened, links followed: the next call that names the descriptor says it.  By the number of the line.
std::map<size_t, std::string> OpenedFiles(std::string_view text) {
  std::map<size_t, std::string> out;
  std::map<std::pair<int, uint64_t>, size_t> waiting;  // process and descriptor, and the line that opened it
  Line line;
  EachLine(text, [&](std::string_view one, size_t number) {
    if (ReadLine(one, line) != Kind::kCall) return;
    for (const std::string& argument : line.call.args) {
      if (argument.rfind("0x", 0) != 0) continue;
      const TracedArgument read = ArgumentOf(argument);
      const auto descriptor = ValueOf(kernel::Arch::kX86_64, read.text);
      const auto at = descriptor ? waiting.find({line.group, *descriptor}) : waiting.end();
      if (at == waiting.end() || read.descriptor.empty() || read.descriptor.front() != '/') continue;
      out[at->second] = read.descriptor;
      waiting.erase(at);
    }
    if (!line.ends || line.call.name.rfind("open", 0) != 0) return;
    if (const auto descriptor = ReturnOf(line.call)) waiting[{line.group, *descriptor}] = number;
  });
  return out;
}

}  // namespace

void ImportGvisor(std::string_view text, Run& run, Imported& out, const Sandbox& sandbox, const Overflow& overflow) {
  TracedProcesses processes;
  if (sandbox.place) processes.place = sandbox.place;
  processes.Of(1).program = processes.Of(1).chain = sandbox.first;
  std::map<int, size_t> execs;  // of each process, so far
  const std::map<size_t, std::string> opened = OpenedFiles(text);
  Line line;
  EachLine(text, [&](std::string_view one, size_t number) {
    const Kind kind = ReadLine(one, line);
    if (kind == Kind::kCut) ++out.not_understood;
    if (kind != Kind::kCall || !line.ends) return;
    ++out.records;
    std::vector<TracedArgument> args;
    for (const std::string& arg : line.call.args) args.push_back(ArgumentOf(arg));
    std::string what = opened.count(number) != 0 ? opened.at(number) : "";
    if (line.call.name.rfind("execve", 0) == 0 && ErrorOf(line.call) == 0) {
      const auto known = sandbox.programs.find(line.group);
      const size_t which = execs[line.group]++;
      if (known != sandbox.programs.end() && which < known->second.size()) what = known->second[which];
    }
    AddTraced(line.call.name, args, ErrorOf(line.call), ReturnOf(line.call), what, line.thread, 0, fmt::format("line {}", number), processes, run);
    overflow(run);
  });
  if (out.not_understood != 0) run.completeness.channels["calls"].unread += out.not_understood;
}

}  // namespace ravelin::observe
