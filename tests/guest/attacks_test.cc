// Attacks from inside of a service: code of an intruder in the very domain that the policy is for.  Each succeeds unconfined in the same
// kernel, and must be refused under both layer sets, by a layer that says so, or pass as a gap that the policy accepts.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

using Json = nlohmann::json;

const std::string kApps = std::string(RAVELIN_SOURCE_DIR) + "/policies/apps/";

// The report of an attack; `text`: of the attacks' file.
Json Attacked(const std::string& policy, const std::string& attacks, int& exit_code) {
  char report[] = "/tmp/ravelin-attack.XXXXXX";
  const int file = mkstemp(report);
  EXPECT_GE(file, 0);
  close(file);
  const auto run = RunProcess({"env", RAVELIN_BINARY, "verify", policy, "--attacks", attacks, "--format", "json", "-o", report}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 300000);
  EXPECT_TRUE(run);
  exit_code = run ? run->exit_code : -1;
  const auto text = source::ReadFile(report);
  std::filesystem::remove(report);
  if (text && !text->empty()) return Json::parse(*text);
  ADD_FAILURE() << (run ? run->output : "");
  return Json::object();
}

class Attacks : public testing::TestWithParam<const char*> {};

TEST_P(Attacks, AreRefusedOrAccountedFor) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  int exit_code = 0;
  const Json json = Attacked(kApps + GetParam() + ".rav", kApps + "intruder.attacks", exit_code);
  ASSERT_EQ(json.value("attacks", Json::array()).size(), 2u) << json.dump(1);
  for (const Json& set : json["attacks"]) {
    std::map<std::string, size_t> counts;
    for (const Json& one : set["answers"]) {
      ++counts[one["verdict"]];
      EXPECT_NE(one["verdict"], "unaccounted") << set["layers"] << one.dump(1);
      if (one["verdict"] != "refused") continue;
      EXPECT_NE(set["layers"].dump().find(one["layer"].dump()), std::string::npos) << one.dump(1);
      EXPECT_NE(one["by"], "") << one.dump(1);
    }
    EXPECT_LE(counts["inconclusive"], 2u) << set.dump(1);
    EXPECT_GE(counts["refused"], 11u) << set.dump(1);
    EXPECT_LE(counts["granted"], 1u) << set.dump(1);
  }
  EXPECT_EQ(exit_code, json["verdict"] == "passed" ? 0 : 3);
}

std::vector<const char*> Chosen() {
  if (std::getenv("RAVELIN_APPS") == nullptr) return {"bash_runner", "nginx"};
  return {"bash_runner", "cron_job", "curl", "gcc", "git", "nginx", "postgresql", "python_web", "redis", "sqlite3"};
}

INSTANTIATE_TEST_SUITE_P(Apps, Attacks, testing::ValuesIn(Chosen()), [](const auto& info) { return std::string(info.param); });

class AttackFiles : public Guest {
 protected:
  // One policy, and what is attacked.
  Json Judge(const std::string& rules, const std::string& attacks, int& exit_code, const std::string& layers = "seccomp + apparmor") const {
    char folder[] = "/tmp/ravelin-attacks.XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    const std::string policy = std::string(folder) + "/work.rav";
    const std::string text = "language 1\npolicy work {\n  attach \"/usr/bin/work\"\n  layers { " + layers + " }\n  use std::dynamic_program\n  use std::metadata\n  use std::program(file = \"/usr/bin/work\")\n" + rules + "  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n";
    EXPECT_TRUE(source::WriteFile(policy, text));
    EXPECT_TRUE(source::WriteFile(std::string(folder) + "/work.attacks", attacks));
    Json json = Attacked(policy, std::string(folder) + "/work.attacks", exit_code);
    std::filesystem::remove_all(folder);
    return json;
  }
};

TEST_F(AttackFiles, WhatThePolicyPermitsIsNotAccountedFor) {
  int exit_code = 0;
  const Json json = Judge("  allow file { read } on path(\"/etc/shadow\")\n", "file /etc/shadow 600 <<END\nx\nEND\nattack read: read /etc/shadow is file { read } on \"/etc/shadow\"\n", exit_code);
  EXPECT_EQ(exit_code, 1) << json.dump(1);
  EXPECT_EQ(json["attacks"][0]["answers"][0]["verdict"], "unaccounted") << json.dump(1);
}

// AppArmor of 6.1 is not asked for name spaces.
TEST_F(AttackFiles, WhatNoLayerSeesIsAccountedForByTheAcceptanceThatNamesIt) {
  const std::string attack = "attack user_namespace: user_namespace is namespace { user }\n";
  std::string rest;
  for (const char* facet : {"bpf", "file", "io_uring", "ipc", "keyring", "memory", "module", "mount", "perf", "personality", "rlimit", "setid", "system"}) rest += std::string("  accept gap default ") + facet + " wider on apparmor because \"no filter is deployed\"\n";
  int exit_code = 0;
  const Json accepted = Judge(rest + "  accept gap default namespace wider on apparmor of namespace { user } because \"root needs none\"\n  accept gap default namespace wider on apparmor because \"nor the others\"\n", attack, exit_code, "apparmor");
  EXPECT_EQ(exit_code, 0) << accepted.dump(1);
  const Json& answer = accepted["attacks"][0]["answers"][0];
  EXPECT_EQ(answer["verdict"], "accepted") << accepted.dump(1);
  EXPECT_NE(answer["by"].get<std::string>().find("accepted at"), std::string::npos) << accepted.dump(1);
  const Json open = Judge(rest, attack, exit_code, "apparmor");
  EXPECT_EQ(exit_code, 1) << open.dump(1);
  EXPECT_EQ(open["verdict"], "not judged") << open.dump(1);
}

TEST_F(AttackFiles, WhatFailsUnconfinedIsInconclusive) {
  int exit_code = 0;
  const Json json = Judge("", "attack read: read /no/such/file is file { read } on \"/no/such/file\"\n", exit_code);
  EXPECT_EQ(exit_code, 3) << json.dump(1);
  EXPECT_EQ(json["attacks"][0]["answers"][0]["verdict"], "inconclusive") << json.dump(1);
}

}  // namespace
}  // namespace ravelin::kernels
