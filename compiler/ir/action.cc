#include "compiler/ir/action.h"

#include <fmt/format.h>

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

}  // namespace ravelin::ir
