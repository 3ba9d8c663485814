// `ravelin probe`: attempts in guest kernels, against what the oracle and the layers say beforehand.
#include "compiler/driver/probe.h"

#include <gmock/gmock.h>

#include "tests/guest/guest.h"
#include "tests/support/compiled.h"

namespace ravelin::kernels {
namespace {

using testing::Messages;

constexpr const char* kPolicy = R"(language 1
policy web {
  layers { seccomp + apparmor, seccomp + selinux }
  allow file { read } on path("/srv/www/**")
  deny file { read } on path("/srv/www/private/**")
  allow file { append, create, delete } on path("/var/log/web/*.log")
  allow file { list } on path("/srv/www")
  allow file { write, setattr } on path("/srv/data/[ab]{c,de}")
  allow exec "/usr/bin/helper"
  allow syscall { exit_group, getpid }
  default deny with errno(EPERM)
}
)";

class Probes : public Guest {
 protected:
  // The attempts that `asked` leads to, under the artifacts of `enforced`.
  static Result<driver::Probed> Judge(const std::string& asked, const std::string& enforced) {
    const auto front = testing::ReadText(asked);
    EXPECT_FALSE(front->sink.HasErrors()) << Messages(*front);
    const auto other = testing::ReadText(enforced);
    RAVELIN_TRY(probed, driver::ProbePolicy(*front, 0, {.limit_ms = 120000}, other.get()));
    EXPECT_TRUE(probed.has_value()) << Messages(*other);
    return probed ? std::move(*probed) : driver::Probed();
  }
};

TEST_F(Probes, TheKernelDoesWhatTheLayersSay) {
  const auto probed = Judge(kPolicy, kPolicy);
  ASSERT_TRUE(probed.has_value()) << probed.error().message;
  const probe::Plan& plan = probed->plan;
  ASSERT_EQ(probed->reports.size(), 5u);
  for (const probe::SetReport& one : probed->reports) {
    const std::string layers = one.layers.front() + (one.layers.size() > 1 ? " + " + one.layers.back() : "");
    EXPECT_TRUE(one.inconclusive.empty()) << layers << ": " << one.inconclusive.front();
    for (const probe::Finding& finding : one.disagreements) ADD_FAILURE() << layers << ": " << plan.probes[finding.probe].shown << ": " << finding.text;
    EXPECT_GT(one.permitted, 10u) << layers;
    EXPECT_GT(one.refused, 20u) << layers;
    // A label is not a name, and `w` is more than writing: what the gap says to pass was seen to.
    EXPECT_GT(one.excess, 0u) << layers;
    EXPECT_LT(one.undecided.size(), 6u) << layers;
  }
}

// Artifacts of another policy are found out, under each mechanism.
TEST_F(Probes, AnotherPolicysArtifactsAreFoundOut) {
  std::string wider = kPolicy;
  wider.replace(wider.find("/srv/www/private/**"), 19, "/srv/www/privat/**");
  wider.replace(wider.find("getpid"), 6, "getpid, sched_yield");
  const auto probed = Judge(kPolicy, wider);
  ASSERT_TRUE(probed.has_value()) << probed.error().message;
  for (const probe::SetReport& one : probed->reports) {
    ASSERT_TRUE(one.inconclusive.empty()) << one.inconclusive.front();
    EXPECT_FALSE(one.disagreements.empty()) << one.layers.front() << " of " << one.layers.size();
  }
}

// Each attempt would be ended by its own end, as if it had been refused.
TEST_F(Probes, AFilterThatRefusesTheEndIsInconclusive) {
  const std::string policy = "language 1\npolicy p {\n  layers { seccomp }\n  default deny with kill process\n  allow syscall read\n}\n";
  const auto probed = Judge(policy, policy);
  ASSERT_TRUE(probed.has_value()) << probed.error().message;
  ASSERT_EQ(probed->reports.size(), 1u);
  EXPECT_THAT(probed->reports.front().inconclusive, ::testing::ElementsAre(::testing::HasSubstr("exit_group")));
}

}  // namespace
}  // namespace ravelin::kernels
