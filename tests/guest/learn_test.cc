// Learned from nothing, enforced by real kernels.
#include <fmt/format.h>

#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

class Learn : public Guest {
 protected:
  void SetUp() override {
    Guest::SetUp();
    char name[] = "/var/tmp/ravelin-learn.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    ASSERT_TRUE(source::WriteFile(folder_ + "/accept", "accept gap files_* wider on seccomp + apparmor of file { create, delete, rename, setattr, write, truncate, append, create_dir } because \"one permission of AppArmor\"\n"));
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
  const auto learned = Ravelin({"learn", "-o", policy, "--accept", folder_ + "/accept", "--verify", "--directory", "/", "--", "sh", "-c", work});
  EXPECT_EQ(learned.exit_code, 0) << learned.output;
  EXPECT_NE(learned.output.find("verdict       verified"), std::string::npos) << learned.output;
  const std::string text = source::ReadFile(policy).value_or("");
  EXPECT_NE(text.find("/tmp/tmp.[0-9a-zA-Z_]"), std::string::npos) << text;
  EXPECT_EQ(text.find("/etc/shadow"), std::string::npos);
  // Another run of the same kind passes; what was not learned is refused.
  const auto attack = Ravelin({"verify", policy, "--directory", "/", "--", "sh", "-c", "cat /etc/shadow > /dev/null; cat /etc/hostname > /dev/null"});
  EXPECT_EQ(attack.exit_code, 1) << attack.output;
  EXPECT_NE(attack.output.find("/etc/shadow"), std::string::npos) << attack.output;
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
