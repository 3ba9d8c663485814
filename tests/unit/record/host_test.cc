// The recorder on this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

using testing::Contains;
using testing::HasSubstr;

bool MayTrace() {
  const pid_t child = fork();
  if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Host : public testing::Test {
 protected:
  void SetUp() override {
    if (!MayTrace()) GTEST_SKIP() << "this machine forbids tracing";
  }
  static observe::Run RunIt(const std::string& line) {
    Request request;
    request.driver = "ptrace";
    request.command = {"sh", "-c", line};
    request.runs = 1;
    request.limit_ms = 20000;
    const auto recording = Record(request, [](const std::string&) {});
    EXPECT_TRUE(recording) << recording.error().message;
    return recording ? recording->runs.begin()->second : observe::Run();
  }
  static std::vector<std::string> Shown(const observe::Run& run) {
    std::vector<std::string> out;
    for (const auto& [fact, seen] : run.facts) out.push_back(observe::Show(fact));
    return out;
  }
};

TEST_F(Host, FollowsChildrenAndFiles) {
  const auto run = RunIt("echo hi > $TMPDIR/x; cat $TMPDIR/x > /dev/null; ln -s x $TMPDIR/y; echo > $TMPDIR/a; mv $TMPDIR/a $TMPDIR/b; cat $TMPDIR/y > /dev/null; kill -0 1; kill -CONT $$; exit 3");
  const auto shown = Shown(run);
  const std::string folder = run.variation.at("TMPDIR");
  EXPECT_EQ(run.status, "exit 3");
  EXPECT_TRUE(run.completeness.Whole());
  EXPECT_THAT(shown, Contains("file create path=" + folder + "/x"));
  EXPECT_THAT(shown, Contains("file write path=" + folder + "/x"));
  EXPECT_THAT(shown, Contains("file write path=/dev/null"));
  EXPECT_THAT(shown, testing::Not(Contains("file create path=/dev/null")));
  EXPECT_THAT(shown, Contains(HasSubstr("file read given=" + folder + "/y path=" + folder + "/x"))) << "the link is followed";
  EXPECT_THAT(shown, Contains("file create_symlink path=" + folder + "/y"));
  EXPECT_THAT(shown, Contains("file rename_from path=" + folder + "/a"));
  EXPECT_THAT(shown, Contains("file rename_to path=" + folder + "/b"));
  EXPECT_THAT(shown, Contains("exec exec path=/usr/bin/cat"));
  EXPECT_THAT(shown, Contains("syscall brk arch=x86_64"));
  EXPECT_THAT(shown, Contains(HasSubstr("signal send peer=self")));
  bool chain = false;
  for (const auto& [fact, seen] : run.facts) chain = chain || observe::Decode(fact.process)["chain"].find(" > /usr/bin/cat") != std::string::npos;
  EXPECT_TRUE(chain);
}

TEST_F(Host, ATimeLimitIsNoCleanEnd) {
  Request request;
  request.driver = "ptrace";
  request.command = {"sleep", "30"};
  request.runs = 1;
  request.limit_ms = 1000;
  const auto recording = Record(request, [](const std::string&) {});
  ASSERT_TRUE(recording);
  EXPECT_FALSE(recording->runs.begin()->second.completeness.Whole());
}

TEST_F(Host, AProgramThatIsMissingIsNoRun) {
  Request request;
  request.driver = "ptrace";
  request.command = {"/no/such/program"};
  request.runs = 1;
  const auto recording = Record(request, [](const std::string&) {});
  ASSERT_TRUE(recording);
  EXPECT_THAT(recording->runs.begin()->second.completeness.WhyNotWhole(), Contains("the workload did not start"));
}

TEST_F(Host, SocketsKeepTheirKind) {
  const auto run = RunIt("python3 -c \"import socket; a,b=socket.socketpair(); s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 5353))\" 2>/dev/null || exit 77");
  if (run.status == "exit 77") GTEST_SKIP() << "this machine has no /usr/bin/python3";
  EXPECT_THAT(Shown(run), Contains("network connect address=127.0.0.1 family=0x2 port=5353 protocol=0x0 type=0x2"));
}

}  // namespace
}  // namespace ravelin::record
