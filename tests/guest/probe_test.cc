// `ravelin probe`: attempts in guest kernels, against what the oracle and the layers say beforehand.
#include "profiler/probe/probe.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "backends/seccomp/lower.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/verify.h"
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
  static Result<std::vector<probe::SetReport>> Judge(const std::string& asked, const std::string& enforced, probe::Plan* out) {
    const auto front = testing::ReadText(asked);
    EXPECT_FALSE(front->sink.HasErrors()) << Messages(*front);
    const ir::Domain& domain = front->policy.domains.front();
    RAVELIN_TRY(plan, probe::MakePlan(domain, geteuid() == 0));
    *out = plan;
    RAVELIN_TRY(root, probe::Root::Make(plan));
    driver::Workload workload;
    workload.command = {plan.program};
    workload.directory = "/";
    workload.root = root.folder();
    workload.gaps = driver::GapsAre::kWarnings;
    workload.limit_ms = 120000;
    const auto other = testing::ReadText(enforced);  // the artifacts
    RAVELIN_TRY(request, driver::PrepareVerification(*other, 0, workload));
    EXPECT_TRUE(request.has_value()) << Messages(*other);
    if (!request) return std::vector<probe::SetReport>();
    const auto module = driver::LowerSelinux(*front, selinux::Form::kStandalone, front->sink);
    const seccomp::FilterSpec spec = seccomp::Lower(domain);
    combine::Effective effective(domain, spec, driver::FactsOf(front->target), module ? &*module : nullptr);
    return probe::RunProbes(*request, plan, effective);
  }
};

TEST_F(Probes, TheKernelDoesWhatTheLayersSay) {
  probe::Plan plan;
  const auto reports = Judge(kPolicy, kPolicy, &plan);
  ASSERT_TRUE(reports.has_value()) << reports.error().message;
  ASSERT_EQ(reports->size(), 5u);
  for (const probe::SetReport& one : *reports) {
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
  wider.replace(wider.find("getpid"), 6, "getpid, getuid");
  probe::Plan plan;
  const auto reports = Judge(kPolicy, wider, &plan);
  ASSERT_TRUE(reports.has_value()) << reports.error().message;
  for (const probe::SetReport& one : *reports) {
    ASSERT_TRUE(one.inconclusive.empty()) << one.inconclusive.front();
    EXPECT_FALSE(one.disagreements.empty()) << one.layers.front() << " of " << one.layers.size();
  }
}

// Each attempt would be ended by its own end, as if it had been refused.
TEST_F(Probes, AFilterThatRefusesTheEndIsInconclusive) {
  const std::string policy = "language 1\npolicy p {\n  layers { seccomp }\n  default deny with kill process\n  allow syscall read\n}\n";
  probe::Plan plan;
  const auto reports = Judge(policy, policy, &plan);
  ASSERT_TRUE(reports.has_value()) << reports.error().message;
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_THAT(reports->front().inconclusive, ::testing::ElementsAre(::testing::HasSubstr("exit_group")));
}

}  // namespace
}  // namespace ravelin::kernels
