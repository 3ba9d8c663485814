// What a compiler of system-call filters gets wrong, each a test.  The numbering follows the literature's list: architecture
// first, x32, multiplexers, widths, ... , rules equal to the default.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>

#include <set>

#include "backends/seccomp/lower.h"
#include "backends/seccomp/oci/oci.h"
#include "backends/seccomp/prove/prove.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"

namespace ravelin {
namespace {

using ir::ActionKind;
using kernel::Arch;
using testing::Answer;
using testing::Call;
using testing::DomainOf;
using testing::FilterOf;
using testing::Policy;

ir::Action Decide(const std::string& lines, const ir::Event& event, const std::string& fallback = "default deny syscall with errno(EPERM)", Arch arch = Arch::kX86_64) {
  const ir::Domain domain = DomainOf(Policy(lines, fallback), arch);
  return Answer(FilterOf(domain).program, event, kernel::IsBigEndian(domain.architectures.front()));
}
bool Permitted(const std::string& lines, const ir::Event& event, Arch arch = Arch::kX86_64) { return Permits(Decide(lines, event, "default deny syscall with errno(EPERM)", arch)); }

// Kinds of diagnostics that compiling gives.
std::string Findings(const std::string& lines, const std::string& architectures = "x86_64") {
  auto front = testing::ReadText(Policy("  architectures { " + architectures + " }\n" + lines));
  if (!front->sink.HasErrors()) driver::CompileSeccomp(front->policy, front->policy.domains.front(), {}, front->sink);
  std::string out;
  for (const diag::Diagnostic& d : front->sink.Sorted()) out += std::string(diag::KindName(d.kind)) + " ";
  return out;
}

TEST(Pitfalls, P1_ArchitectureIsCheckedFirst) {
  // The number of i386's open is that of another call here: an entry by int 0x80 must not be read by this table.
  ir::Event event = Call(Arch::kI386, "open");
  EXPECT_EQ(Decide("  allow syscall { open, fstat }", event).kind, ActionKind::kKillProcess);
  event.audit_arch = 0;
  EXPECT_EQ(Decide("  allow syscall open", event).kind, ActionKind::kKillProcess);
  EXPECT_EQ(Decide("  foreign architecture with errno(ENOSYS)", event).kind, ActionKind::kErrno);
}

TEST(Pitfalls, P2_X32AndNegativeNumbers) {
  ir::Event event = Call(Arch::kX86_64, "read");
  event.number |= 0x40000000;
  EXPECT_FALSE(Permitted("  allow syscall read", event));
  EXPECT_FALSE(Permits(Decide("  deny syscall ptrace", event, "default allow syscall")));
  for (const uint32_t number : {512u, 520u, 547u, 0x40000000u, 0x7fffffffu}) {
    event.number = number;
    EXPECT_FALSE(Permits(Decide("", event, "default allow syscall"))) << number;
  }
  event.number = 0xffffffff;  // a tracer's "skip"
  EXPECT_EQ(Decide("  allow syscall read\n  unknown syscall with errno(ENOSYS)", event), (ir::Action{ActionKind::kErrno, 38}));
}

TEST(Pitfalls, P3_Multiplexers) {
  EXPECT_NE(Findings("  allow syscall { socket(domain == AF_UNIX), socketcall }", "i386").find("multiplexer-open"), std::string::npos);
  EXPECT_NE(Findings("  allow syscall { shmget, ipc }\n  deny syscall msgget", "s390x").find("multiplexer-open"), std::string::npos);
  EXPECT_FALSE(Permitted("  architectures { i386 }\n  allow syscall socket(domain == AF_UNIX)", Call(Arch::kI386, "socketcall", {1}))) << "nothing opens it on its own";
}

TEST(Pitfalls, P4_ArgumentsOfThirtyTwoBits) {
  const std::string rule = "  allow syscall socket(domain == AF_UNIX)";
  EXPECT_TRUE(Permitted(rule, Call(Arch::kX86_64, "socket", {1})));
  EXPECT_TRUE(Permitted(rule, Call(Arch::kX86_64, "socket", {0xdeadbeef00000001}))) << "the kernel reads the low half";
  EXPECT_FALSE(Permitted("  allow syscall socket(domain != AF_ALG)", Call(Arch::kX86_64, "socket", {0x100000000 + 38})));
  // AT_FDCWD comes sign-extended or zero-extended.
  const std::string at = "  allow syscall openat(dfd == AT_FDCWD)";
  EXPECT_TRUE(Permitted(at, Call(Arch::kX86_64, "openat", {0xffffff9c})));
  EXPECT_TRUE(Permitted(at, Call(Arch::kX86_64, "openat", {0xffffffffffffff9c})));
  EXPECT_TRUE(Permitted("  allow syscall open(mode == 0o644)", Call(Arch::kX86_64, "open", {0, 0, 0xffff0000 + 0644}))) << "umode_t is 16 bits";
}

TEST(Pitfalls, P5_SixtyFourBitComparisons) {
  const std::string rule = "  allow syscall lseek(offset >= 0x100000002, offset < 0x300000001)";
  const auto lseek = [](uint64_t offset) { return Call(Arch::kX86_64, "lseek", {0, offset}); };
  for (const uint64_t in : {0x100000002u + 0ul, 0x1ffffffffu + 0ul, 0x200000000u + 0ul, 0x300000000u + 0ul}) EXPECT_TRUE(Permitted(rule, lseek(in))) << in;
  for (const uint64_t out : {0ul, 2ul, 0x100000001ul, 0x300000001ul, 0x300000002ul, ~0ul, 0x8000000100000002ul}) EXPECT_FALSE(Permitted(rule, lseek(out))) << out;
  // s390x: the high word stands first, and clone takes the stack first.
  EXPECT_TRUE(Permitted(rule, Call(Arch::kS390x, "lseek", {0, 0x200000000}), Arch::kS390x));
  EXPECT_FALSE(Permitted("  allow syscall clone(flags & CLONE_NEW_ANY == 0)", Call(Arch::kS390x, "clone", {0, 0x10000000}), Arch::kS390x));
  EXPECT_TRUE(Permitted("  allow syscall clone(flags & CLONE_NEW_ANY == 0)", Call(Arch::kS390x, "clone", {0x10000000, 0}), Arch::kS390x));
}

TEST(Pitfalls, P6_SignedComparisons) {
  const auto permits = [](const char* condition, uint64_t value) { return Permitted(fmt::format("  allow syscall setpriority(niceval {})", condition), Call(Arch::kX86_64, "setpriority", {0, 0, value})); };
  EXPECT_TRUE(permits("> -1", 0));
  EXPECT_TRUE(permits("> -1", 0x7fffffff));
  EXPECT_FALSE(permits("> -1", 0xffffffff));
  EXPECT_TRUE(permits("< 0", 0x80000000));
  EXPECT_TRUE(permits("<= -20", 0xffffffec));
  EXPECT_FALSE(permits("<= -20", 0xffffffed));
}

TEST(Pitfalls, P7_MasksThatCannotHold) {
  EXPECT_NE(Findings("  allow syscall clone(flags & 0xf == 0x10)").find("never-true"), std::string::npos);
}

TEST(Pitfalls, P8_LongJumps) {
  // A tree of 300 requests, and between it and the start of the program far more than 255 instructions.
  std::string requests;
  for (int i = 0; i < 300; ++i) requests += fmt::format("{}{:#x}", i == 0 ? "" : ", ", 0x5000 + 3 * i);
  std::string more;
  for (const char* call : {"fcntl", "prctl", "keyctl", "bpf", "madvise"}) {
    std::string values;
    for (int i = 0; i < 90; ++i) values += fmt::format("{}{}", i == 0 ? "" : ", ", 2 * i + (*call - 'a'));
    more += fmt::format("  allow syscall {}(argument({}) in {{ {} }})\n", call, std::string(call) == "madvise" ? 2 : std::string(call) == "fcntl" ? 1 : 0, values);
  }
  const ir::Domain domain = DomainOf(Policy(fmt::format("  allow syscall ioctl(request in {{ {} }})\n{}", requests, more)));
  const seccomp::Generated filter = FilterOf(domain);
  EXPECT_GT(filter.program.size(), 900u);
  EXPECT_TRUE(seccomp::Prove(domain, filter.program, false).proved);
  std::set<size_t> led_to = {0};
  for (size_t i = 0; i < filter.program.size(); ++i) {
    const seccomp::Instruction& one = filter.program[i];
    if (BPF_CLASS(one.code) == BPF_RET) continue;
    const bool always = one.code == (BPF_JMP | BPF_JA);
    const bool tests = BPF_CLASS(one.code) == BPF_JMP && !always;
    led_to.insert(i + 1 + (always ? one.k : tests ? one.jt : 0));
    led_to.insert(i + 1 + (always ? one.k : tests ? one.jf : 0));
  }
  EXPECT_EQ(led_to.size(), filter.program.size()) << "an instruction that nothing leads to";
  size_t longest = 0;
  for (int i = -2; i < 902; ++i) {
    const ir::Event event = Call(Arch::kX86_64, "ioctl", {0, 0x5000 + static_cast<uint64_t>(i)});
    const seccomp::Run run = seccomp::RunProgram(filter.program, event, false);
    EXPECT_EQ(Permits(*ir::FromSeccompReturn(run.value)), i >= 0 && i < 900 && i % 3 == 0) << i;
    longest = std::max(longest, run.executed);
  }
  EXPECT_LT(longest, 35u) << "a tree, not a chain";
}

// Of what is given up half-way nothing is a program.
TEST(Pitfalls, P8_FarTooLargeIsNoProgram) {
  std::string values;
  for (int i = 0; i < 12000; ++i) values += fmt::format("{}{}", i == 0 ? "" : ", ", 2 * i);
  const ir::Domain domain = DomainOf(Policy(fmt::format("  allow syscall ioctl(request in {{ {} }})\n  allow syscall read", values)));
  const auto filter = seccomp::Generate(seccomp::Lower(domain), {});
  ASSERT_FALSE(filter.has_value());
  EXPECT_EQ(filter.error().code, ErrorCode::kTooLarge);
}

TEST(Pitfalls, P8_TooLargeNamesTheRulesThatCostMost) {
  std::string values;
  for (int i = 0; i < 5000; ++i) values += fmt::format("{}{}", i == 0 ? "" : ", ", 2 * i);
  auto front = testing::ReadText(Policy(fmt::format("  allow syscall ioctl(request in {{ {} }})\n  allow syscall read", values)));
  EXPECT_FALSE(driver::CompileSeccomp(front->policy, front->policy.domains.front(), {}, front->sink).has_value());
  EXPECT_NE(testing::Messages(*front).find("filter-too-large"), std::string::npos);
  EXPECT_NE(testing::Messages(*front).find("ioctl: "), std::string::npos);
}

TEST(Pitfalls, P9_TheAccumulatorIsWhatATestExpects) {
  // Tests of several words under one another, shared ends: every instruction's operand is what the note says.
  const ir::Domain domain = DomainOf(Policy(
      "  allow syscall mmap(prot & PROT_EXEC == 0 || flags & MAP_ANONYMOUS == 0)\n  allow syscall mprotect(prot & PROT_EXEC == 0)\n  allow syscall lseek(offset in { 5, 0x100000005 })\n  allow syscall prctl(option in { 1, 2, 15 }, arg2 != 7)"));
  EXPECT_TRUE(seccomp::Prove(domain, FilterOf(domain).program, false).proved);
}

TEST(Pitfalls, P10_DataOfActions) {
  const std::string out = Findings("  deny syscall acct with errno(5000)");
  EXPECT_NE(out.find("bad-action"), std::string::npos) << out;
  EXPECT_NE(Findings("  deny syscall acct with errno(0)").find("errno-zero"), std::string::npos) << "error 0 would be success without the call";
  EXPECT_EQ(Decide("  deny syscall acct with trace(65535)", Call(Arch::kX86_64, "acct")), (ir::Action{ActionKind::kTrace, 65535}));
}

TEST(Pitfalls, P11_TheStrictestActionWins) {
  const std::string rules = "  deny syscall { acct, sync } with errno(EACCES)\n  deny syscall acct with kill process\n  deny syscall sync with notify\n  allow syscall { acct, sync }";
  EXPECT_EQ(Decide(rules, Call(Arch::kX86_64, "acct")).kind, ActionKind::kKillProcess);
  EXPECT_EQ(Decide(rules, Call(Arch::kX86_64, "sync")).kind, ActionKind::kErrno) << "notify loses to errno";
}

TEST(Pitfalls, P13_PointersAreNotCompared) { EXPECT_NE(Findings("  allow syscall openat(pathname == 0)").find("pointer-argument"), std::string::npos); }

TEST(Pitfalls, P14_StructuresTwinsAndRings) {
  EXPECT_NE(Findings("  allow syscall { clone(flags & CLONE_NEW_ANY == 0), clone3 }").find("struct-argument"), std::string::npos);
  EXPECT_EQ(Findings("  allow syscall { exit, exit_group, rt_sigreturn, clone(flags & CLONE_NEW_ANY == 0) }\n  deny syscall clone3 with errno(ENOSYS)"), "");
  EXPECT_NE(Findings("  allow syscall { openat(flags & O_ACCMODE == O_RDONLY), openat2 }").find("struct-argument"), std::string::npos);
  EXPECT_NE(Findings("  allow syscall { io_uring_setup, io_uring_enter, io_uring_register }").find("io-uring-open"), std::string::npos);
  EXPECT_NE(Findings("  deny syscall chmod\n  allow syscall { fchmodat }").find("equivalent-call-open"), std::string::npos);
}

TEST(Pitfalls, P15_CallsThatAProcessCannotDoWithout) { EXPECT_NE(Findings("  allow syscall read").find("essential-call-missing"), std::string::npos); }

TEST(Pitfalls, P16_CallsNewerThanThePolicy) {
  const std::string rules = "  allow syscall read\n  reference kernel 6.1\n  unknown syscall with errno(ENOSYS)";
  EXPECT_EQ(Decide(rules, Call(Arch::kX86_64, "acct")).data, 1) << "known and refused: EPERM";
  EXPECT_EQ(Decide(rules, Call(Arch::kX86_64, "fchmodat2")).data, 38) << "newer: ENOSYS";
  ir::Event event = Call(Arch::kX86_64, "read");
  for (const uint32_t number : {335u, 336u, 380u, 423u, 470u, 511u, 600u, 100000u}) {  // the gap, late low numbers, beyond the table
    event.number = number;
    EXPECT_EQ(Decide(rules, event).data, 38) << number;
  }
  EXPECT_TRUE(Permits(Decide(rules + "\n  allow syscall fchmodat2", Call(Arch::kX86_64, "fchmodat2")))) << "a rule may name a newer call";
}

TEST(Pitfalls, P17_NamesAreNeverDroppedInSilence) {
  EXPECT_NE(Findings("  allow syscall opnat").find("unknown-syscall"), std::string::npos);
  // A library that lacks a name makes another filter of the profile; that is an error, not a shorter filter.
  if (seccomp::LibseccompVersion().empty()) GTEST_SKIP() << "this build has no libseccomp";
  auto front = testing::ReadText(Policy("  allow syscall { read, listxattrat }"));
  driver::CompileOptions options;
  options.oci = true;
  const bool compiled = driver::CompileSeccomp(front->policy, front->policy.domains.front(), options, front->sink).has_value();
  EXPECT_TRUE(compiled || testing::Messages(*front).find("oci-miscompiled") != std::string::npos) << testing::Messages(*front);
}

TEST(Pitfalls, P19_RulesEqualToTheDefaultStillCount) {
  // The refusal is the default's, and yet it must outweigh the permission.
  EXPECT_FALSE(Permitted("  allow syscall { acct, sync }\n  deny syscall acct with errno(EPERM)", Call(Arch::kX86_64, "acct")));
}

}  // namespace
}  // namespace ravelin
