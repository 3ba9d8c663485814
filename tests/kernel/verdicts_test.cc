// The kernel's verdicts on real calls, compared with the oracle's.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/utsname.h>

#include <random>
#include <set>

#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"
#include "tests/support/random_policy.h"
#include "tests/support/victim.h"

namespace ravelin {
namespace {

using ir::ActionKind;
using kernel::Arch;
using testing::Observed;

// The tests' own refusal: an error that no call below gives of itself.
constexpr int kOurError = 117;  // EUCLEAN

std::optional<Arch> Host() {
  utsname names{};
  uname(&names);
  return kernel::ArchFromName(names.machine);
}

// Calls that change nothing with any argument, once the descriptor or address is bad; the rest must be refused to be tried.
bool Harmless(const std::string& name) {
  static const std::set<std::string> names = {"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getsid", "getpriority", "lseek", "ioctl", "fcntl", "socket", "personality", "madvise", "mprotect", "epoll_create1", "eventfd2", "inotify_init1", "sched_get_priority_max", "sched_get_priority_min", "sched_getscheduler", "dup", "dup3", "umask", "fsync", "flock", "getrusage", "sched_yield", "timerfd_create", "memfd_create"};
  return names.count(name) != 0;
}

std::string Show(const Observed& o) {
  if (o.kind == Observed::Kind::kKilled) return fmt::format("killed by signal {}", o.value);
  if (o.kind == Observed::Kind::kTrapped) return fmt::format("trap({})", o.value);
  return fmt::format("returned {}", o.value);
}

bool Agrees(ir::Action action, const Observed& o, const ir::Event& event) {
  switch (action.kind) {
    case ActionKind::kAllow:
    case ActionKind::kLog: return o.kind == Observed::Kind::kReturned && o.value != -kOurError;
    case ActionKind::kErrno: return o.kind == Observed::Kind::kReturned && o.value == -static_cast<long>(action.data);
    case ActionKind::kTrace:    // nobody traces
    case ActionKind::kNotify:   // nobody listens
      return o.kind == Observed::Kind::kReturned && o.value == -ENOSYS;
    case ActionKind::kTrap: return o.kind == Observed::Kind::kTrapped && o.value == action.data && o.number == event.number;
    case ActionKind::kKillThread:
    case ActionKind::kKillProcess: return o.kind == Observed::Kind::kKilled && o.value == SIGSYS;
  }
  return false;
}

void Compare(const std::string& rules, std::vector<ir::Event> events, size_t* compared) {
  const auto arch = Host();
  if (!arch || *arch != Arch::kX86_64) GTEST_SKIP() << "these calls are written for x86_64";
  const ir::Domain domain = testing::DomainOf(testing::Policy("  allow syscall { rt_sigreturn }\n" + rules, "default deny syscall with errno(EUCLEAN)"));
  const seccomp::Program program = testing::FilterOf(domain).program;
  std::erase_if(events, [&](const ir::Event& e) {
    const kernel::Syscall* call = kernel::FindSyscall(*arch, e.number);
    // Linux passes uretprobe (6.13) and uprobe (6.18) by every filter (kernel/seccomp.c); they work only where the kernel's own
    // trampoline makes them.
    if (e.number == 335 || e.number == 336) return true;
    return e.audit_arch != kernel::AuditArch(*arch) || (oracle::DecideCall(domain, e).permitted() && (call == nullptr || !Harmless(call->name)));
  });
  std::string why;
  const auto observed = testing::Perform(program, events, why);
  if (observed.empty()) GTEST_SKIP() << why;
  for (size_t i = 0; i < events.size(); ++i) {
    const ir::Action action = oracle::DecideCall(domain, events[i]).action;
    EXPECT_TRUE(Agrees(action, observed[i], events[i])) << driver::ShowEvent(events[i]) << fmt::format(" args {:#x}: the oracle says {}, the kernel {}", fmt::join(events[i].args, ", "), FormatAction(action), Show(observed[i]));
    ++*compared;
  }
}

const char kActions[] = R"(  allow syscall { getpid, gettid }
  allow syscall getppid with log
  deny syscall getuid with errno(EXDEV)
  deny syscall geteuid with trap(777)
  deny syscall getgid with trap
  deny syscall getegid with trace(5)
  deny syscall getsid with notify
  deny syscall getpgid with kill process
  deny syscall sched_yield with kill thread)";

TEST(KernelVerdicts, EveryAction) {
  std::vector<ir::Event> events;
  for (const char* name : {"getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getsid", "getpgid", "sched_yield", "gettid", "umask"}) events.push_back(testing::Call(Arch::kX86_64, name));
  size_t compared = 0;
  Compare(kActions, events, &compared);
  if (!IsSkipped()) {
    EXPECT_EQ(compared, 11u);
  }
}

TEST(KernelVerdicts, EveryNumberThatIsRefused) {
  std::vector<ir::Event> events;
  for (uint32_t number = 0; number < 700; ++number) {
    ir::Event event = testing::Call(Arch::kX86_64, "getpid");
    event.number = number;
    events.push_back(event);
  }
  for (const uint32_t number : {0x40000000u, 0x40000001u, 0x40000200u, 0x7fffffffu, 0x80000000u, 0xfffffffeu}) {
    events.push_back(events[0]);
    events.back().number = number;
  }
  size_t compared = 0;
  Compare("  allow syscall getpid\n  unknown syscall with errno(ENOMSG)", events, &compared);
  if (!IsSkipped()) {
    EXPECT_GT(compared, 690u);
  }
}

TEST(KernelVerdicts, ArgumentEdges) {
  const std::string rules = R"(  allow syscall socket(domain in { AF_UNIX, AF_INET }, type & SOCK_TYPE_MASK == SOCK_STREAM)
  allow syscall personality(persona in { 0xffffffff })
  allow syscall lseek(offset >= 0x100000002, offset < 0x300000001)
  allow syscall ioctl(request in { 0x5401, 0x5413 } || request > 0xfffffff0)
  allow syscall fcntl(cmd != 4 && !(cmd in 7..9))
  allow syscall getpriority(which <= 1, who > -1)
  allow syscall mprotect(prot & PROT_EXEC == 0)
  allow syscall madvise(advice in { 4, 8 }, len < 5)
  allow syscall dup3(flags & 0x80000 != 0))";
  std::mt19937_64 random(31);
  const ir::Domain domain = testing::DomainOf(testing::Policy(rules));
  auto events = testing::MakeEvents(domain, 2500, random);
  for (ir::Event& event : events) {
    const kernel::Syscall* call = kernel::FindSyscall(Arch::kX86_64, event.number);
    if (call == nullptr) continue;
    if (call->name == "mprotect" || call->name == "madvise") event.args[0] = event.args[1] = 0;        // no memory of ours
    if (call->name == "ioctl" || call->name == "fcntl" || call->name == "lseek" || call->name == "dup3") event.args[0] |= 0x7fffff00;  // no descriptor of ours
    if (call->name == "dup3") event.args[1] |= 0x7fffff00;
  }
  size_t compared = 0;
  Compare(rules, events, &compared);
  if (!IsSkipped()) {
    EXPECT_GT(compared, 1500u);
  }
}

TEST(KernelVerdicts, RulesOnObjects) {
  const std::string rules = R"(  default deny memory, network, personality, signal, setid with errno(EUCLEAN)
  allow network { create } family AF_UNIX
  allow personality { set } to 0xffffffff
  allow syscall { mprotect, madvise })";
  std::vector<ir::Event> events;
  for (uint64_t family = 0; family < 46; ++family) events.push_back(testing::Call(Arch::kX86_64, "socket", {family, 1, 0}));
  for (const uint64_t persona : {0ul, 8ul, 0xfffffffful, 0x1fffffffful}) events.push_back(testing::Call(Arch::kX86_64, "personality", {persona}));
  for (uint64_t prot = 0; prot < 8; ++prot) events.push_back(testing::Call(Arch::kX86_64, "mprotect", {0, 0, prot}));
  events.push_back(testing::Call(Arch::kX86_64, "setuid", {0}));
  events.push_back(testing::Call(Arch::kX86_64, "kill", {0x7fffffff, 0}));
  size_t compared = 0;
  Compare(rules, events, &compared);
  if (!IsSkipped()) {
    EXPECT_GT(compared, 50u);
  }
}

}  // namespace
}  // namespace ravelin
