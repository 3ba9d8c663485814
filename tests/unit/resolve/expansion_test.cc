// Names, sets and modules that mention one another twice, thirty levels deep: what they stand for is small, reading it must be.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

std::string Levels(const std::string& first, const std::string& step) {
  std::string out = first + "\n";
  for (int i = 1; i <= 30; ++i) out += fmt::format(fmt::runtime(step), fmt::arg("n", i), fmt::arg("m", i - 1)) + "\n";
  return out;
}

bool Permits(const std::string& text, const char* call, ir::Args args = {}) {
  return oracle::DecideCall(testing::DomainOf(text), testing::Call(kernel::Arch::kX86_64, call, args)).permitted();
}

TEST(Expansion, IsLinear) {
  const std::string policy = "policy p {{\n  {}\n  default deny\n}}\n";
  const auto with = [&](const std::string& levels, const std::string& line) { return "language 1\n" + levels + fmt::format(fmt::runtime(policy), line); };
  EXPECT_TRUE(Permits(with(Levels("set s0 = { read }", "set s{n} = {{ s{m}, s{m} }}"), "allow syscall s30"), "read"));
  EXPECT_TRUE(Permits(with(Levels("set s0 = { 7 }", "set s{n} = {{ s{m}, s{m} }}"), "allow syscall read(fd in s30)"), "read", {7}));
  EXPECT_TRUE(Permits(with(Levels("let v0 = 1", "let v{n} = v{m} | v{m}"), "allow syscall read(fd == v30)"), "read", {1}));
  EXPECT_TRUE(Permits(with(Levels("let t0 = \"\"", "let t{n} = \"${{t{m}}}${{t{m}}}\""), "allow exec \"/bin/${t30}sh\""), "execve"));
  EXPECT_TRUE(Permits(with(Levels("module m0() { allow syscall read }", "module m{n}() {{\n  use m{m}\n  use m{m}\n}}"), "use m30"), "read"));
}

TEST(Expansion, OfModulesWithParametersIsBounded) {
  const auto front = testing::ReadText("language 1\n" + Levels("module m0(a) { allow syscall read(fd == a) }", "module m{n}(a) {{\n  use m{m}(a = a)\n  use m{m}(a = a)\n}}") + "policy p {\n  use m30(a = 1)\n  default deny\n}\n");
  EXPECT_NE(testing::Messages(*front).find("[nesting-too-deep]"), std::string::npos) << testing::Messages(*front);
}

TEST(Expansion, CirclesAreSaid) {
  const auto messages = [](const std::string& text) { return testing::Messages(*testing::ReadText("language 1\n" + text)); };
  EXPECT_NE(messages("set a = { b, b }\nset b = { a, a }\npolicy p {\n  allow syscall a\n  default deny\n}\n").find("[import-cycle]"), std::string::npos);
  EXPECT_NE(messages("let a = b | b\nlet b = a | a\npolicy p {\n  allow syscall read(fd == a)\n  default deny\n}\n").find("[import-cycle]"), std::string::npos);
  EXPECT_NE(messages("set a = { b, 1 }\nset b = { a, 2 }\npolicy p {\n  allow syscall read(fd in a)\n  default deny\n}\n").find("[import-cycle]"), std::string::npos);
  EXPECT_NE(messages("let a = \"${b}\"\nlet b = \"${a}${a}\"\npolicy p {\n  allow exec \"/${a}\"\n  default deny\n}\n").find("[import-cycle]"), std::string::npos);
}

}  // namespace
}  // namespace ravelin
