// Actions and decisions: the words shared by policy, oracle, back ends and kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ravelin::ir {

// Strictest first: the kernel's own order over stacked filters (docs/semantics.md, clause 3.1).
enum class ActionKind : uint8_t { kKillProcess, kKillThread, kTrap, kErrno, kNotify, kTrace, kLog, kAllow };

struct Action {
  ActionKind kind = ActionKind::kAllow;
  uint16_t data = 0;  // errno (1..4095), trap or trace value; 0 for the others
  auto operator<=>(const Action&) const = default;
};

// log and allow let the call run; notify and trace hand it to a supervisor, which is not a permission.
inline bool Permits(ActionKind kind) { return kind == ActionKind::kLog || kind == ActionKind::kAllow; }
inline bool Permits(Action action) { return Permits(action.kind); }
// True when `a` wins over `b`.
inline bool Stricter(Action a, Action b) { return a.kind < b.kind; }

uint32_t ToSeccompReturn(Action action);                     // SECCOMP_RET_* | data
std::optional<Action> FromSeccompReturn(uint32_t value);     // nullopt: not an action of the kernel's list
std::string FormatAction(Action action);                     // "errno(EPERM)", "kill process", "allow"
std::optional<Action> ParseAction(std::string_view text);    // what FormatAction prints

}  // namespace ravelin::ir
