#include "backends/seccomp/run/run.h"

#include <errno.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "backends/seccomp/load/load.h"
#include "compiler/base/check.h"

namespace ravelin::seccomp {
namespace {

// Words shared with the child: under its filter it may be unable to say anything by a call.
struct Shared {
  enum Stage : int { kStarting, kReady, kNoPrivileges, kNoFilter, kNoExec };
  std::atomic<int> stage{kStarting};
  std::atomic<int> error{0};
  std::atomic<int> listener{-1};
  std::atomic<int> go{0};  // the parent has the listener
};

std::string Describe(int error) { return std::strerror(error); }

Result<kernel::Arch> HostArch() {
  utsname names{};
  if (uname(&names) != 0) return Fail(ErrorCode::kEnvironment, "this machine does not say what it is (uname)");
  const auto arch = kernel::ArchFromName(names.machine);
  if (!arch || *arch == kernel::Arch::kX32) return Fail(ErrorCode::kEnvironment, fmt::format("the architecture `{}` is not supported", names.machine));
  return *arch;
}

bool IsProgram(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// As execvp(3) looks for it; done before the filter, so that one exec starts the command.
Result<std::string> FindCommand(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (access(name.c_str(), F_OK) != 0) return Fail(ErrorCode::kNotFound, fmt::format("{}: {}", name, Describe(errno)));
    if (!IsProgram(name) || access(name.c_str(), X_OK) != 0) return Fail(ErrorCode::kPermission, fmt::format("{} is not executable", name));
    return name;
  }
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  bool denied = false;
  while (!name.empty()) {
    const size_t end = rest.find(':');
    const std::string folder = rest.substr(0, end);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (IsProgram(candidate)) {
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      denied = true;
    }
    if (end == std::string::npos) break;
    rest.erase(0, end + 1);
  }
  if (denied) return Fail(ErrorCode::kPermission, fmt::format("{} is not executable", name));
  return Fail(ErrorCode::kNotFound, fmt::format("there is no command `{}`", name));
}

// Ends the child by any means: exit may be refused.
[[noreturn]] void EndChild(Shared& shared, Shared::Stage stage, int error) {
  shared.error = error;
  shared.stage = stage;
  syscall(SYS_exit_group, 127);
  __builtin_trap();
}

[[noreturn]] void Child(const Program& program, load::Listener listener, const char* path, char* const* arguments, Shared& shared) {
  static_assert(sizeof(Instruction) == sizeof(sock_filter));
  if (const int error = load::SetNoNewPrivileges(); error != 0) EndChild(shared, Shared::kNoPrivileges, error);
  const load::Filter filter{reinterpret_cast<const sock_filter*>(program.data()), static_cast<uint16_t>(program.size())};
  const load::Installed installed = load::Install(filter, listener);
  if (installed.error != 0) EndChild(shared, Shared::kNoFilter, installed.error);
  shared.listener = installed.listener;
  shared.stage = Shared::kReady;
  // The table of descriptors is shared until the exec, so the parent has the listener already; with it, it can say so only
  // by memory.  A refused exec would find no supervisor before that.
  while (listener == load::Listener::kWanted && shared.go == 0) {
  }
  execve(path, arguments, environ);
  EndChild(shared, Shared::kNoExec, errno);
}

volatile sig_atomic_t g_child = 0;

// A signal that was sent to the launcher alone is meant for the command; what the terminal sends reaches both.
void Forward(int signal, siginfo_t* info, void*) {
  if (g_child != 0 && (info == nullptr || info->si_code <= 0)) kill(g_child, signal);
}

// The launcher's signal handling while the command runs.
class Forwarding {
 public:
  explicit Forwarding(pid_t child) {
    g_child = child;
    struct sigaction action {};
    action.sa_sigaction = Forward;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &old_[i]);
  }
  ~Forwarding() {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &old_[i], nullptr);
    g_child = 0;
  }
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  struct sigaction old_[std::size(kSignals)];
};

// Said where the machine stands in the way of every filter, and by that alone: whoever judges a run tells the two apart by it.
constexpr std::string_view kNoFilters = "this kernel does not let a process install a filter";

