// Random policies: every (domain, type, class, permission) of the compiled policy is asked exactly if a permitted event asks it.
#include "backends/selinux/selinux.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/support/compiled.h"
#include "tests/support/random_objects.h"

namespace ravelin {
namespace {

size_t Count(const char* variable, size_t usual) {
  const char* text = getenv(variable);
  return text == nullptr ? usual : static_cast<size_t>(strtoul(text, nullptr, 10));
}

TEST(SelinuxProperty, RandomPoliciesAreProved) {
  const size_t count = Count("RAVELIN_SELINUX_POLICIES", 200);
  std::mt19937_64 random(20260);
  std::map<std::string, size_t> kinds;
  size_t proved = 0;
  size_t quadruples = 0;
  size_t types = 0;
  for (size_t i = 0; i < count; ++i) {
    const testing::RandomPolicy made = testing::MakeObjectPolicy(random);
    const auto front = testing::ReadText(made.text);
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << made.text;
    const auto artifact = selinux::Compile(front->policy, {});
    ASSERT_TRUE(artifact.has_value()) << artifact.error().message << "\n"
                                      << made.text;
    for (const auto& d : artifact->proof.differences) ADD_FAILURE() << d.text;
    ASSERT_TRUE(artifact->proof.proved) << made.text << artifact->file_contexts;
    ++proved;
    quadruples += artifact->proof.quadruples;
    types += artifact->module.paths.size();
    for (const std::string& kind : made.kinds) ++kinds[kind];
  }
  printf("%zu policies, %zu proved, %zu quadruples asked, %zu path types\n", count, proved, quadruples, types);
  for (const auto& [kind, seen] : kinds) {
    printf("  %-14s %5.1f%%\n", kind.c_str(), 100.0 * static_cast<double>(seen) / static_cast<double>(count));
    EXPECT_GE(seen * 20, count) << kind << " takes part in fewer than 5%";
  }
  EXPECT_EQ(kinds.size(), 18u + 7u) << "a kind takes no part at all";
}

}  // namespace
}  // namespace ravelin
