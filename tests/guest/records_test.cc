// Every access is recorded and none is lost: 5,000 names under each module.
#include <fmt/format.h>

#include <set>

#include "backends/apparmor/parser.h"
#include "backends/selinux/sepol/sepol.h"
#include "compiler/driver/compile.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/selinux_facts.h"
#include "profiler/kernels/observe.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

constexpr int kNames = 5000;

Job Hammer(Module module) {
  Job job = Shell(fmt::format("i=0; while [ $i -lt {} ]; do : > /tmp/name$i; i=$((i+1)); done", kNames), module);
  job.mode = Mode::kComplain;
  job.setting.limit_ms = 60000;
  return job;
}

size_t NamesIn(const Outcome& outcome) {
  std::set<std::string> names;
  for (const Observation& one : Observe(outcome.events)) {
    for (const ir::ObjectCheck& check : one.checks) {
      const auto path = check.texts.find("path");
      if (path != check.texts.end() && path->second.rfind("/tmp/name", 0) == 0) names.insert(path->second);
    }
  }
  return names.size();
}

TEST_F(Guest, ApparmorRecordsEveryName) {
  const auto compiled = apparmor::RunParser("profile learn flags=(complain) {\n}\n", kernel::ApparmorFeaturesText("6.1"));
  ASSERT_TRUE(compiled && compiled->accepted);
  Job job = Hammer(Module::kApparmor);
  job.profiles.assign(compiled->binary.begin(), compiled->binary.end());
  job.steps[0].profile = "learn";
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_EQ(outcome->lost, 0u);
  EXPECT_EQ(outcome->steps[0].exit_code, 0) << outcome->steps[0].err;
  EXPECT_EQ(NamesIn(*outcome), static_cast<size_t>(kNames));
}

// A permissive kernel records each kind of access once; a policy that grants all and has every grant recorded tells every name.
TEST_F(Guest, SelinuxRecordsEveryName) {
  if (!selinux::SepolIsBuilt()) GTEST_SKIP() << "built without libsepol";
  selinux::Options options;
  ir::Policy one;
  one.domains.emplace_back().name = "learn";
  one.domains[0].architectures = {kernel::Arch::kX86_64};
  const auto module = selinux::Compile(one, options);
  ASSERT_TRUE(module) << module.error().message;
  std::string all = module->cil;
  for (const kernel::SelinuxClass& c : kernel::SelinuxClasses()) all += fmt::format("(allow learn_t every_type ({} (all)))\n(auditallow learn_t every_type ({} (all)))\n", c.name, c.name);
  const auto compiled = selinux::CompileCil({{"learn.cil", all}});
  ASSERT_TRUE(compiled && compiled->compiled) << (compiled ? compiled->messages.front().text : compiled.error().message);
  Job job = Hammer(Module::kSelinux);
  job.policy = compiled->binary;
  job.launcher = "system_u:system_r:init_t:s0";
  job.labels = {{"/usr/bin/dash", "system_u:object_r:learn_exec_t:s0"}};
  job.steps[0].context = "system_u:system_r:learn_t:s0";
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_EQ(outcome->lost, 0u);
  EXPECT_EQ(outcome->steps[0].exit_code, 0) << outcome->steps[0].err << outcome->steps[0].why_not;
  EXPECT_EQ(NamesIn(*outcome), static_cast<size_t>(kNames));
}

}  // namespace
}  // namespace ravelin::kernels
