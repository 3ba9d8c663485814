// The log of gVisor's kernel, beside its trace session.
#include "profiler/kernels/gvisor_log.h"

#include <gtest/gtest.h>

#include "profiler/kernels/observe.h"

namespace ravelin::kernels {
namespace {

constexpr uint32_t kAccess = 21;
constexpr uint32_t kOpenat = 257;

GvisorTrace Session() {
  GvisorTrace trace;
  trace.began = trace.ended = true;
  trace.first = "/bin/sh";
  trace.programs[2] = {"/usr/bin/mkdir"};
  trace.made = {{1, 1, "sh", kAccess, {0x7000}, {}}, {2, 2, "mkdir", kOpenat, {0xffffff9c, 0x7100, 0x80000}, {}}, {1, 1, "sh", kAccess, {0x7200}, {}}};
  return trace;
}

TEST(GvisorLog, GivesCallsTheirPathsAndKnowsRefusals) {
  GvisorTrace trace = Session();
  GvisorLog log(trace);
  for (const char* line : {
           "D1127 23:59:59.500000    6605 loader.go:874] Installing OCI seccomp filters",
           "I1127 23:59:59.500000    6605 strace.go:561] [   1:   1] sh E access(0x7000 /etc/ld.so.preload, 0o4)",
           "I1127 23:59:59.600000    6605 strace.go:602] [   1:   1] sh X access(0x7000 /etc/ld.so.preload, 0o4) = 0 (0x0) errno=2 (no such file or directory) (501.226us)",
           "D1127 00:00:00.250000    6605 task_syscall.go:240] [   2:   2] Syscall 12: denied by seccomp",
           "I1127 00:00:00.300000    6605 strace.go:570] [   2:   2] mkdir E openat(AT_FDCWD /, 0x7100 /lib/a (b), O_RDONLY|O_CLOEXEC, 0o0)",
           "D1127 00:00:01.000000    6605 task_syscall.go:247] [   2:   2] Syscall 83: killed by seccomp",
           "D1127 00:00:01.000000    6605 task_syscall.go:250] [   2:   2] Syscall 83: stopping for PTRACE_EVENT_SECCOMP",
           "a line of something else",
       }) {
    log.Read(line);
  }
  EXPECT_EQ(trace.made[0].paths, (std::vector<std::string>{"/etc/ld.so.preload"}));
  EXPECT_EQ(trace.made[1].paths, (std::vector<std::string>{"/lib/a (b)"}));
  EXPECT_EQ(trace.made[2].paths, std::vector<std::string>());
  EXPECT_EQ(trace.logged, 2u);
  EXPECT_EQ(WhyNotWhole(trace, false), (std::vector<std::string>{"gVisor's log has 2 of 3 calls: what was refused is not all known"}));
  ASSERT_EQ(trace.refusals.size(), 2u);
  const auto events = RefusalsIn(trace);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].time, 0);
  const auto observed = Observe(events);
  ASSERT_EQ(observed.size(), 2u);
  EXPECT_NEAR(observed[0].time, 0.75, 1e-6) << "over midnight";
  EXPECT_EQ(observed[0].source, Source::kSeccomp);
  EXPECT_TRUE(observed[0].refused);
  EXPECT_FALSE(observed[0].arguments_known);
  EXPECT_EQ(observed[0].process, 2);
  EXPECT_EQ(observed[0].command, "mkdir") << "before its first permitted call, by its program";
  EXPECT_EQ(observed[0].call->number, 12u);
  EXPECT_EQ(observed[1].call->number, 83u);
}

// A process calls itself what it likes.
TEST(GvisorLog, TakesABracketInAName) {
  GvisorTrace trace = Session();
  trace.keeps_calls = false;
  trace.programs[2] = {"/usr/bin/a-name-of-twenty-one"};
  GvisorLog log(trace);
  log.Read("I1127 15:00:00.000000    6605 strace.go:561] [   1:   1] a (b) E access(0x7000 /etc/ld.so.preload, 0o4)");
  log.Read("D1127 15:00:00.100000    6605 task_syscall.go:240] [   2:   2] Syscall 12: denied by seccomp");
  EXPECT_EQ(trace.logged, 1u);
  EXPECT_EQ(trace.made[0].paths, (std::vector<std::string>{"/etc/ld.so.preload"}));
  EXPECT_EQ(trace.calls, "");
  ASSERT_EQ(trace.refusals.size(), 1u);
  EXPECT_EQ(trace.refusals[0].command, "a-name-of-twent");
}

// Whatever is missing is said; the end of a workload that was stopped is not expected.
TEST(GvisorLog, WhatIsNotWholeSaysWhy) {
  GvisorTrace trace;
  EXPECT_EQ(WhyNotWhole(trace, false).size(), 2u);
  EXPECT_EQ(WhyNotWhole(trace, true).size(), 1u);
  trace.began = trace.ended = true;
  EXPECT_TRUE(WhyNotWhole(trace, false).empty());
  trace.dropped = 4;
  EXPECT_EQ(WhyNotWhole(trace, false), (std::vector<std::string>{"gVisor's trace session lost 4 events"}));
  trace.dropped = 0;
  trace.not_understood = 1;
  EXPECT_EQ(WhyNotWhole(trace, false), (std::vector<std::string>{"1 events of gVisor's trace session cannot be read"}));
}

TEST(GvisorLog, ALineOfNoTaskIsNone) {
  EXPECT_FALSE(ReadGvisorLine(""));
  EXPECT_FALSE(ReadGvisorLine("] ["));
  EXPECT_FALSE(ReadGvisorLine("I1127 15:14:28.946604    6605 strace.go:561] no task"));
  const auto line = ReadGvisorLine("I1123 22:42:18.065532 16371 strace.go:599] [ 1: 3] cat X brk(0x0) = 94 (0x55) (7.8us)");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->source, "strace.go:599");
  EXPECT_EQ(line->group, 1);
  EXPECT_EQ(line->thread, 3);
  EXPECT_EQ(line->text, "cat X brk(0x0) = 94 (0x55) (7.8us)");
}

}  // namespace
}  // namespace ravelin::kernels
