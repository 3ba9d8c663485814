// Learned from nothing, enforced by real kernels.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

const std::string kAccept = std::string(RAVELIN_SOURCE_DIR) + "/policies/learned.accept";

class Learn : public Guest {
 protected:
  void SetUp() override {
    Guest::SetUp();
    char name[] = "/var/tmp/ravelin-learn.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  ProcessResult Ravelin(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"env", RAVELIN_BINARY});
    const auto result = RunProcess(arguments, {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, 120000);
    EXPECT_TRUE(result);
    return result ? *result : ProcessResult();
  }
  std::string folder_;
};

TEST_F(Learn, ClosesTheLoop) {
  const std::string policy = folder_ + "/sh.rav";
  const std::string work = "cat /etc/hostname > /dev/null; f=$(mktemp); echo hi > $f; cat $f; rm $f";
  const auto learned = Ravelin({"learn", "-o", policy, "--accept", kAccept, "--verify", "--directory", "/", "--", "sh", "-c", work});
  EXPECT_EQ(learned.exit_code, 0) << learned.output;
  EXPECT_NE(learned.output.find("verdict       verified"), std::string::npos) << learned.output;
  // Code of an intruder in its domain: a shell is what the workload is, everything else is refused.
  EXPECT_NE(learned.output.find("of 13 attacks refused"), std::string::npos) << learned.output;
  EXPECT_EQ(learned.output.find("unaccounted"), std::string::npos) << learned.output;
  const std::string text = source::ReadFile(policy).value_or("");
  EXPECT_NE(text.find("/tmp/tmp.[0-9a-zA-Z_]"), std::string::npos) << text;
  EXPECT_EQ(text.find("/etc/shadow"), std::string::npos);
  // Another run of the same kind passes; what was not learned is refused.
  const auto attack = Ravelin({"verify", policy, "--directory", "/", "--", "sh", "-c", "cat /etc/shadow > /dev/null; cat /etc/hostname > /dev/null"});
  EXPECT_EQ(attack.exit_code, 1) << attack.output;
  EXPECT_NE(attack.output.find("/etc/shadow"), std::string::npos) << attack.output;
}

TEST_F(Learn, SaysWhereTheWorkloadHasDrifted) {
  const std::string policy = folder_ + "/sh.rav";
  const auto learned = Ravelin({"learn", "-o", policy, "--keep", folder_ + "/before", "--accept", kAccept, "--directory", "/", "--", "sh", "-c", "cat /etc/hostname > /dev/null"});
  ASSERT_EQ(learned.exit_code, 0) << learned.output;
  const auto same = Ravelin({"learn", "--from", folder_ + "/before", "--check", policy});
  EXPECT_EQ(same.exit_code, 0) << same.output;
  ASSERT_EQ(Ravelin({"record", "--runs", "1", "-o", folder_ + "/after", "--directory", "/", "--", "sh", "-c", "cat /etc/hostname /etc/hosts > /dev/null; mkdir /tmp/d"}).exit_code, 0);
  const auto drifted = Ravelin({"learn", "--from", folder_ + "/after", "--check", policy});
  EXPECT_EQ(drifted.exit_code, 1) << drifted.output;
  EXPECT_NE(drifted.output.find("+ observed, and refused by the policy: file { read }, for example on /etc/hosts"), std::string::npos) << drifted.output;
  EXPECT_NE(drifted.output.find("exec { exec }, for example on /usr/bin/mkdir"), std::string::npos) << drifted.output;
}

// A gap that nobody accepted is told, and the policy is written all the same.
TEST_F(Learn, AcceptsNoGapByItself) {
  const std::string policy = folder_ + "/sh.rav";
  const auto learned = Ravelin({"learn", "-o", policy, "--directory", "/", "--", "sh", "-c", "echo > /tmp/x; echo > /tmp/y; rm /tmp/y"});
  EXPECT_EQ(learned.exit_code, 1) << learned.output;
  EXPECT_NE(learned.output.find("gap           accept gap files_"), std::string::npos) << learned.output;
  EXPECT_EQ(source::ReadFile(policy).value_or("accept gap").find("accept gap"), std::string::npos);
}

// SELinux is asked first, permissive: the loader is mapped, and what has no label of its own shows at once.
TEST_F(Learn, ClosesTheLoopUnderSelinux) {
  const std::string policy = folder_ + "/sh.rav";
  ASSERT_TRUE(source::WriteFile(folder_ + "/one.attacks", "file /etc/shadow 600 <<END\nx\nEND\nattack read_shadow: read /etc/shadow is file { read } on \"/etc/shadow\"\n"));
  const auto learned = Ravelin({"learn", "-o", policy, "--runs", "1", "--accept", kAccept, "--verify", "--layers", "seccomp + selinux", "--attacks", folder_ + "/one.attacks", "--directory", "/", "--", "sh", "-c", "mkdir /srv/d; echo hi > /srv/d/a; mv /srv/d/a /srv/d/b; rm /srv/d/b"});
  EXPECT_EQ(learned.exit_code, 0) << learned.output;
  EXPECT_NE(learned.output.find("seccomp + selinux    1 of 1 attacks refused"), std::string::npos) << learned.output;
  // The libraries of mkdir and mv read it: a single file of /proc has a label of its own.
  EXPECT_NE(source::ReadFile(policy).value_or("").find("\"/proc/filesystems\""), std::string::npos);
  EXPECT_EQ(learned.output.find("refused file { read }"), std::string::npos) << learned.output;
  EXPECT_NE(source::ReadFile(policy).value_or("").find("accept gap filesystem file narrower on seccomp + selinux"), std::string::npos);
}

// Recorded by both modules, the workload needs no question of SELinux's any more.
TEST_F(Learn, WhatSelinuxIsAskedIsRecorded) {
  const std::string policy = folder_ + "/sh.rav";
  ASSERT_TRUE(source::WriteFile(folder_ + "/none.attacks", "file /etc/shadow 600 <<END\nx\nEND\nattack read_shadow: read /etc/shadow is file { read } on \"/etc/shadow\"\n"));
  const std::vector<std::string> work = {"--directory", "/", "--", "sh", "-c", "mkdir /srv/d; echo hi > /srv/d/a; mv /srv/d/a /srv/d/b; rm /srv/d/b; test -w /tmp; cat /proc/meminfo > /dev/null"};
  std::vector<std::string> learn = {"learn", "-o", policy, "--driver", "uml,selinux", "--runs", "1", "--keep", folder_ + "/kept", "--accept", kAccept, "--verify", "--layers", "seccomp + selinux", "--attacks", folder_ + "/none.attacks"};
  learn.insert(learn.end(), work.begin(), work.end());
  const auto learned = Ravelin(learn);
  EXPECT_EQ(learned.exit_code, 0) << learned.output;
  EXPECT_NE(learned.output.find("selinux, permissive: "), std::string::npos) << learned.output;
  EXPECT_EQ(learned.output.find(" more\n"), learned.output.find(" 0 more\n") + 2) << learned.output;
  EXPECT_NE(learned.output.find("round 1: 0 refusals"), std::string::npos) << learned.output;
  EXPECT_EQ(learned.output.find("INCOMPLETE"), std::string::npos) << learned.output;
  // SELinux is asked by access(2), which AppArmor is not; what is made and removed both say.
  const auto shown = Ravelin({"recording", "export", folder_ + "/kept"});
  std::map<std::string, std::set<std::string>> seen;  // driver -> operations on files below /srv/d
  std::map<std::string, std::string> drivers;
  std::istringstream lines(shown.output);
  for (std::string line; std::getline(lines, line);) {
    const auto one = nlohmann::json::parse(line, nullptr, false);
    if (one.is_discarded()) continue;
    if (one.contains("driver")) drivers[one["run"]] = one["driver"];
    if (!one.contains("facet") || one["facet"] != "file" || !one["attributes"].contains("path") || !one["process"].contains("subject")) continue;
    const std::string path = one["attributes"]["path"];
    for (const auto& [run, sighting] : one["seen"].items()) {
      if (path.rfind("/srv/d", 0) == 0) seen[drivers[run]].insert(one["operation"].get<std::string>() + " " + path);
    }
  }
  for (const char* driver : {"uml", "selinux"}) {
    for (const char* fact : {"create_dir /srv/d", "create /srv/d/a", "rename_from /srv/d/a", "rename_to /srv/d/b", "delete /srv/d/b"}) EXPECT_EQ(seen[driver].count(fact), 1u) << driver << ": " << fact;
  }
}

// A filter alone sees no file: whoever accepted that beforehand, for whatever policy it may be, has not accepted this attack.
TEST_F(Learn, AnAcceptanceThatAnAttackExploitsFails) {
  const std::string policy = folder_ + "/true.rav";
  ASSERT_TRUE(source::WriteFile(folder_ + "/secret.attacks", "file /etc/shadow 600 <<END\nx\nEND\nattack read_shadow: read /etc/shadow is file { read } on \"/etc/shadow\"\n"));
  ASSERT_TRUE(source::WriteFile(folder_ + "/blanket.accept", "accept gap files_* wider on seccomp of file because \"trusted\"\n"));
  std::vector<std::string> learn = {"learn", "-o", policy, "--verify", "--runs", "1", "--layers", "seccomp", "--attacks", folder_ + "/secret.attacks", "--directory", "/", "--", "cat", "/etc/hostname"};
  const auto open = Ravelin(learn);
  EXPECT_EQ(open.exit_code, 1) << open.output;
  EXPECT_NE(open.output.find("verdict       attacked"), std::string::npos) << open.output;
  EXPECT_NE(open.output.find("seccomp: attack read_shadow gets through: the policy refuses it, and a gap that is not accepted lets it pass"), std::string::npos) << open.output;
  learn.insert(learn.begin() + 1, {"--accept", folder_ + "/blanket.accept"});
  const auto exploited = Ravelin(learn);
  EXPECT_EQ(exploited.exit_code, 1) << exploited.output;
  EXPECT_NE(exploited.output.find("seccomp: attack read_shadow gets through a gap that was accepted beforehand"), std::string::npos) << exploited.output;
  EXPECT_NE(exploited.output.find("verdict       attacked"), std::string::npos) << exploited.output;
}

TEST_F(Learn, ObservationsOfBothDriversAgreeOnFilesAndPrograms) {
  const std::string work = "cat /etc/hostname > /dev/null";
  for (const char* driver : {"uml", "ptrace"}) {
    const auto recorded = Ravelin({"record", "--driver", driver, "--runs", "1", "--directory", "/", "-o", folder_ + "/" + driver, "--", "env", "-i", "sh", "-c", work});
    ASSERT_EQ(recorded.exit_code, 0) << recorded.output;
  }
  const auto difference = Ravelin({"recording", "diff", folder_ + "/uml", folder_ + "/ptrace"});
  // Reads and programs: the same.  (The mechanism also says who owns a file, and what of the loader is mapped.)
  EXPECT_EQ(difference.output.find("+ exec"), std::string::npos) << difference.output;
  EXPECT_EQ(difference.output.find("+ file read path=/etc/hostname"), std::string::npos) << difference.output;
}

}  // namespace
}  // namespace ravelin::kernels
