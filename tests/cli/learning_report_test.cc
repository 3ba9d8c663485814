// What was observed beside what is granted: `report` and `explain --evidence`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::RunRavelin;

class LearningReport : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  // Two runs: what both did, and what one of them did.
  std::string Recording() {
    const std::string common = "7 execve(\"/usr/bin/tool\", [\"tool\"], 0x7ffe /* 3 vars */) = 0\n7 openat(AT_FDCWD, \"/etc/tool.conf\", O_RDONLY|O_CLOEXEC) = 3\n7 read(3, \"x\", 4096) = 1\n";
    folder_.Write("one.log", common + "7 openat(AT_FDCWD, \"/srv/<b>&\\\"x\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4\n7 exit_group(0) = ?\n");
    folder_.Write("two.log", common + "7 socket(AF_UNIX, SOCK_STREAM, 0) = 4\n7 exit_group(0) = ?\n");
    const Output imported = RunRavelin({"import", "events", Path("one.log"), Path("two.log"), "-o", Path("run.rec")});
    EXPECT_EQ(imported.exit_code, 0) << imported.err;
    return Path("run.rec");
  }
  std::string Page(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "report");
    arguments.insert(arguments.end(), {"-o", Path("page.html"), "--root", folder_.path()});
    const Output out = RunRavelin(arguments);
    EXPECT_EQ(out.exit_code, 0) << out.err;
    const auto text = source::ReadFile(Path("page.html"));
    return text ? *text : "";
  }
};