Error StartError(const Shared& shared, const std::string& path) {
  const int error = shared.error;
  switch (shared.stage.load()) {
    case Shared::kNoPrivileges: return {ErrorCode::kEnvironment, fmt::format("{}: no_new_privs cannot be set: {}", kNoFilters, Describe(error))};
    case Shared::kNoFilter:
      if (error == EBUSY) return {ErrorCode::kEnvironment, fmt::format("{}: another supervisor listens to this process already, and one is allowed (run it outside, or without --trace-denials)", kNoFilters)};
      if (error == EPERM || error == EACCES || error == ENOSYS) return {ErrorCode::kEnvironment, fmt::format("{}: {}", kNoFilters, Describe(error))};
      // Anything else speaks of this very filter.
      return {ErrorCode::kEnvironment, fmt::format("the kernel refuses the filter: {}", Describe(error))};
    case Shared::kStarting: return {ErrorCode::kEnvironment, "the process of the command ended before the command began"};
    default: return {error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kPermission, fmt::format("{}: {}", path, Describe(error))};
  }
}

bool PermitsEveryExec(const Program& program, kernel::Arch arch) {
  for (const char* name : {"execve", "execveat"}) {
    if (!IsConstantAllow(program, kernel::AuditArch(arch), kernel::FindSyscall(arch, name)->number)) return false;
  }
  return true;
}

// A copy of this process, if wanted with the same table of descriptors.
pid_t NewProcess(bool share_files) {
  const long flags = SIGCHLD | (share_files ? CLONE_FILES : 0);
#ifdef __s390x__
  return static_cast<pid_t>(syscall(SYS_clone, nullptr, flags, nullptr, nullptr, 0));
#else
  return static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, 0));
#endif
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Result<RunResult> RunConfined(const RunRequest& request) {
  RAVELIN_CHECK(!request.arguments.empty(), "nothing to run");
  RAVELIN_TRY(arch, HostArch());
  RAVELIN_TRY(path, FindCommand(request.arguments.front()));
  const bool trace = static_cast<bool>(request.on_refusal);
  const bool hand_exec = trace || request.steady || !PermitsEveryExec(request.program, arch);
  Program program = request.steady ? WithRefusalsHandedOver(request.steady->program) : trace ? WithRefusalsHandedOver(request.program) : request.program;
  if (request.steady) program = WithCallsHandedOver(program, arch, request.steady->markers);
  if (hand_exec) program = WithExecHandedOver(program, arch);
  const auto listener = hand_exec ? load::Listener::kWanted : load::Listener::kNone;

  void* page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return Fail(ErrorCode::kEnvironment, fmt::format("no shared memory: {}", Describe(errno)));
  auto& shared = *new (page) Shared;
  std::vector<char*> arguments;
  for (const std::string& argument : request.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  // CLONE_FILES: the listener that the child makes is the parent's too.  The exec gives the child a table of its own.
  const pid_t child = NewProcess(hand_exec);
  if (child < 0) {
    munmap(page, sizeof(Shared));
    return Fail(ErrorCode::kEnvironment, fmt::format("no new process: {}", Describe(errno)));
  }
  if (child == 0) Child(program, listener, path.c_str(), arguments.data(), shared);

  int status = 0;
  {
    const Forwarding forwarding(child);
    if (hand_exec) {
      bool gone = false;
      while (shared.stage == Shared::kStarting && !gone) {
        gone = waitpid(child, &status, WNOHANG) == child;
        if (!gone) usleep(200);
      }
      if (!gone && shared.stage == Shared::kReady) {
        shared.go = 1;
        Supervise(shared.listener, child, request.program, request.steady, true, request.on_refusal);
      }
      if (shared.listener >= 0) close(shared.listener);
      if (!gone) status = WaitFor(child);
    } else {
      status = WaitFor(child);
    }
  }
  const bool started = shared.stage == Shared::kReady;
  Error error = StartError(shared, path);
  munmap(page, sizeof(Shared));
  if (!started) return tl::make_unexpected(std::move(error));
  RunResult result;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.bad_system_call = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
  return result;
}

}  // namespace ravelin::seccomp
