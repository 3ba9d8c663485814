// Policies by chance are policies: most can be read, and the same seed says the same.
#include "profiler/probe/random.h"

#include <gtest/gtest.h>

#include <set>

#include "profiler/probe/differences.h"
#include "profiler/probe/plan.h"
#include "tests/support/compiled.h"

namespace ravelin::probe {
namespace {

TEST(RandomPolicies, AreReadAndHaveAttemptsOfMostKinds) {
  size_t read = 0;
  std::set<std::string> kinds;
  std::set<std::string> texts;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const std::string text = RandomPolicy(seed);
    EXPECT_EQ(text, RandomPolicy(seed));
    texts.insert(text);
    const auto front = testing::ReadText(text);
    EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << text;
    if (front->sink.HasErrors()) continue;
    ++read;
    const auto plan = MakePlan(front->policy.domains.front(), true);
    ASSERT_TRUE(plan.has_value()) << text;
    EXPECT_GE(plan->probes.size(), 200u);
    for (const Probe& probe : plan->probes) kinds.insert(probe.kind);
  }
  EXPECT_EQ(texts.size(), 40u);
  EXPECT_GT(read, 30u);
  EXPECT_GE(kinds.size(), 18u);
}

// Few, each with its reason, and none that explains everything.
TEST(Differences, AreNamedOnce) {
  std::set<std::string> names;
  for (const Difference& one : Differences()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_GT(one.words.size(), 3u) << one.name;
    EXPECT_GT(one.reason.size(), 20u) << one.name;
  }
  EXPECT_LT(names.size(), 12u);
}

// A row explains what the kernel does otherwise, not the contrary, and of another layer nothing.
TEST(Differences, ExplainOneDirectionOfOneLayer) {
  Probe probe;
  probe.shown = "system { kexec }";
  const auto of = [&](const char* layer, Expected came) { return DifferenceOf(probe, kernels::DriverKind::kUml, {layer}, came) != nullptr; };
  EXPECT_TRUE(of("apparmor", Expected::kPermitted));
  EXPECT_TRUE(of("selinux", Expected::kPermitted));
  EXPECT_FALSE(of("apparmor", Expected::kRefused));
  EXPECT_FALSE(of("seccomp", Expected::kPermitted)) << "the filter answers before";
}

}  // namespace
}  // namespace ravelin::probe
