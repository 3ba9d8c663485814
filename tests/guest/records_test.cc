// Every access is recorded and none is lost: 5,000 names under each module.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "backends/apparmor/parser.h"
#include "backends/selinux/sepol/sepol.h"
#include "compiler/base/source.h"
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

// A policy for one domain, with more lines of CIL.
Result<std::string> PolicyWith(const std::string& lines) {
  ir::Policy one;
  one.domains.emplace_back().name = "learn";
  one.domains[0].architectures = {kernel::Arch::kX86_64};
  RAVELIN_TRY(module, selinux::Compile(one, selinux::Options()));
  RAVELIN_TRY(compiled, selinux::CompileCil({{"learn.cil", module.cil + lines}}));
  if (!compiled.compiled) return Fail(ErrorCode::kMalformed, compiled.messages.front().text);
  return compiled.binary;
}

// A folder that is mounted with one label for all in it: what is in it has that, but for what has a label of its own; what is made there
// gets it from the folder; the folder keeps its mode; the host's is left alone.
TEST_F(Guest, ARegionHasOneLabel) {
  if (!selinux::SepolIsBuilt()) GTEST_SKIP() << "built without libsepol";
  const std::string folder = "/var/tmp/ravelin-region." + std::to_string(getpid());
  std::filesystem::create_directories(folder + "/deep");
  ASSERT_EQ(chmod(folder.c_str(), 0750), 0);
  for (const char* name : {"/a", "/b", "/deep/c"}) ASSERT_TRUE(source::WriteFile(folder + name, name));
  const auto policy = PolicyWith("");
  ASSERT_TRUE(policy) << policy.error().message;
  Job job = Shell("cd " + folder + "; stat -c '%n %C %a' . a b deep deep/c; cat a; echo; echo new > a; touch made; stat -c '%n %C' a made; mv b /var/tmp/b && cat /var/tmp/b", Module::kSelinux);
  job.policy = *policy;
  job.launcher = "system_u:system_r:init_t:s0";
  job.default_label = "system_u:object_r:default_t:s0";
  job.regions = {{folder, "", "system_u:object_r:learn_exec_t:s0"}};
  job.labels = {{folder + "/b", "system_u:object_r:tmpfs_t:s0"}};
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_EQ(outcome->steps[0].out,
            ". system_u:object_r:default_t:s0 750\na system_u:object_r:learn_exec_t:s0 644\nb system_u:object_r:tmpfs_t:s0 644\ndeep system_u:object_r:learn_exec_t:s0 755\ndeep/c system_u:object_r:learn_exec_t:s0 644\n"
            "/a\na system_u:object_r:learn_exec_t:s0\nmade system_u:object_r:default_t:s0\n/b")
      << outcome->steps[0].err;
  const auto kept = source::ReadFile(folder + "/a");
  EXPECT_TRUE(kept && *kept == "/a") << "the guest wrote to its own copy";
  EXPECT_TRUE(std::filesystem::exists(folder + "/b"));
  std::filesystem::remove_all(folder);
}

// A permissive kernel records each kind of access once; a policy that grants all and has every grant recorded tells every name.
TEST_F(Guest, SelinuxRecordsEveryName) {
  if (!selinux::SepolIsBuilt()) GTEST_SKIP() << "built without libsepol";
  std::string all;
  for (const kernel::SelinuxClass& c : kernel::SelinuxClasses()) all += fmt::format("(allow learn_t every_type ({} (all)))\n(auditallow learn_t every_type ({} (all)))\n", c.name, c.name);
  const auto policy = PolicyWith(all);
  ASSERT_TRUE(policy) << policy.error().message;
  Job job = Hammer(Module::kSelinux);
  job.policy = *policy;
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
