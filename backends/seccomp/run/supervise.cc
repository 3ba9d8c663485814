#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "backends/seccomp/run/run.h"

namespace ravelin::seccomp {
namespace {

// The kernel's own sizes may exceed those of the headers here.
struct Buffers {
  Buffers() {
    seccomp_notif_sizes sizes{};
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) sizes = {sizeof(seccomp_notif), sizeof(seccomp_notif_resp), sizeof(seccomp_data)};
    request.resize(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
    response.resize(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
  }
  std::vector<char> request;
  std::vector<char> response;
};

std::string CommandOf(uint32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
}

// Whether a signal would end the process: not caught, ignored or blocked (/proc/PID/status, hexadecimal masks).
bool TakesDefault(uint32_t pid, int signal) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("SigBlk:", 0) != 0 && line.rfind("SigIgn:", 0) != 0 && line.rfind("SigCgt:", 0) != 0) continue;
    const uint64_t mask = std::strtoull(line.c_str() + 7, nullptr, 16);
    if ((mask >> (signal - 1) & 1) != 0) return false;
  }
  return true;
}

ir::Event EventOf(const seccomp_data& data) {
  ir::Event event;
  event.audit_arch = data.arch;
  event.number = static_cast<uint32_t>(data.nr);
  event.instruction_pointer = data.instruction_pointer;
  for (size_t i = 0; i < event.args.size(); ++i) event.args[i] = data.args[i];
  return event;
}

bool IsExec(const seccomp_data& data) { return data.nr == SYS_execve || data.nr == SYS_execveat; }

// Makes the caller see what the kernel would have done.
void Answer(const seccomp_notif& request, uint32_t process, ir::Action action, seccomp_notif_resp& response) {
  switch (action.kind) {
    case ir::ActionKind::kAllow:
    case ir::ActionKind::kLog: response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE; return;
    case ir::ActionKind::kErrno: response.error = -static_cast<int>(action.data); return;
    case ir::ActionKind::kTrap:
      response.error = -ENOSYS;
      if (request.pid != 0) syscall(SYS_tgkill, process, request.pid, SIGSYS);
      return;
    case ir::ActionKind::kKillProcess:
    case ir::ActionKind::kKillThread:
      response.error = -ENOSYS;
      if (process != 0) kill(static_cast<pid_t>(process), TakesDefault(request.pid, SIGSYS) ? SIGSYS : SIGKILL);
      return;
    case ir::ActionKind::kNotify:
    case ir::ActionKind::kTrace: response.error = -ENOSYS; return;  // as the kernel, where nobody listens or traces
  }
}

// The group leader of a thread, for kill(2) and for display.
uint32_t ProcessOf(uint32_t thread) {
  std::ifstream file(fmt::format("/proc/{}/status", thread));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("Tgid:", 0) == 0) return static_cast<uint32_t>(std::strtoul(line.c_str() + 5, nullptr, 10));
  }
  return thread;
}

// A string of another process, cut at 4096 bytes; "" when it cannot be read.
std::string TextAt(int memory, uint64_t address) {
  std::string out;
  char piece[256];
  while (out.size() < 4096) {
    const size_t room = sizeof piece - address % sizeof piece;  // never across a page into one that is not there
    const ssize_t got = pread(memory, piece, room, static_cast<off_t>(address));
    if (got <= 0) return "";
    const void* end = std::memchr(piece, 0, static_cast<size_t>(got));
    if (end != nullptr) return out.append(piece, static_cast<size_t>(static_cast<const char*>(end) - piece));
    out.append(piece, static_cast<size_t>(got));
    address += static_cast<uint64_t>(got);
  }
  return out + "...";
}

bool IsPathParameter(const kernel::Param& param) {
  static constexpr std::string_view kNames[] = {"filename", "pathname", "path", "oldname", "newname", "name", "dev_name", "dir_name", "type"};
  return param.type == kernel::ArgType::kPtr && std::find(std::begin(kNames), std::end(kNames), param.name) != std::end(kNames);
}

void ReadTexts(const seccomp_notif& request, Refusal& refusal) {
  for (const kernel::Arch arch : kernel::kFilterArches) {
    if (kernel::AuditArch(arch) != refusal.event.audit_arch) continue;
    const kernel::Syscall* call = kernel::FindSyscall(arch, refusal.event.number);
    if (call == nullptr || std::none_of(call->params.begin(), call->params.end(), IsPathParameter)) return;
    const int memory = open(fmt::format("/proc/{}/mem", request.pid).c_str(), O_RDONLY | O_CLOEXEC);
    if (memory < 0) return;
    for (size_t i = 0; i < call->params.size() && i < refusal.texts.size(); ++i) {
      if (IsPathParameter(call->params[i])) refusal.texts[i] = TextAt(memory, refusal.event.args[i]);
    }
    close(memory);
    return;
  }
}

}  // namespace

void Supervise(int listener, int child, const Program& program, const std::optional<SteadyState>& steady, bool let_first_exec, const std::function<void(const Refusal&)>& on_refusal) {
  Buffers buffers;
  auto& request = *reinterpret_cast<seccomp_notif*>(buffers.request.data());
  auto& response = *reinterpret_cast<seccomp_notif_resp*>(buffers.response.data());
  bool first_exec = let_first_exec;
  bool is_steady = false;
  while (true) {
    pollfd wait{listener, POLLIN, 0};
    if (poll(&wait, 1, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if ((wait.revents & POLLIN) == 0) return;  // POLLHUP: nobody is left under the filter
    std::memset(buffers.request.data(), 0, buffers.request.size());
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;  // ENOENT: the caller has died meanwhile
      return;
    }
    std::memset(buffers.response.data(), 0, buffers.response.size());
    response.id = request.id;
    const ir::Event event = EventOf(request.data);
    if (first_exec && static_cast<int>(request.pid) == child && IsExec(request.data)) {
      first_exec = false;
      response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
      is_steady = is_steady || (steady && std::find(steady->markers.begin(), steady->markers.end(), event.number) != steady->markers.end());
      const uint32_t value = RunProgram(is_steady ? steady->program : program, event, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__).value;
      const uint32_t process = ProcessOf(request.pid);
      const ir::Action action = ir::FromSeccompReturn(value).value_or(ir::Action{ir::ActionKind::kKillProcess, 0});
      if (on_refusal && action.kind != ir::ActionKind::kAllow) {
        Refusal refusal{event, action, static_cast<int>(process), CommandOf(request.pid), is_steady, {}};
        ReadTexts(request, refusal);
        on_refusal(refusal);
      }
      Answer(request, process, action, response);
    }
    // ENOENT: the caller has died or was interrupted; there is nobody to answer.
    while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) != 0 && errno == EINTR) {
    }
  }
}

}  // namespace ravelin::seccomp
