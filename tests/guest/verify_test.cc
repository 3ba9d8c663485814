// `ravelin verify` as it is used: what passes, what fails, what nobody can say.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kPolicy = R"(language 1
policy work {
  layers { seccomp + apparmor, seccomp + selinux }
  use std::dynamic_program
  use std::program(file = "/usr/bin/dash")
  use std::runs(files = "/usr/bin/{cat,id}")
  use std::children
  use std::metadata
  use std::descriptors
  allow file { read } on path("/etc/hostname", "/etc/shadow")
  scratch: allow file { write, create, truncate, read } on path("/tmp/work.*")
  accept gap scratch wider on seccomp + selinux of file { create } because "SELinux sees the folder, not the name"
  default deny with errno(EPERM)
  unknown syscall with errno(ENOSYS)
}
)";

// A folder with the policy and the program in it, where an ordinary user can read both.
class Verify : public Guest {
 protected:
  void SetUp() override {
    Guest::SetUp();
    if (IsSkipped()) return;
    char folder[] = "/tmp/ravelin-verify.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    fs::permissions(folder_, fs::perms(0777));
    Write("work.rav", kPolicy);
    fs::copy_file(RAVELIN_BINARY, folder_ + "/ravelin");
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void Write(const std::string& name, const std::string& text) const { ASSERT_TRUE(source::WriteFile(folder_ + "/" + name, text)); }

  struct Answer {
    int exit_code = -1;
    std::string text;
    Json json;
  };
  Answer Ask(std::vector<std::string> options, const std::string& line, bool ordinary_user = false) const {
    std::vector<std::string> command = {folder_ + "/ravelin", "verify", folder_ + "/work.rav", "--format", "json", "-o", folder_ + "/report", "--limit", "20", "--directory", "/"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "sh", "-c", line});
    if (ordinary_user && geteuid() == 0) command.insert(command.begin(), {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
    fs::remove(folder_ + "/report");
    const auto run = RunProcess(Through(command), {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
    Answer answer;
    if (!run) return answer;
    answer.exit_code = run->exit_code;
    answer.text = run->output;
    if (const auto report = source::ReadFile(folder_ + "/report")) answer.json = Json::parse(*report);
    return answer;
  }

  std::string folder_;

 private:
  // RunProcess looks programs up in PATH.
  static std::vector<std::string> Through(std::vector<std::string> command) {
    command.insert(command.begin(), "env");
    return command;
  }
};

std::string VerdictOf(const Json& report, const std::string& layers) {
  for (const Json& one : report["layer_sets"]) {
    std::string name;
    for (const Json& layer : one["layers"]) name += (name.empty() ? "" : "+") + layer.get<std::string>();
    if (name == layers) return one["verdict"];
  }
  return "none";
}

TEST_F(Verify, WhatThePolicyPermitsPassesUnderEveryLayer) {
  const Answer answer = Ask({}, "cat /etc/hostname; echo x > /tmp/work.1; cat /tmp/work.1");
  EXPECT_EQ(answer.exit_code, 0) << answer.text << answer.json.dump(1);
  EXPECT_EQ(answer.json["verdict"], "passed");
  for (const char* layers : {"seccomp", "apparmor", "selinux", "seccomp+apparmor", "seccomp+selinux"}) EXPECT_EQ(VerdictOf(answer.json, layers), "passed") << layers << answer.json.dump(1);
  EXPECT_TRUE(answer.json["denied"].empty()) << answer.json["denied"].dump(1);
  EXPECT_EQ(answer.json["judge"].get<std::string>().rfind("User-Mode Linux 6.1", 0), 0u);
  EXPECT_NE(answer.json["judge"].get<std::string>().find("AppArmor's features of 6.1"), std::string::npos) << "the guest's features are not those of the table";
}

// Guests know no working directory of ours: the root and what lies over it are said from where the command stands.
TEST_F(Verify, ARootAndALayerByRelativePaths) {
  fs::create_directories(folder_ + "/layer/etc");
  Write("layer/etc/hostname", "of the layer\n");
  const std::string line = fmt::format("cd {} && exec ./ravelin verify work.rav --root ../.. --layer layer --expect any-output --directory / --format json -o report -- sh -c 'read -r line < /etc/hostname; test \"$line\" = \"of the layer\"'", folder_);
  const auto run = RunProcess({"sh", "-c", line}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
  ASSERT_TRUE(run);
  const auto report = source::ReadFile(folder_ + "/report");
  ASSERT_TRUE(report) << run->output;
  EXPECT_EQ(run->exit_code, 0) << *report;
}

// One report and one exit code for all of a folder.
TEST_F(Verify, SeveralPoliciesAreJudgedAtOnce) {
  fs::create_directory(folder_ + "/all");
  Write("all/first.rav", kPolicy);
  Write("all/second.rav", std::string(kPolicy).replace(std::string(kPolicy).find("\"/etc/hostname\", "), 17, ""));
  Write("all/third.rav", "language 1\npolicy broken {\n");
  const auto ask = [&](const std::string& format) { return RunProcess({"env", folder_ + "/ravelin", "verify", folder_ + "/all", "-j", "2", "--format", format, "-o", folder_ + "/report", "--directory", "/", "--", "sh", "-c", "cat /etc/hostname"}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000); };
  auto run = ask("json");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->exit_code, 1) << run->output;
  const Json json = Json::parse(*source::ReadFile(folder_ + "/report"));
  ASSERT_EQ(json.size(), 3u) << json.dump(1);
  EXPECT_EQ(json[0]["verdict"], "passed") << json.dump(1);
  EXPECT_EQ(json[1]["verdict"], "failed") << json.dump(1);
  EXPECT_EQ(json[2]["verdict"], "not judged") << json.dump(1);
  run = ask("junit");
  ASSERT_TRUE(run);
  const std::string junit = *source::ReadFile(folder_ + "/report");
  EXPECT_NE(junit.find("first.rav"), std::string::npos);
  EXPECT_NE(junit.find("second.rav\" tests=\"5\" failures=\"4\""), std::string::npos) << junit;
  EXPECT_NE(junit.find("third.rav\" tests=\"1\" errors=\"1\""), std::string::npos) << junit;
  run = ask("text");
  ASSERT_TRUE(run);
  EXPECT_NE((*source::ReadFile(folder_ + "/report")).find("3 policies: 1 failed, 1 not judged, 1 passed\n"), std::string::npos) << *source::ReadFile(folder_ + "/report");
}

// A container's image as its runtime is given it.
TEST_F(Verify, AnOciBundleIsARoot) {
  const std::string bundle = folder_ + "/bundle";
  const std::string root = bundle + "/rootfs";
  for (const char* name : {"/etc", "/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/tmp", "/data"}) fs::create_directories(root + name);
  for (const auto& [link, to] : {std::pair("/lib", "usr/lib"), {"/lib64", "usr/lib64"}, {"/bin", "usr/bin"}}) fs::create_symlink(to, root + link);
  for (const char* file : {"/usr/bin/dash", "/usr/bin/cat", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/ld-linux-x86-64.so.2"}) fs::copy_file(fs::canonical(file), root + file);
  fs::create_symlink("dash", root + "/usr/bin/sh");
  fs::create_directory(folder_ + "/mounted");
  Write("mounted/note", "from a mount\n");
  Write("bundle/rootfs/etc/hostname", "the image\n");
  Write("bundle/rootfs/tmp/left", "of the image\n");
  Write("bundle/config.json", R"({"ociVersion": "1.0.2", "process": {"args": ["sh", "-c", "cat /etc/hostname /data/note /tmp/left; echo $WHO; pwd"], "env": ["PATH=/usr/bin", "WHO=the runtime"], "cwd": "/etc", "user": {"uid": 0, "gid": 0}},
    "root": {"path": "rootfs"}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/data", "type": "bind", "source": ")" + folder_ + R"(/mounted", "options": ["rbind", "ro"]}]})");
  std::string policy = kPolicy;
  policy.replace(policy.find("\"/etc/hostname\""), 15, "\"/etc/hostname\", \"/data/note\", \"/tmp/left\"");
  Write("work.rav", policy);
  const auto run = RunProcess({"env", folder_ + "/ravelin", "verify", folder_ + "/work.rav", "--root", bundle, "--format", "json"}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->exit_code, 0) << run->output;
  EXPECT_EQ(Json::parse(run->output)["verdict"], "passed") << run->output;
  // The image's folder is a root by itself.
  const auto plain = RunProcess({"env", folder_ + "/ravelin", "verify", folder_ + "/work.rav", "--root", root, "--", "sh", "-c", "cat /etc/hostname"}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->exit_code, 0) << plain->output;
  // What it said is what the bundle says: a policy that does not permit the mount's file fails.
  Write("work.rav", kPolicy);
  const auto without = RunProcess({"env", folder_ + "/ravelin", "verify", folder_ + "/work.rav", "--root", bundle}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->exit_code, 1) << without->output;
  EXPECT_NE(without->output.find("file { read } owner on /data/note"), std::string::npos) << without->output;
}

TEST_F(Verify, AnAttackFailsAndIsExplained) {
  const Answer answer = Ask({}, "cat /etc/passwd");
  EXPECT_EQ(answer.exit_code, 1) << answer.text;
  EXPECT_EQ(VerdictOf(answer.json, "seccomp"), "passed");  // a filter sees no paths
  for (const char* layers : {"apparmor", "selinux", "seccomp+apparmor", "seccomp+selinux"}) EXPECT_EQ(VerdictOf(answer.json, layers), "failed") << layers;
  ASSERT_EQ(answer.json["denied"].size(), 1u) << answer.json["denied"].dump(1);
  const Json& denied = answer.json["denied"][0];
  EXPECT_EQ(denied["event"], "file { read } owner on /etc/passwd");
  EXPECT_EQ(denied["allow"], "allow file { read } on path(\"/etc/passwd\")");
  EXPECT_EQ(denied["layers"], Json({"apparmor", "selinux"}));
  EXPECT_NE(denied["by"].get<std::string>().find("default deny"), std::string::npos);
  EXPECT_EQ(denied["errno"], "EACCES");
}

// SELinux labels single files of /proc and /sys, and no name that only begins as one of them does.
TEST_F(Verify, SingleFilesOfTheKernelAreToldApart) {
  std::string policy = kPolicy;
  policy.insert(policy.find("  default deny"), "  allow file { read } on path(\"/proc/sys/kernel/panic\", \"/sys/devices/system/cpu/online\")\n  accept gap filesystem file narrower on seccomp + selinux of file { read } because \"beside a host's policy they have no labels\"\n");
  Write("work.rav", policy);
  const Answer granted = Ask({}, "cat /proc/sys/kernel/panic /sys/devices/system/cpu/online");
  EXPECT_EQ(granted.exit_code, 0) << granted.text;
  EXPECT_EQ(VerdictOf(granted.json, "seccomp+selinux"), "passed") << granted.json.dump(1);
  const Answer refused = Ask({}, "cat /proc/sys/kernel/panic_on_oops /sys/devices/system/cpu/possible");
  EXPECT_EQ(refused.exit_code, 1);
  for (const char* path : {"/proc/sys/kernel/panic_on_oops", "/sys/devices/system/cpu/possible"}) EXPECT_NE(refused.json.dump().find(std::string("file { read } owner on ") + path), std::string::npos) << path << refused.json.dump(1);
  EXPECT_EQ(VerdictOf(refused.json, "selinux"), "failed");
  // What is below /proc/PID has the type of the process.
  const Answer own = Ask({}, "cat /proc/self/status");
  ASSERT_FALSE(own.json["denied"].empty());
  for (const Json& one : own.json["denied"]) {
    const std::string process = one["process"];  // cat[170]
    const std::string number = process.substr(process.find('[') + 1, process.find(']') - process.find('[') - 1);
    EXPECT_EQ(one["event"], "file { read } owner on /proc/" + number + "/status") << process;
  }
}

TEST_F(Verify, TheSuggestedPatchMakesItPass) {
  const std::string patch = folder_ + "/patch";
  const Answer before = Ask({"--suggest", patch}, "cat /etc/passwd; kill -0 $$");
  EXPECT_EQ(before.exit_code, 1) << before.text;
  const auto applied = RunProcess({"patch", "--quiet", folder_ + "/work.rav", patch}, {"PATH=/usr/bin:/bin"}, 5000);
  if (!applied) GTEST_SKIP() << "patch is not installed";
  ASSERT_EQ(applied->exit_code, 0) << applied->output;
  const Answer after = Ask({}, "cat /etc/passwd; kill -0 $$");
  EXPECT_EQ(after.exit_code, 0) << after.text << after.json.dump(1) << *source::ReadFile(folder_ + "/work.rav");
}

TEST_F(Verify, AFilterIsSeenToRefuse) {
  const Answer answer = Ask({}, "cat /etc/hostname; kill -0 $$ || exit 3");
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(VerdictOf(answer.json, "seccomp"), "failed");
  bool seen = false;
  for (const Json& denied : answer.json["denied"]) seen |= denied["event"].get<std::string>().rfind("kill(", 0) == 0 && denied["layers"] == Json({"seccomp"});
  EXPECT_TRUE(seen) << answer.json["denied"].dump(1);
}

TEST_F(Verify, WorksAsAnOrdinaryUser) {
  const Answer answer = Ask({}, "cat /etc/hostname; echo x > /tmp/work.1; cat /tmp/work.1", true);
  EXPECT_EQ(answer.exit_code, 0) << answer.text << answer.json.dump(1);
}

TEST_F(Verify, AHostFileThatTheUserCannotReadIsInconclusive) {
  const Answer answer = Ask({}, "cat /etc/shadow", true);
  EXPECT_EQ(answer.exit_code, 3) << answer.text << answer.json.dump(1);
  EXPECT_EQ(answer.json["verdict"], "inconclusive");
  EXPECT_NE(answer.json.dump().find("this user cannot read /etc/shadow on the host"), std::string::npos) << answer.json.dump(1);
}

TEST_F(Verify, ANewerTargetGetsNoUnqualifiedPass) {
  const Answer answer = Ask({"--target", "debian13"}, "cat /etc/hostname");
  EXPECT_EQ(answer.exit_code, 3) << answer.text;
  EXPECT_EQ(answer.json["verdict"], "inconclusive");
  EXPECT_EQ(VerdictOf(answer.json, "seccomp+apparmor"), "passed") << answer.json.dump(1);
  EXPECT_NE(answer.json["not_judged"].dump().find("Linux 6.12"), std::string::npos) << answer.json["not_judged"].dump();
  EXPECT_NE(answer.json["not_judged"].dump().find("more system calls"), std::string::npos) << answer.json["not_judged"].dump();
}

TEST_F(Verify, AWorkloadOfAnotherProgramIsAMistake) {
  Write("work.rav", std::string(kPolicy).replace(std::string(kPolicy).find("  layers"), 0, "  attach \"/usr/bin/bash\"\n"));
  EXPECT_EQ(Ask({}, "true").exit_code, 2);
}

TEST_F(Verify, OutputThatDiffersByItselfIsNotHeldAgainstThePolicy) {
  std::string policy = kPolicy;
  policy.replace(policy.find("/etc/hostname"), 0, "/proc/sys/kernel/random/uuid\", \"");
  policy.insert(policy.find("  default deny"), "  accept gap filesystem file narrower on seccomp + selinux of file { read } because \"another layer set is judged\"\n");
  Write("work.rav", policy);
  const Answer answer = Ask({"--policy", "work", "--expect", "any-output"}, "cat /proc/sys/kernel/random/uuid > /tmp/work.1");
  EXPECT_NE(answer.exit_code, 2) << answer.text;
  const Answer random = Ask({}, "cat /proc/sys/kernel/random/uuid; cat /etc/hostname");
  EXPECT_EQ(VerdictOf(random.json, "seccomp+apparmor"), "passed") << random.json.dump(1);
  EXPECT_NE(random.json.dump().find("the output of sh was not compared: two unconfined runs differ in it"), std::string::npos);
}

}  // namespace
}  // namespace ravelin::kernels
