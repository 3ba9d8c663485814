// The AppArmor profiles of the applications: accepted by the parser, and proved.
#include <gtest/gtest.h>

#include <filesystem>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

TEST(Profiles, EveryApplicationsIsProved) {
  if (!apparmor::ParserVersion()) GTEST_SKIP() << apparmor::ParserVersion().error().message;
  size_t proved = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(RAVELIN_SOURCE_DIR) + "/policies/apps")) {
    if (entry.path().extension() != ".rav") continue;
    const auto front = driver::ReadPolicy(entry.path().string(), {}, driver::FindTarget("debian12").value());
    ASSERT_TRUE(front.has_value());
    const auto artifact = apparmor::Compile((*front)->policy, {"6.1"}, {"test"});
    ASSERT_TRUE(artifact.has_value()) << entry.path() << ": " << artifact.error().message;
    for (const apparmor::ProfileResult& profile : artifact->profiles) {
      for (const apparmor::Problem& problem : profile.problems) ADD_FAILURE() << profile.name << ": " << problem.message;
      EXPECT_TRUE(profile.proved) << profile.name << ": " << profile.why_not;
      proved += profile.proved ? 1 : 0;
    }
  }
  EXPECT_EQ(proved, 10u);
}

}  // namespace
}  // namespace ravelin