TEST_F(LearningReport, ShowsWhatWasSeenAndWhatPermitsIt) {
  const std::string recording = Recording();
  const std::string page = Page({recording});
  EXPECT_THAT(page, AllOf(HasSubstr("id=\"complete\""), HasSubstr("id=\"paths\""), HasSubstr("id=\"calls\""), HasSubstr("id=\"programs\""), HasSubstr("id=\"gaps\""), HasSubstr("id=\"rules\"")));
  EXPECT_THAT(page, AllOf(HasSubstr("<code>tool.conf</code>"), HasSubstr("in 1 run"), HasSubstr("runs 2/2"), HasSubstr("runs 1/2")));
  EXPECT_THAT(page, HasSubstr("AF_UNIX")) << "arguments by their names";
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;")) << "names of files are text";
  EXPECT_THAT(page, Not(HasSubstr("<b>&")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http://")), Not(HasSubstr("https://"))));
  EXPECT_EQ(Page({recording}), page) << "the same every time";
}

TEST_F(LearningReport, JudgesAPolicyThatSomebodyWrote) {
  const std::string policy = folder_.Write("tool.rav",
                                           "language 1\npolicy tool {\n  layers { seccomp + apparmor }\n  conf: allow file { read } on path(\"/etc/tool.conf\")\n  never_used: allow file { read } on path(\"/srv/other\")\n"
                                           "  calls: allow syscall { read, exit_group, execve }\n  default deny\n}\n");
  const std::string recording = Recording();
  const std::string page = Page({recording, "--policy", policy});
  EXPECT_THAT(page, HasSubstr("nothing was seen for it"));
  EXPECT_THAT(page, AllOf(HasSubstr("id=\"refused\""), HasSubstr("<th scope=\"row\">network create")));
  const Output evidence = RunRavelin({"explain", policy, "--evidence", "conf", "--from", recording});
  EXPECT_EQ(evidence.exit_code, 0) << evidence.err;
  EXPECT_THAT(evidence.out, AllOf(HasSubstr("tool.rav:4:3"), HasSubstr("conf: allow file { read }"), HasSubstr("runs 2/2, x2  file read path=/etc/tool.conf")));
  EXPECT_EQ(RunRavelin({"explain", policy, "--evidence", "4", "--from", recording}).out, evidence.out) << "a line is as good as a label";
  const Output none = RunRavelin({"explain", policy, "--evidence", "never_used", "--from", recording});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.out, HasSubstr("nothing was seen"));
  const auto json = nlohmann::json::parse(RunRavelin({"explain", policy, "--evidence", "calls", "--from", recording, "--format", "json"}).out);
  EXPECT_GE(json.at(0).at("evidence").size(), 3u);
}

// Twelve files of one folder, one in each run: a pattern, which a reviewer narrows or denies.
class Review : public LearningReport {
 protected:
  std::string Many() {
    std::vector<std::string> arguments = {"import", "events"};
    for (int i = 0; i < 12; ++i) {
      const std::string name = "log" + std::to_string(i);
      folder_.Write(name, "7 execve(\"/usr/bin/tool\", [\"tool\"], 0x7ffe /* 3 vars */) = 0\n7 openat(AT_FDCWD, \"/srv/data/item" + std::to_string(100 + i) + ".txt\", O_RDONLY) = 3\n7 openat(AT_FDCWD, \"/etc/shadow\", O_RDONLY) = 4\n7 socket(AF_UNIX, SOCK_STREAM, 0) = 5\n7 exit_group(0) = ?\n");
      arguments.push_back(Path(name));
    }
    arguments.insert(arguments.end(), {"-o", Path("many.rec")});
    EXPECT_EQ(RunRavelin(arguments).exit_code, 0);
    return Path("many.rec");
  }
  Output Learn(const std::string& recording, const std::string& answers) { return RunRavelin({"learn", "--from", recording, "--review", "-o", Path("tool.rav"), "--root", folder_.path()}, answers); }
  std::string Learned() {
    const auto text = source::ReadFile(Path("tool.rav"));
    return text ? *text : "";
  }
};

TEST_F(Review, AcceptsNarrowsAndDenies) {
  const std::string recording = Many();
  const Output accepted = Learn(recording, "a\nr\n");
  EXPECT_THAT(accepted.err, AllOf(HasSubstr("file { read } on "), HasSubstr("more on this machine would be open")));
  EXPECT_THAT(accepted.err, HasSubstr("not asked about"));
  const std::string all = Learned();
  EXPECT_THAT(all, AllOf(HasSubstr("\"/srv/data/*.txt\""), HasSubstr("allow network")));
  // The pattern is narrowed, the sensitive file denied, the socket, too.
  const Output decided = Learn(recording, "x\nd\nn\na\nd\n");
  EXPECT_THAT(decided.err, AllOf(HasSubstr("sensitive: "), HasSubstr("one of the letters")));
  const std::string policy = Learned();
  EXPECT_THAT(policy, AllOf(HasSubstr("item100.txt"), HasSubstr("item111.txt"), HasSubstr("narrowed in review"))) << decided.err;
  EXPECT_THAT(policy, AllOf(HasSubstr("deny file { read } on path(\"/etc/shadow\")"), HasSubstr("deny network { create }"), HasSubstr("denied in review")));
  EXPECT_EQ(RunRavelin({"explain", Path("tool.rav"), "file read \"/srv/data/item105.txt\""}).exit_code, 0);
  EXPECT_EQ(RunRavelin({"explain", Path("tool.rav"), "file read \"/srv/data/item200.txt\""}).exit_code, 1);
}

TEST_F(Review, WritesNothingWhereItEndsEarly) {
  const Output out = Learn(Many(), "a\n");
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_THAT(out.err, HasSubstr("nothing was written"));
  EXPECT_FALSE(std::filesystem::exists(Path("tool.rav")));
}

TEST_F(LearningReport, SaysWhatIsWrongWithTheQuestion) {
  const std::string policy = folder_.Write("p.rav", "language 1\npolicy p {\n  a: allow syscall read\n  default deny\n}\n");
  EXPECT_EQ(RunRavelin({"explain", policy, "--evidence", "a"}).exit_code, 2) << "where from?";
  const std::string recording = Recording();
  EXPECT_EQ(RunRavelin({"explain", policy, "read(0)", "--evidence", "a", "--from", recording}).exit_code, 2) << "two questions";
  const Output unknown = RunRavelin({"explain", policy, "--evidence", "b", "--from", recording});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no rule `b`"));
  EXPECT_EQ(RunRavelin({"report", policy, "-o", Path("x.html")}).exit_code, 1) << "no recording";
  EXPECT_FALSE(std::filesystem::exists(Path("x.html")));
  EXPECT_EQ(RunRavelin({"explain", policy}).exit_code, 2) << "no question at all";
}

}  // namespace
}  // namespace ravelin
