// Lines of our own recorder (profiler/recorder/format.h says what they hold).
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "profiler/observe/calls.h"
#include "profiler/observe/import.h"

namespace ravelin::observe {
namespace {

template <typename Number>
Number Read(std::string_view text, int base = 10) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::vector<std::string_view> Cells(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at <= line.size();) {
    const size_t tab = std::min(line.find('\t', at), line.size());
    out.push_back(line.substr(at, tab - at));
    at = tab + 1;
  }
  return out;
}

// What stands escaped in the line, as Encode has it.
std::string Plain(std::string_view text) { return Decode("x=" + std::string(text))["x"]; }

void ReadCall(const std::vector<std::string_view>& cells, Run& run, Imported& out) {
  if (cells.size() < 14) {
    ++out.not_understood;
    return;
  }
  const auto number = Read<uint32_t>(cells[6]);
  const kernel::Syscall* known = kernel::FindSyscall(kernel::Arch::kX86_64, number);
  if (known == nullptr) {
    run.Add({"syscall", fmt::format("number {}", number), "arch=x86_64", ""}, 0, "");
    return;
  }
  Call call;
  call.name = known->name;
  call.count = Read<uint64_t>(cells[1]);
  call.time = std::strtod(std::string(cells[2]).c_str(), nullptr);
  call.process = {{"program", Plain(cells[4])}, {"chain", Plain(cells[5])}};
  const std::vector<Role> roles = RolesOf(*known);
  for (size_t i = 0; i < 6 && i < roles.size(); ++i) {
    if (roles[i] == Role::kValue || roles[i] == Role::kMask || roles[i] == Role::kNull) call.args[i] = Read<uint64_t>(cells[7 + i], 16);
  }
  if (cells[13] != "?") call.error = Read<int>(cells[13]);
  call.example = known->name;
  for (size_t i = 14; i < cells.size(); ++i) {
    const std::string_view cell = cells[i];
    if (cell.size() < 3) continue;
    const size_t index = static_cast<size_t>(cell[1] - '0');
    const std::string_view value = cell.substr(3);
    if (index > 5) continue;
    if (cell[0] == 'p') {
      const size_t bar = value.find('|');
      Path path{Plain(value.substr(0, bar)), bar == std::string_view::npos ? "" : Plain(value.substr(bar + 1))};
      if (call.example == known->name) call.example += " " + path.given;
      call.paths[index] = std::move(path);
    } else if (cell[0] == 'f') {
      call.descriptors[index] = Plain(value);
    } else if (cell[0] == 'a') {
      call.address = AddressOf(Plain(value));
    } else if (cell[0] == 's') {
      const size_t first = value.find(',');
      const size_t second = value.find(',', first + 1);
      if (second == std::string_view::npos) continue;
      call.socket = {{"family", fmt::format("{:#x}", Read<uint64_t>(value.substr(0, first)))}, {"type", fmt::format("{:#x}", Read<uint64_t>(value.substr(first + 1, second - first - 1)) & 0xf)}, {"protocol", fmt::format("{:#x}", Read<uint64_t>(value.substr(second + 1)))}};
    } else if (cell[0] == 'k') {
      call.peer = value;
    } else if (cell[0] == 'c') {
      call.created = value == "1";
    } else if (cell[0] == 'u') {
      ++run.completeness.channels["strings"].unread;
    }
  }
  ++out.records;
  AddCall(call, run);
}

}  // namespace

void ImportRecorder(Log& log, Run& run, Imported& out, const Overflow& overflow) {
  bool ended = false;
  EachLine(log, [&](std::string_view line, size_t) {
    const auto cells = Cells(line);
    if (cells[0] == "call") ReadCall(cells, run, out);
    if (cells[0] == "lost" && cells.size() > 1) run.completeness.channels["calls"].lost += Read<uint64_t>(cells[1]);
    if (cells[0] == "cannot" && cells.size() > 1) out.notes.push_back(Plain(cells[1]));
    if (cells[0] == "trouble" && cells.size() > 1) run.completeness.doubts.insert(Plain(cells[1]));
    if (cells[0] == "started" && cells.size() > 1) run.started = std::strtod(std::string(cells[1]).c_str(), nullptr);
    if (cells[0] == "end" && cells.size() > 2) {
      ended = true;
      run.status = fmt::format("{} {}", cells[1], cells[2]);
      if (cells.size() > 3) run.ended = std::strtod(std::string(cells[3]).c_str(), nullptr);
    }
    overflow(run);
  });
  run.completeness.clean_end = run.completeness.clean_end && ended;
  run.completeness.channels["calls"];
}

}  // namespace ravelin::observe
