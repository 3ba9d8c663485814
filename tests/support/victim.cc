#include "tests/support/victim.h"

#include <errno.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "backends/seccomp/load/load.h"

namespace ravelin::testing {
namespace {

struct Shared {
  volatile int install_error = 0;
  volatile size_t current = 0;
  volatile bool done = false;
  volatile bool trapped = false;
  volatile long trap_data = 0;
  volatile uint32_t trap_number = 0;
  Observed results[4096];
};
Shared* g_shared = nullptr;

void OnSigsys(int, siginfo_t* info, void*) {
  g_shared->trapped = true;
  g_shared->trap_data = info->si_errno;
  g_shared->trap_number = static_cast<uint32_t>(info->si_syscall);
}

long Raw(const ir::Event& e) {
  const long result = syscall(static_cast<long>(static_cast<int>(e.number)), e.args[0], e.args[1], e.args[2], e.args[3], e.args[4], e.args[5]);
  return result == -1 ? -errno : result;
}

[[noreturn]] void Child(const seccomp::Program& program, const std::vector<ir::Event>& events) {
  struct sigaction action {};
  action.sa_sigaction = OnSigsys;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSYS, &action, nullptr);
  load::SetNoNewPrivileges();
  const load::Filter filter{reinterpret_cast<const sock_filter*>(program.data()), static_cast<uint16_t>(program.size())};
  const load::Installed installed = load::Install(filter, load::Listener::kNone);
  if (installed.error != 0) {
    g_shared->install_error = installed.error;
    _exit(1);
  }
  while (g_shared->current < events.size()) {
    const size_t i = g_shared->current;
    g_shared->trapped = false;
    const long value = Raw(events[i]);
    Observed& out = g_shared->results[i];
    out.kind = g_shared->trapped ? Observed::Kind::kTrapped : Observed::Kind::kReturned;
    out.value = g_shared->trapped ? g_shared->trap_data : value;
    out.number = g_shared->trap_number;
    g_shared->current = i + 1;
  }
  g_shared->done = true;
  while (true) {  // the parent ends it: exit may be refused
  }
}

}  // namespace

std::vector<Observed> Perform(const seccomp::Program& program, const std::vector<ir::Event>& events, std::string& why) {
  void* page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_shared = new (page) Shared;
  std::vector<Observed> out;
  while (g_shared->current < events.size()) {
    const pid_t child = fork();
    if (child == 0) Child(program, events);
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (g_shared->done) kill(child, SIGKILL);
      usleep(200);
    }
    if (g_shared->install_error != 0) {
      why = fmt::format("this kernel does not let a process install a filter: {}", std::strerror(g_shared->install_error));
      munmap(page, sizeof(Shared));
      return {};
    }
    if (g_shared->done) break;
    g_shared->results[g_shared->current].kind = Observed::Kind::kKilled;
    g_shared->results[g_shared->current].value = WIFSIGNALED(status) ? WTERMSIG(status) : -1;
    g_shared->current = g_shared->current + 1;
  }
  out.assign(g_shared->results, g_shared->results + events.size());
  munmap(page, sizeof(Shared));
  return out;
}

}  // namespace ravelin::testing
