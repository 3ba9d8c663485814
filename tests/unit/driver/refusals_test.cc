#include <gtest/gtest.h>

#include "compiler/driver/verify.h"
#include "tests/support/compiled.h"

namespace ravelin::driver {
namespace {

kernels::Observation Refused(const std::string& call, const ir::Args& args) {
  kernels::Observation out;
  out.source = kernels::Source::kSeccomp;
  out.command = "cat";
  out.call = testing::Call(kernel::Arch::kX86_64, call);
  out.call->args = args;
  return out;
}

// The same call of three runs is one refusal, wherever its buffer was; another option is another.
TEST(Refusals, AreToldOnceWhateverTheAddress) {
  const auto front = testing::ReadText("language 1\npolicy p {\n  allow syscall { exit_group }\n  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n");
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  verify::Report report;
  auto& verdict = report.verdicts.emplace_back();
  for (const uint64_t address : {0x7fbfaaac28, 0x7fbf8ccc28, 0x7fbfca7c28}) {
    verdict.refusals.push_back(Refused("prctl", {16, address, 0, 0, 0, 0}));
    verdict.refusals.push_back(Refused("uname", {address, 0, 0, 0, 0, 0}));
  }
  verdict.refusals.push_back(Refused("prctl", {38, 1, 0, 0, 0, 0}));
  const auto refusals = ExplainRefusals(*front, 0, report);
  ASSERT_TRUE(refusals) << refusals.error().message;
  std::string said;
  for (const Refusal& one : *refusals) said += one.shown + " x" + std::to_string(one.count) + "\n";
  EXPECT_EQ(said, "prctl(PR_GET_NAME, 0, 0, 0, 0) x3\nuname(0) x3\nprctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) x1\n");
}

// A kernel that records the number alone, and tells all of the calls of the unconfined run: those that the policy refuses are meant, in
// their order; who tries again has the last.
TEST(Refusals, HaveTheArgumentsOfTheUnconfinedRun) {
  const auto front = testing::ReadText("language 1\npolicy p {\n  allow syscall { exit_group, socket(domain == AF_UNIX) }\n  default deny with errno(EPERM)\n}\n");
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  verify::Report report;
  auto& verdict = report.verdicts.emplace_back();
  const auto number = [](const char* call) { return testing::Call(kernel::Arch::kX86_64, call).number; };
  verdict.made = {{1, 1, "cat", number("socket"), {1, 1}, {}}, {2, 2, "ls", number("socket"), {38, 5}, {}}, {1, 1, "cat", number("socket"), {2, 1}, {}}, {1, 1, "cat", number("mkdir"), {0x7f0000, 0755}, {"/srv/x"}}};
  for (const char* call : {"mkdir", "socket", "socket", "rmdir"}) {
    verdict.refusals.push_back(Refused(call, {}));
    verdict.refusals.back().arguments_known = false;
  }
  const auto refusals = ExplainRefusals(*front, 0, report);
  ASSERT_TRUE(refusals) << refusals.error().message;
  std::string said;
  for (const Refusal& one : *refusals) said += one.shown + " x" + std::to_string(one.count) + " " + one.suggestion + "\n";
  EXPECT_EQ(said,
            "mkdir(\"/srv/x\", 493) (arguments of the unconfined run) x1 allow syscall mkdir\n"
            "socket(AF_INET, SOCK_STREAM, 0) (arguments of the unconfined run) x2 allow network { create } family AF_INET\n"
            "rmdir (arguments not recorded) x1 \n");
}

}  // namespace
}  // namespace ravelin::driver
