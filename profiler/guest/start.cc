// The exec that starts a step.  It belongs to the launcher and not to the policy (docs/semantics.md, 7.5): a filter is installed
// before it, and lets this one exec by.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "profiler/guest/job_format.h"
#include "profiler/guest/workload.h"

namespace ravelin::guest {
namespace {

constexpr size_t kMostInstructions = BPF_MAXINSNS;
constexpr size_t kPage = 4096;
constexpr size_t kPages = 32 * kPage;
constexpr size_t kStack = 256 * 1024;

// Memory at an address that nobody can guess: 27 bits of it are random, in each of three.
char* SecretPages() {
  for (int i = 0; i < 100; ++i) {
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) return nullptr;
    void* wanted = reinterpret_cast<void*>((bits & 0x7ffffff) * kPage % (uint64_t{1} << 38));
    void* page = mmap(wanted, kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == wanted) return static_cast<char*>(page);
    if (page != MAP_FAILED) munmap(page, kPages);
  }
  return nullptr;
}

// The policy's program behind a few instructions that permit execve with just these three pointers: those of this launcher's pages, of
// which nothing is left once the exec is done.  Every later exec is judged by the program as it was proved.
std::vector<sock_filter> LetByOneExec(const std::string& filter, const void* const (&pointers)[3]) {
  std::vector<sock_filter> program = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 15, AUDIT_ARCH_X86_64}, {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 13, SYS_execve}};
  for (unsigned i = 0; i < 3; ++i) {
    const auto value = reinterpret_cast<uint64_t>(pointers[i]);
    for (unsigned half = 0; half < 2; ++half) {
      program.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * i + 4 * half)});
      program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<uint8_t>(11 - 4 * i - 2 * half), static_cast<uint32_t>(value >> 32 * half)});
    }
  }
  program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  const size_t head = program.size();
  program.resize(head + filter.size() / sizeof(sock_filter));
  memcpy(program.data() + head, filter.data(), filter.size() / sizeof(sock_filter) * sizeof(sock_filter));
  return program;
}

// argv or envp in memory of its own.
char** Pack(char* page, const std::vector<std::string>& words) {
  auto** list = reinterpret_cast<char**>(page);
  char* text = page + (words.size() + 1) * sizeof(char*);
  for (size_t i = 0; i < words.size(); ++i) {
    if (text + words[i].size() + 1 > page + kPages) return nullptr;
    memcpy(text, words[i].c_str(), words[i].size() + 1);
    list[i] = text;
    text += words[i].size() + 1;
  }
  list[words.size()] = nullptr;
  return list;
}

// What the child is told, and what it leaves.  It runs in this process's memory, which waits until the exec is done or the child has ended: a
// copy of the memory would cost more than all the rest.
struct Start {
  const Step& step;
  const Modules& modules;
  int in, out, err;
  char* path;
  char** arguments;
  char** environment;
  std::vector<sock_filter> program;
  int error = 0;
  const char* stage = "";
};

[[noreturn]] void Give(Start& start, const char* stage, int error) {
  start.stage = stage;
  start.error = error;
  syscall(SYS_exit_group, kCannotStart);
  __builtin_trap();
}

int Child(void* told) {
  Start& start = *static_cast<Start*>(told);
  const Step& step = start.step;
  setsid();
  if (dup2(start.in, 0) < 0 || dup2(start.out, 1) < 0 || dup2(start.err, 2) < 0) Give(start, "descriptors", errno);
  signal(SIGPIPE, SIG_DFL);
  if (!step.directory.empty() && chdir(step.directory.c_str()) != 0) Give(start, "working directory", errno);
  if (!step.context.empty() && start.modules.selinux && !WriteExisting("/proc/self/attr/exec", step.context)) Give(start, "SELinux context", errno);
  if (!step.profile.empty() && start.modules.apparmor && !WriteExisting("/proc/self/attr/apparmor/exec", "exec " + step.profile)) Give(start, "AppArmor profile", errno);
  const rlimit files{1024, 4096};  // a kernel's own default; init needs more, for labels
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) Give(start, "limit of files", errno);
  if (step.user != 0) {
    // An ordinary user may install a filter only with this; root's later transitions are left as they are.
    if (setgroups(0, nullptr) != 0 || setresgid(step.group, step.group, step.group) != 0 || setresuid(step.user, step.user, step.user) != 0) Give(start, "user", errno);
    if (step.filtered && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Give(start, "no_new_privs", errno);
  }
  if (step.filtered) {
    const sock_fprog order{static_cast<uint16_t>(start.program.size()), start.program.data()};
    // Without no_new_privs, since the guest's root may: transitions at later execs are not changed by the filter.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &order) != 0) Give(start, "seccomp filter", errno);
  }
  syscall(SYS_execve, start.path, start.arguments, start.environment);
  Give(start, "exec", errno);
}

// The kernel lets a parent go on when the child has left its memory, which is before the child has its new label (fs/exec.c begin_new_exec:
// exec_mmap, then commit_creds): what comes next must not meet it without.
void AwaitLabel(pid_t process, const Step& step, const Modules& modules) {
  constexpr int kMostLooks = 2000;
  const char* file = modules.apparmor && !step.profile.empty() ? "/attr/apparmor/current" : modules.selinux && !step.context.empty() ? "/attr/current" : nullptr;
  std::string own;
  if (file == nullptr || !ReadFile(AT_FDCWD, std::string("/proc/self") + file, own)) return;
  for (int i = 0; i < kMostLooks; ++i) {
    std::string label;
    if (!ReadFile(AT_FDCWD, "/proc/" + std::to_string(process) + file, label) || label != own) return;
    usleep(i < 20 ? 0 : 500);
  }
}

}  // namespace

StartResult StartProgram(const Step& step, const std::string& filter, const Modules& modules, int in, int out, int err) {
  alignas(16) static char stack[kStack];
  static char plain[3][kPages];  // nobody need guess where a program without a filter was started from
  char* pages[3];
  for (size_t i = 0; i < 3; ++i) pages[i] = step.filtered ? SecretPages() : plain[i];
  StartResult result{-1, ENOMEM, "memory"};
  const auto start_it = [&] {
    if (pages[0] == nullptr || pages[1] == nullptr || pages[2] == nullptr) return;
    strncpy(pages[0], step.program.c_str(), kPage - 1);
    Start start{step, modules, in, out, err, pages[0], Pack(pages[1], step.arguments), Pack(pages[2], step.environment), {}};
    result = {-1, E2BIG, "arguments"};
    if (start.arguments == nullptr || start.environment == nullptr) return;
    if (step.filtered) start.program = LetByOneExec(filter, {start.path, start.arguments, start.environment});
    result.stage = "seccomp filter, which has no room for the launcher's instructions";
    if (start.program.size() > kMostInstructions) return;
    // Signals to the one are none to the other, and descriptors are the child's own.
    result.process = clone(Child, stack + kStack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    result.error = result.process < 0 ? EAGAIN : start.error;
    result.stage = result.process < 0 ? "process" : start.stage;
    if (result.error == 0) AwaitLabel(result.process, step, modules);
  };
  start_it();
  for (char* page : pages) {
    if (step.filtered && page != nullptr) munmap(page, kPages);
  }
  return result;
}

}  // namespace ravelin::guest
