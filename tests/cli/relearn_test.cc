// `learn --onto`: what a policy lacks that somebody has edited since it was learned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::RunRavelin;

class Relearn : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Text(const std::string& name) const { return source::ReadFile(Path(name)).value_or(""); }

  void Record(const std::string& name, const std::string& lines) {
    folder_.Write(name + ".log", "7 execve(\"/usr/bin/tool\", [\"tool\"], 0x7ffe /* 3 vars */) = 0\n7 openat(AT_FDCWD, \"/etc/tool.conf\", O_RDONLY|O_CLOEXEC) = 3\n7 read(3, \"x\", 4096) = 1\n" + lines + "7 exit_group(0) = ?\n");
    const Output imported = RunRavelin({"import", "events", Path(name + ".log"), "-o", Path(name + ".rec")});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  Output Learn(const std::string& recording, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"learn", "--from", Path(recording + ".rec"), "--name", "tool"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunRavelin(arguments);
  }
  bool Apply(const std::string& patch) { return std::system(("cd / && patch -s -p0 -i " + Path(patch) + " " + Path("tool.rav")).c_str()) == 0; }
};

TEST_F(Relearn, AddsWhatIsNewAndKeepsWhatWasWrittenByHand) {
  Record("before", "");
  Learn("before", {"-o", Path("tool.rav")});
  // By hand: a remark, a rule, a refusal, and a wider pattern.
  std::string edited = Text("tool.rav");
  const size_t at = edited.find("  default deny");
  ASSERT_NE(at, std::string::npos) << edited;
  edited.insert(at, "  // ours: reviewed\n  ours: allow file { read } on path(\"/srv/**\")\n  deny file { read } on path(\"/etc/secret\")\n  deny syscall getpriority with errno(EPERM)\n");
  folder_.Write("tool.rav", edited);
  const Output nothing = Learn("before", {"--onto", Path("tool.rav"), "-o", Path("none.patch")});
  EXPECT_EQ(nothing.exit_code, 0) << nothing.err;
  EXPECT_EQ(Text("none.patch"), "");
  EXPECT_EQ(Text("tool.rav"), edited) << "nothing is written without being asked for";

  Record("after",
         "7 openat(AT_FDCWD, \"/srv/data\", O_RDONLY) = 4\n7 openat(AT_FDCWD, \"/etc/secret\", O_RDONLY) = 5\n7 openat(AT_FDCWD, \"/etc/new.conf\", O_RDONLY) = 6\n"
         "7 openat2(AT_FDCWD, \"/etc/tool.conf\", {flags=O_RDONLY}, 24) = 7\n7 getpriority(PRIO_PROCESS, 0) = 20\n7 socket(AF_UNIX, SOCK_STREAM, 0) = 8\n7 sysinfo(0x7ffe) = 0\n");
  const Output more = Learn("after", {"--onto", Path("tool.rav"), "-o", Path("new.patch")});
  EXPECT_EQ(more.exit_code, 1) << more.err;
  const std::string patch = Text("new.patch");
  EXPECT_THAT(patch, HasSubstr("+  // /etc/new.conf: runs 1/1"));
  EXPECT_THAT(patch, HasSubstr("path(\"/etc/new.conf\")"));
  EXPECT_THAT(patch, HasSubstr("sysinfo"));
  EXPECT_THAT(patch, HasSubstr("allow network { create } family AF_UNIX type STREAM"));
  EXPECT_THAT(patch, Not(HasSubstr("/srv/data"))) << "what was written by hand covers it";
  EXPECT_THAT(patch, Not(HasSubstr("+  files_read: ")));
  EXPECT_THAT(patch, Not(HasSubstr("getpriority,")));
  EXPECT_THAT(more.err, HasSubstr("/etc/secret")) << "what was refused by hand stays refused, and is told";

  ASSERT_TRUE(Apply("new.patch")) << patch;
  const std::string applied = Text("tool.rav");
  EXPECT_THAT(applied, HasSubstr("  // ours: reviewed\n  ours: allow file { read } on path(\"/srv/**\")\n"));
  EXPECT_EQ(RunRavelin({"fmt", "--check", Path("tool.rav")}).out, "") << "what is added is laid out as what was there\n" << applied;
  EXPECT_THAT(patch, Not(HasSubstr("-  unused: deny syscall {"))) << "lines that stay are left alone";
  // It is a policy, and it lacks nothing any more.
  const Output again = Learn("after", {"--onto", Path("tool.rav"), "-o", Path("again.patch")});
  EXPECT_EQ(again.exit_code, 0) << again.err << Text("again.patch");
  const Output openat2 = RunRavelin({"explain", Path("tool.rav"), "openat2(AT_FDCWD, 0, 0, 24)"});
  EXPECT_THAT(openat2.out, HasSubstr("allowed")) << openat2.out;
  EXPECT_THAT(RunRavelin({"explain", Path("tool.rav"), "getpriority(0, 0)"}).out, HasSubstr("denied"));
}

}  // namespace
}  // namespace ravelin
