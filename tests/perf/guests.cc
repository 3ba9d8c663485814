// Boot to halt of a guest that runs `true` under an enforcing module; medians in seconds, one line a module.  Status 77: no guest can run here.
#include <fmt/format.h>

#include <algorithm>

#include "backends/apparmor/parser.h"
#include "backends/selinux/selinux.h"
#include "compiler/kernel/apparmor_features.h"
#include "profiler/kernels/job.h"

namespace {

using namespace ravelin;

constexpr int kRuns = 15;

// The median, or a negative number where a run did not count.
double Median(const kernels::Job& job) {
  std::vector<double> seconds;
  for (int i = 0; i < kRuns; ++i) {
    const auto outcome = kernels::Run(job);
    if (!outcome || !outcome->inconclusive.empty() || outcome->steps[0].exit_code != 0) {
      fmt::print(stderr, "{}\n", !outcome ? outcome.error().message : !outcome->inconclusive.empty() ? outcome->inconclusive.front() : outcome->steps[0].why_not + outcome->steps[0].err);
      return -1;
    }
    seconds.push_back(outcome->wall_seconds);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

kernels::Job True(kernels::Module module) {
  kernels::Job job;
  job.module = module;
  job.setting.limit_ms = 10000;
  job.steps.push_back({.program = "/usr/bin/true", .arguments = {"true"}});
  return job;
}

}  // namespace

int main() {
  kernels::Job apparmor = True(kernels::Module::kApparmor);
  const auto profile = apparmor::RunParser("profile bench {\n  /** rm,\n}\n", kernel::ApparmorFeaturesText("6.1"));
  if (!profile || !profile->accepted) return 77;
  apparmor.profiles.assign(profile->binary.begin(), profile->binary.end());
  apparmor.steps[0].profile = "bench";
  ir::Policy policy;
  policy.domains.emplace_back().name = "bench";
  policy.domains[0].architectures = {kernel::Arch::kX86_64};
  const auto module = selinux::Compile(policy, {});
  if (!module) return 77;
  kernels::Job selinux = True(kernels::Module::kSelinux);
  selinux.policy = module->binary;
  selinux.launcher = "system_u:system_r:init_t:s0";
  selinux.labels = {{"/usr/bin/true", "system_u:object_r:bench_exec_t:s0"}};
  selinux.steps[0].context = "system_u:system_r:bench_t:s0";
  const double first = Median(apparmor);
  const double second = Median(selinux);
  if (first < 0 || second < 0) return 77;
  fmt::print("apparmor {:.3f}\nselinux {:.3f}\n", first, second);
  return 0;
}
