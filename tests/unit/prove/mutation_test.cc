// The proof, tried on programs that are wrong: every mutant that differs from the policy on any input is rejected.
//
// Z3 says which mutants are equivalent; enumeration over the boundary classes is at hand where it gives up.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>

#include <random>
#include <set>

#include "backends/seccomp/prove/prove.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"

namespace ravelin {
namespace {

using seccomp::Instruction;
using seccomp::Program;

// Every mutant of one instruction.
std::vector<Program> Mutants(const Program& program) {
  std::vector<Program> out;
  std::set<uint32_t> constants;
  for (const Instruction& i : program) constants.insert(i.k);
  const auto with = [&](size_t at, Instruction instruction) {
    Program mutant = program;
    mutant[at] = instruction;
    if (mutant != program) out.push_back(std::move(mutant));
  };
  for (size_t at = 0; at < program.size(); ++at) {
    const Instruction& i = program[at];
    for (const uint16_t op : {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JA}) {
      if (BPF_CLASS(i.code) == BPF_JMP) with(at, {static_cast<uint16_t>(BPF_JMP | op | BPF_K), i.jt, i.jf, i.k});
    }
    for (const uint16_t op : {BPF_AND, BPF_OR, BPF_ADD, BPF_RSH}) {
      if (BPF_CLASS(i.code) == BPF_ALU) with(at, {static_cast<uint16_t>(BPF_ALU | op | BPF_K), 0, 0, i.k});
    }
    if (BPF_CLASS(i.code) == BPF_RET) with(at, {BPF_RET | BPF_A, 0, 0, 0});
    for (const int d : {-1, 1}) {
      with(at, {i.code, static_cast<uint8_t>(i.jt + d), i.jf, i.k});
      with(at, {i.code, i.jt, static_cast<uint8_t>(i.jf + d), i.k});
      with(at, {i.code, i.jt, i.jf, i.k + static_cast<uint32_t>(d)});
    }
    with(at, {i.code, i.jf, i.jt, i.k});
    for (int bit = 0; bit < 32; ++bit) with(at, {i.code, i.jt, i.jf, i.k ^ 1u << bit});
    for (const uint32_t k : constants) with(at, {i.code, i.jt, i.jf, k});
    Program shorter = program;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
    out.push_back(shorter);
    Program longer = program;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), i);
    out.push_back(longer);
    if (at + 1 < program.size()) {
      Program swapped = program;
      std::swap(swapped[at], swapped[at + 1]);
      if (swapped != program) out.push_back(swapped);
    }
  }
  return out;
}

struct Count {
  size_t mutants = 0;
  size_t invalid = 0;
  size_t equivalent = 0;
  size_t rejected = 0;
  size_t unread = 0;
};

void TryAll(const std::string& rules, bool every, Count& count) {
  const ir::Domain domain = testing::DomainOf(testing::Policy(rules));
  const Program program = testing::FilterOf(domain).program;
  ASSERT_TRUE(seccomp::Prove(domain, program, false).proved);
  std::mt19937_64 random(4);
  for (const Program& mutant : Mutants(program)) {
    if (!every && random() % 8 != 0) continue;
    ++count.mutants;
    const auto verdict = seccomp::Prove(domain, mutant, false);
    if (!seccomp::CheckProgram(mutant)) {
      ++count.invalid;
      ASSERT_FALSE(verdict.proved);
      continue;
    }
    if (verdict.proved) {
      // Only an equivalent program may be proved: the second opinion must find no difference.
      const auto second = seccomp::ProveWithZ3(domain, mutant, false);
      if (second.why_not.find("no Z3") != std::string::npos) GTEST_SKIP() << second.why_not;
      ASSERT_TRUE(second.proved) << "proved, and yet Z3 finds a difference\n" << seccomp::FormatListing(mutant);
      ++count.equivalent;
      continue;
    }
    if (!verdict.counterexample) {  // beyond what the proof reads: not proved is all that matters
      ASSERT_FALSE(verdict.why_not.empty());
      ++count.unread;
      continue;
    }
    ++count.rejected;
    const ir::Event& event = verdict.counterexample->event;
    const ir::Action expected = oracle::DecideCall(domain, event).action;
    const auto actual = ir::FromSeccompReturn(seccomp::RunProgram(mutant, event, false).value);
    ASSERT_EQ(expected, verdict.counterexample->expected) << "the counterexample's expectation is not the oracle's";
    ASSERT_NE(actual, std::optional(expected)) << "the counterexample shows no difference\n" << seccomp::FormatListing(mutant);
  }
}

