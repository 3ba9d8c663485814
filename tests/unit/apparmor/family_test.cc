// Hats, children and limits: compiled, proved, and told apart from what they are not.
#include <gtest/gtest.h>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "tests/support/compiled.h"
#include "tests/support/profiles.h"

namespace ravelin::apparmor {
namespace {

const char* const kPolicy =
    "language 1\npolicy web {\n  limit NOFILE 100\n  limit CPU 60\n  limit NICE 10\n  limit RTTIME 5\n  limit AS infinity\n  default deny\n  allow exec \"/usr/bin/helper\" as helper\n"
    "  allow signal { send } peer helper, login\n  allow domain { change, change_at_exec } to helper\n}\n"
    "policy login {\n  hat of web\n  default deny\n  allow file { read } on path(\"/etc/passwd\")\n  allow ptrace { trace } peer self, web\n}\n"
    "policy helper {\n  child of web\n  attach \"/usr/bin/helper\"\n  default deny\n}\n";

std::string After(size_t domain, const std::string& old_text, const std::string& new_text) { return testing::ProofAfter(kPolicy, domain, old_text, new_text); }

TEST(ApparmorFamily, IsProved) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  for (const size_t domain : {0, 1, 2}) EXPECT_EQ(After(domain, "hat login", "hat login"), "proved") << domain;
}

TEST(ApparmorFamily, DifferencesAreFound) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  EXPECT_NE(After(1, "hat login", "profile login").find("flags"), std::string::npos);
  EXPECT_EQ(After(1, "hat login", "hat logout"), "no profile of that name");
  EXPECT_NE(After(0, "nofile <= 100", "nofile <= 101").find("limits"), std::string::npos);
  EXPECT_NE(After(0, "set rlimit as <= infinity,", "").find("limits"), std::string::npos);
  EXPECT_NE(After(0, "web//helper", "web//login").find("helper"), std::string::npos);
}

TEST(ApparmorFamily, WhatCannotBeSaidIsRefused) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  for (const char* text : {"language 1\npolicy p {\n  limit NICE 41\n  default deny\n}\n", "language 1\npolicy p {\n  limit AS 0x8000000000000000\n  default deny\n}\n",
                           "language 1\npolicy p {\n  default deny\n}\npolicy h {\n  hat of p\n  attach \"/x\"\n  default deny\n}\n"}) {
    const auto front = testing::ReadText(text);
    ASSERT_EQ(front->sink.ErrorCount(), 0u) << testing::Messages(*front);
    const auto artifact = Compile(front->policy, {"6.1"}, {});
    ASSERT_TRUE(artifact.has_value());
    EXPECT_FALSE(artifact->profiles.back().problems.empty()) << text;
  }
}

}  // namespace
}  // namespace ravelin::apparmor
