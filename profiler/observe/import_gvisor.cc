// gVisor's `runsc --strace`: "I1123 22:42:18.065532 16371 strace.go:599] [ 1: 1] cat X brk(0x0) = 94 (0x55) (7.8us)"; one line when a call
// begins (E) and one when it ends (X).
#include <fmt/format.h>

#include <cstdlib>

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
  if (space == std::string::npos) return out;
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

}  // namespace

void ImportGvisor(std::string_view text, Run& run, Imported& out) {
  TracedProcesses processes;
  EachLine(text, [&](std::string_view line, size_t number) {
    const size_t mark = line.find("strace.go:");
    const size_t open = mark == std::string_view::npos ? mark : line.find("] [", mark);
    if (open == std::string_view::npos) return;
    const size_t close = line.find(']', open + 3);
    const size_t leave = line.find(" X ", close == std::string_view::npos ? line.size() : close);
    if (close == std::string_view::npos || leave == std::string_view::npos) return;  // E: the end tells more
    const std::string_view ids = line.substr(open + 3, close - open - 3);
    const size_t colon = ids.find(':');
    const int id = std::atoi(std::string(ids.substr(colon == std::string_view::npos ? 0 : colon + 1)).c_str());
    const auto call = ParseTextCall(line.substr(leave + 3));
    if (!call) {
      ++out.not_understood;  // cut
      return;
    }
    ++out.records;
    std::vector<TracedArgument> args;
    for (const std::string& arg : call->args) args.push_back(ArgumentOf(arg));
    std::optional<int> error = 0;
    if (const std::string number_text = Between(call->result + " ", "errno=", " "); !number_text.empty()) error = std::atoi(number_text.c_str());
    AddTraced(call->name, args, error, *error == 0 ? ValueOf(kernel::Arch::kX86_64, call->result.substr(0, call->result.find(' '))) : std::nullopt, "", id, 0, fmt::format("line {}", number), processes, run);
  });
  run.completeness.blind.insert("capabilities");
  run.completeness.blind.insert("calls that the host's kernel would have answered otherwise: gVisor's own kernel ran the workload");
  if (out.not_understood != 0) run.completeness.channels["calls"].unread += out.not_understood;
}

}  // namespace ravelin::observe