TEST(Mutation, EveryDifferenceIsFound) {
  Count count;
  TryAll("  allow syscall { read, write, exit_group }\n  allow syscall socket(domain in { 1, 2, 10 }, type & 0xf == 1)\n  deny syscall ptrace with kill process", true, count);
  TryAll("  allow syscall lseek(offset >= 0x100000002, offset < 0x300000001)\n  allow syscall clone(flags & 0x7e020080 == 0)\n  unknown syscall with errno(ENOSYS)", true, count);
  TryAll("  allow syscall { read, write, openat, close, mmap, brk, exit, exit_group, rt_sigreturn }\n  allow syscall ioctl(request in { 0x5401, 0x5413, 0x541b })\n  allow network { listen, accept } tcp port 80\n  default deny network", false, count);
  fmt::print("{} mutants: {} rejected with a counterexample, {} rejected as not understood, {} not valid, {} equivalent by both proofs\n", count.mutants, count.rejected, count.unread, count.invalid, count.equivalent);
  EXPECT_GT(count.rejected, 2000u);
  EXPECT_LT(count.equivalent * 4, count.mutants);
  EXPECT_LT(count.unread * 20, count.mutants);
}

TEST(SecondOpinion, AgreesOnWholePolicies) {
  const ir::Domain domain = testing::DomainOf(testing::Policy("  allow syscall { read, write }\n  allow syscall personality(persona in { 0, 8, 0x20000, 0xffffffff })\n  allow syscall lseek(offset < 0x100000000)", "default deny syscall with errno(EPERM)"));
  const Program program = testing::FilterOf(domain).program;
  const auto second = seccomp::ProveWithZ3(domain, program, false);
  if (second.why_not.find("no Z3") != std::string::npos) GTEST_SKIP() << second.why_not;
  EXPECT_TRUE(second.proved) << second.why_not;
  Program wrong = program;
  for (Instruction& i : wrong) {
    if (i.code == (BPF_JMP | BPF_JEQ | BPF_K) && i.k == 8) i.k = 9;
  }
  if (wrong != program) {
    EXPECT_TRUE(seccomp::ProveWithZ3(domain, wrong, false).counterexample.has_value());
  }
}

TEST(Proof, ProgramsOfOthersAreJudgedToo) {
  const ir::Domain domain = testing::DomainOf(testing::Policy("  allow syscall read"));
  EXPECT_FALSE(seccomp::Prove(domain, {}, false).proved);
  EXPECT_FALSE(seccomp::Prove(domain, {}, false).why_not.empty());
  // X, scratch memory and arithmetic: the same decisions by other means.
  const uint32_t arch = kernel::AuditArch(kernel::Arch::kX86_64);
  const Program program = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4},
                           {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, arch},
                           {BPF_RET | BPF_K, 0, 0, 0x80000000},
                           {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                           {BPF_JMP | BPF_JGT | BPF_K, 0, 1, 0},
                           {BPF_RET | BPF_K, 0, 0, 0x00050001},
                           {BPF_RET | BPF_K, 0, 0, 0x7fff0000}};
  const auto proof = seccomp::Prove(domain, program, false);
  EXPECT_TRUE(proof.proved) << proof.why_not << (proof.counterexample ? driver::ShowEvent(proof.counterexample->event) : "");
}

}  // namespace
}  // namespace ravelin
