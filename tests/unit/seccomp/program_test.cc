#include "backends/seccomp/program.h"

#include <gtest/gtest.h>
#include <linux/filter.h>

#include <random>

#include "backends/seccomp/c_header.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"

namespace ravelin::seccomp {
namespace {

const char kRules[] = "  allow syscall { read, write, exit_group }\n  allow syscall socket(domain in { 1, 2 }, type & 0xf == 1)";

TEST(Program, BytesAndListingsReadBack) {
  const Generated filter = testing::FilterOf(testing::DomainOf(testing::Policy(kRules)));
  for (const bool big_endian : {false, true}) {
    const auto again = DecodeProgram(EncodeProgram(filter.program, big_endian), big_endian);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(*again, filter.program);
  }
  const auto listed = ReadListing(FormatListing(filter.program, filter.notes));
  ASSERT_TRUE(listed.has_value()) << listed.error().message;
  EXPECT_EQ(*listed, filter.program);
  EXPECT_EQ(filter.notes.size(), filter.program.size());
  EXPECT_NE(FormatCHeader(filter.program, "a-b").find("a_b_filter"), std::string::npos);
}

TEST(Program, ChecksWhatTheKernelChecks) {
  const auto valid = [](Program program) { return CheckProgram(program).has_value(); };
  const Instruction ret{BPF_RET | BPF_K, 0, 0, 0x7fff0000};
  EXPECT_TRUE(valid({ret}));
  EXPECT_FALSE(valid({}));
  EXPECT_FALSE(valid({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}})) << "no return";
  EXPECT_FALSE(valid({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, ret})) << "not aligned";
  EXPECT_FALSE(valid({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 64}, ret})) << "beyond seccomp_data";
  EXPECT_FALSE(valid({{BPF_LD | BPF_B | BPF_ABS, 0, 0, 0}, ret})) << "bytes are not loaded";
  EXPECT_FALSE(valid({{BPF_JMP | BPF_JA, 0, 0, 1}, ret})) << "jump beyond the end";
  EXPECT_FALSE(valid({{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0}, ret}));
  EXPECT_FALSE(valid({{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, ret})) << "division by zero";
  EXPECT_FALSE(valid(Program(kMaxInstructions + 1, ret)));
  EXPECT_TRUE(valid(Program(kMaxInstructions, ret)));
}

TEST(Program, SurvivesAnyBytes) {
  const std::string good = EncodeProgram(testing::FilterOf(testing::DomainOf(testing::Policy(kRules))).program, false);
  std::mt19937_64 random(9);
  size_t accepted = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = good;
    for (size_t i = 0; i < 1 + random() % 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 5 == 0) bytes.resize(random() % bytes.size());
    const auto program = DecodeProgram(bytes, false);
    if (!program) continue;
    ++accepted;
    ir::Event event;
    event.number = static_cast<uint32_t>(random());
    EXPECT_LE(RunProgram(*program, event, false).executed, program->size());
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_FALSE(DecodeProgram("", false).has_value());
  EXPECT_FALSE(DecodeProgram("1234567", false).has_value());
  EXPECT_FALSE(ReadListing("0: nonsense").has_value());
}

TEST(Program, RunsLikeTheKernelsMachine) {
  // Every arithmetic operation with the operand in X, and scratch memory.
  const auto run = [](std::vector<Instruction> body) {
    body.push_back({BPF_RET | BPF_A, 0, 0, 0});
    return RunProgram(body, ir::Event(), false).value;
  };
  const auto alu = [&](uint16_t op, uint32_t a, uint32_t x) { return run({{BPF_LDX | BPF_IMM, 0, 0, x}, {BPF_LD | BPF_IMM, 0, 0, a}, {static_cast<uint16_t>(BPF_ALU | op | BPF_X), 0, 0, 0}}); };
  EXPECT_EQ(alu(BPF_ADD, 7, 5), 12u);
  EXPECT_EQ(alu(BPF_SUB, 7, 9), 0xfffffffeu);
  EXPECT_EQ(alu(BPF_MUL, 0x10000, 0x10000), 0u);
  EXPECT_EQ(alu(BPF_DIV, 17, 5), 3u);
  EXPECT_EQ(alu(BPF_AND, 12, 10), 8u);
  EXPECT_EQ(alu(BPF_OR, 12, 10), 14u);
  EXPECT_EQ(alu(BPF_XOR, 12, 10), 6u);
  EXPECT_EQ(alu(BPF_LSH, 1, 31), 0x80000000u);
  EXPECT_EQ(alu(BPF_RSH, 0x80000000, 31), 1u);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 5}, {BPF_ST, 0, 0, 3}, {BPF_LD | BPF_IMM, 0, 0, 1}, {BPF_LD | BPF_MEM, 0, 0, 3}}), 5u);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 5}, {BPF_MISC | BPF_TAX, 0, 0, 0}, {BPF_LD | BPF_IMM, 0, 0, 1}, {BPF_MISC | BPF_TXA, 0, 0, 0}}), 5u);
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}}), 64u);
}

TEST(Program, ConstantAllowsAreFoundAsTheKernelFindsThem) {
  const Generated filter = testing::FilterOf(testing::DomainOf(testing::Policy(kRules)));
  const uint32_t arch = kernel::AuditArch(kernel::Arch::kX86_64);
  EXPECT_TRUE(IsConstantAllow(filter.program, arch, 0));    // read
  EXPECT_FALSE(IsConstantAllow(filter.program, arch, 41));  // socket: depends on an argument
  EXPECT_FALSE(IsConstantAllow(filter.program, arch, 2));   // open: refused
}

}  // namespace
}  // namespace ravelin::seccomp
