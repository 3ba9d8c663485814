#include "compiler/ir/action.h"

#include <fmt/format.h>

#include <charconv>

#include "compiler/kernel/facts.h"

namespace ravelin::ir {
namespace {

// SECCOMP_RET_* of <linux/seccomp.h>, in the order of ActionKind.
constexpr uint32_t kReturns[] = {0x80000000u, 0x00000000u, 0x00030000u, 0x00050000u,
                                 0x7fc00000u, 0x7ff00000u, 0x7ffc0000u, 0x7fff0000u};

bool CarriesData(ActionKind kind) {
  return kind == ActionKind::kTrap || kind == ActionKind::kErrno || kind == ActionKind::kTrace;
}

}  // namespace

uint32_t ToSeccompReturn(Action action) {
  return kReturns[static_cast<size_t>(action.kind)] | (CarriesData(action.kind) ? action.data : 0u);
}

std::optional<Action> FromSeccompReturn(uint32_t value) {
  for (size_t i = 0; i < std::size(kReturns); ++i) {
    if ((value & 0xffff0000u) != kReturns[i]) continue;
    const auto kind = static_cast<ActionKind>(i);
    return Action{kind, CarriesData(kind) ? static_cast<uint16_t>(value & 0xffffu) : uint16_t{0}};
  }
  return std::nullopt;
}

std::string FormatAction(Action action) {
  switch (action.kind) {
    case ActionKind::kKillProcess: return "kill process";
    case ActionKind::kKillThread: return "kill thread";
    case ActionKind::kTrap: return action.data == 0 ? "trap" : fmt::format("trap({})", action.data);
    case ActionKind::kErrno: {
      const std::string_view name = kernel::ErrnoName(action.data);
      return name.empty() ? fmt::format("errno({})", action.data) : fmt::format("errno({})", name);
    }
    case ActionKind::kNotify: return "notify";
    case ActionKind::kTrace: return fmt::format("trace({})", action.data);
    case ActionKind::kLog: return "log";
    case ActionKind::kAllow: return "allow";
  }
  return {};
}

std::optional<Action> ParseAction(std::string_view text) {
  for (const auto kind : {ActionKind::kKillProcess, ActionKind::kKillThread, ActionKind::kTrap, ActionKind::kNotify, ActionKind::kLog, ActionKind::kAllow}) {
    if (text == FormatAction({kind, 0})) return Action{kind, 0};
  }
  const size_t open = text.find('(');
  if (open == std::string_view::npos || text.back() != ')') return std::nullopt;
  const std::string_view name = text.substr(0, open);
  const std::string_view value = text.substr(open + 1, text.size() - open - 2);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size() && number <= 0xffff;
  if (name == "errno") {
    if (!is_number) {
      const auto named = kernel::FindErrno(value);
      if (!named) return std::nullopt;
      number = static_cast<unsigned>(*named);
    }
    if (number < 1 || number > 4095) return std::nullopt;
    return Action{ActionKind::kErrno, static_cast<uint16_t>(number)};
  }
  if (!is_number) return std::nullopt;
  if (name == "trap") return Action{ActionKind::kTrap, static_cast<uint16_t>(number)};
  if (name == "trace") return Action{ActionKind::kTrace, static_cast<uint16_t>(number)};
  return std::nullopt;
}

}  // namespace ravelin::ir
