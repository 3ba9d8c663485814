// The exec that starts a step.  It belongs to the launcher and not to the policy (docs/semantics.md, 7.5): a filter is installed
// before it, and lets this one exec by.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "profiler/guest/job_format.h"
#include "profiler/guest/workload.h"

namespace ravelin::guest {
namespace {

constexpr size_t kMostInstructions = BPF_MAXINSNS;
constexpr size_t kPage = 4096;

// Words that the child leaves: under a filter it may be unable to say anything by a call.
struct Shared {
  std::atomic<int> error{0};
  std::atomic<const char*> stage{""};
};

// Memory at an address that nobody can guess: 27 bits of it are random, in each of three.
char* SecretPage() {
  for (int i = 0; i < 100; ++i) {
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) return nullptr;
    void* wanted = reinterpret_cast<void*>((bits & 0x7ffffff) * kPage % (uint64_t{1} << 38));
    void* page = mmap(wanted, 32 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == wanted) return static_cast<char*>(page);
    if (page != MAP_FAILED) munmap(page, 32 * kPage);
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
    if (text + words[i].size() + 1 > page + 32 * kPage) return nullptr;
    memcpy(text, words[i].c_str(), words[i].size() + 1);
    list[i] = text;
    text += words[i].size() + 1;
  }
  list[words.size()] = nullptr;
  return list;
}

[[noreturn]] void Give(Shared& shared, const char* stage, int error) {
  shared.stage = stage;
  shared.error = error;
  syscall(SYS_exit_group, kCannotStart);
  __builtin_trap();
}

[[noreturn]] void Child(const Step& step, const std::string& filter, const Modules& modules, int in, int out, int err, Shared& shared) {
  setsid();
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) Give(shared, "descriptors", errno);
  signal(SIGPIPE, SIG_DFL);
  if (!step.directory.empty() && chdir(step.directory.c_str()) != 0) Give(shared, "working directory", errno);
  char* path = SecretPage();
  char* arguments = SecretPage();
  char* environment = SecretPage();
  if (path == nullptr || arguments == nullptr || environment == nullptr) Give(shared, "memory", ENOMEM);
  strncpy(path, step.program.c_str(), kPage - 1);
  char** argv = Pack(arguments, step.arguments);
  char** envp = Pack(environment, step.environment);
  if (argv == nullptr || envp == nullptr) Give(shared, "arguments", E2BIG);
  if (!step.context.empty() && modules.selinux && !WriteExisting("/proc/self/attr/exec", step.context)) Give(shared, "SELinux context", errno);
  if (!step.profile.empty() && modules.apparmor && !WriteExisting("/proc/self/attr/apparmor/exec", "exec " + step.profile)) Give(shared, "AppArmor profile", errno);
  const rlimit files{1024, 4096};  // a kernel's own default; init needs more, for labels
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) Give(shared, "limit of files", errno);
  if (step.user != 0) {
    // An ordinary user may install a filter only with this; root's later transitions are left as they are.
    if (setgroups(0, nullptr) != 0 || setresgid(step.group, step.group, step.group) != 0 || setresuid(step.user, step.user, step.user) != 0) Give(shared, "user", errno);
    if (step.filtered && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Give(shared, "no_new_privs", errno);
  }
  if (step.filtered) {
    std::vector<sock_filter> program = LetByOneExec(filter, {path, argv, envp});
    if (program.size() > kMostInstructions) Give(shared, "seccomp filter, which has no room for the launcher's instructions", E2BIG);
    const sock_fprog order{static_cast<uint16_t>(program.size()), program.data()};
    // Without no_new_privs, since the guest's root may: transitions at later execs are not changed by the filter.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &order) != 0) Give(shared, "seccomp filter", errno);
  }
  syscall(SYS_execve, path, argv, envp);
  Give(shared, "exec", errno);
}

}  // namespace

StartResult StartProgram(const Step& step, const std::string& filter, const Modules& modules, int in, int out, int err) {
  StartResult result;
  void* page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int started[2];
  if (page == MAP_FAILED || pipe2(started, O_CLOEXEC) != 0) return {-1, errno, "memory"};
  auto& shared = *new (page) Shared;
  result.process = fork();
  if (result.process == 0) Child(step, filter, modules, in, out, err, shared);
  close(started[1]);
  char none = 0;
  while (read(started[0], &none, 1) < 0 && errno == EINTR) {
  }  // closed by the exec, or by the end of the child
  close(started[0]);
  result.error = result.process < 0 ? EAGAIN : shared.error.load();
  result.stage = result.process < 0 ? "process" : shared.stage.load();
  munmap(page, sizeof(Shared));
  return result;
}

}  // namespace ravelin::guest
