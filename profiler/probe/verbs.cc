#include "profiler/probe/verbs.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/ir/grant.h"
#include "compiler/kernel/facts.h"

namespace ravelin::probe {

const std::vector<Verb>& Verbs() {
  constexpr uint64_t kHere = static_cast<uint64_t>(-100);  // AT_FDCWD
  using N = Verb::Needs;
  static const std::vector<Verb> verbs = {
      {"stat", "file", "getattr", "newfstatat", {kHere, 1, 1, 0}, N::kFile, 0, false, false},
      {"read", "file", "read", "openat", {kHere, 1, 0, 0}, N::kFile, 0, false, false},
      {"list", "file", "list", "openat", {kHere, 1, 0x10000, 0}, N::kFolder, 1, false, false},
      {"write", "file", "write", "openat", {kHere, 1, 1, 0}, N::kFile, 0, false, false},
      {"append", "file", "append", "openat", {kHere, 1, 0x401, 0}, N::kFile, 0, false, false},
      {"exec", "exec", "exec", "execve", {1, 1, 0}, N::kProgram, 0, false, false},
      {"setattr", "file", "setattr", "fchmodat", {kHere, 1, 0666}, N::kFile, 0, false, true},
      {"utimes", "file", "utimes", "utimensat", {kHere, 1, 0, 0}, N::kFile, 0, false, false},
      {"truncate", "file", "truncate", "truncate", {1, 0}, N::kFile, 0, false, false},
      {"delete", "file", "delete", "unlinkat", {kHere, 1, 0}, N::kFile, 0, true, false},
      {"create", "file", "create", "mknodat", {kHere, 1, 0100644, 0}, N::kNothing, 0, true, false},
      {"create_fifo", "file", "create_fifo", "mknodat", {kHere, 1, 0010644, 0}, N::kNothing, 6, true, false},
      {"create_socket", "file", "create_socket", "mknodat", {kHere, 1, 0140644, 0}, N::kNothing, 5, true, false},
      {"create_dir", "file", "create_dir", "mkdirat", {kHere, 1, 0755}, N::kNothing, 1, true, false},
      {"create_symlink", "file", "create_symlink", "symlinkat", {1, kHere, 1}, N::kNothing, 2, true, false},
  };
  return verbs;
}

std::optional<ir::Event> EventOf(const Verb& verb, const std::string& path, bool owner) {
  const kernel::Syscall* found = kernel::FindSyscall(kernel::Arch::kX86_64, std::string_view(verb.call));
  RAVELIN_CHECK(found != nullptr, "a verb's call is in the tables");
  const kernel::Syscall& call = *found;
  ir::Event event = CallOf(call.number, verb.args);
  bool asks = false;
  for (const ir::ConditionalRow& row : ir::RowsOf(kernel::Arch::kX86_64, call)) {
    if (row.row->mode != kernel::RowMode::kNeeds || !row.when.Holds(event.args)) continue;
    ir::ObjectCheck check;
    check.facet = row.facet;
    check.operation = row.operation;
    check.texts["path"] = path;
    check.owner = owner;
    asks = asks || (row.row->facet == verb.facet && row.row->operation == verb.operation);
    event.objects.push_back(std::move(check));
  }
  return asks ? std::optional(event) : std::nullopt;
}

ir::Event CallOf(uint32_t number, const std::array<uint64_t, 6>& args) {
  ir::Event event;
  event.audit_arch = kernel::AuditArch(kernel::Arch::kX86_64);
  event.number = number;
  for (size_t i = 0; i < args.size(); ++i) event.args[i] = args[i];
  return event;
}

bool IsSafeBare(const std::string& call) {
  static const std::vector<std::string> unsafe = {"exit", "exit_group", "pause", "fork", "vfork", "clone", "clone3", "rt_sigreturn", "rt_sigsuspend", "select", "pselect6", "ppoll", "vhangup", "seccomp", "reboot", "kill", "sync", "io_getevents", "sched_setaffinity", "restart_syscall", "ptrace", "rt_sigtimedwait", "getrandom", "msgrcv"};
  return std::find(unsafe.begin(), unsafe.end(), call) == unsafe.end();
}

}  // namespace ravelin::probe
