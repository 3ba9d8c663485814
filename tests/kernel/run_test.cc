// The launcher: what a command under a policy sees, with and without denials traced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::RunRavelin;
using testing::TemporaryFolder;

class Run : public ::testing::Test {
 protected:
  void SetUp() override {
    const Output out = Under("  deny syscall acct", false, {"true"});
    // Only where the machine stands in the way of every filter; one that the kernel calls invalid is our fault.
    if (out.exit_code == 3 && out.err.find("this kernel does not let a process install a filter") != std::string::npos) GTEST_SKIP() << out.err;
  }
  // A command under a policy that permits what its lines do not refuse.
  Output Under(const std::string& lines, bool trace, std::vector<std::string> command) {
    const std::string path = folder_.Write("p.rav", "language 1\npolicy p {\n  layers { seccomp }\n  default allow syscall\n" + lines + "\n}\n");
    std::vector<std::string> arguments = {"run", path};
    if (trace) arguments.push_back("--trace-denials");
    arguments.push_back("--");
    arguments.insert(arguments.end(), command.begin(), command.end());
    return RunRavelin(arguments);
  }
  TemporaryFolder folder_;
};

TEST_F(Run, ExitStatusAndOutputAreTheCommands) {
  const Output out = Under("  deny syscall acct", false, {"sh", "-c", "echo out; echo err >&2; exit 42"});
  EXPECT_EQ(out.exit_code, 42);
  EXPECT_EQ(out.out, "out\n");
  EXPECT_THAT(out.err, HasSubstr("err\n"));
  EXPECT_THAT(out.err, HasSubstr("--trace-denials")) << "one line names the flag";
  EXPECT_EQ(Under("", false, {"true"}).err, "") << "nothing to say of a success";
  EXPECT_EQ(Under("", false, {"sh", "-c", "kill -TERM $$"}).exit_code, 128 + 15);
}

TEST_F(Run, CommandsThatCannotStart) {
  EXPECT_EQ(Under("", false, {"no-such-command"}).exit_code, 127);
  EXPECT_EQ(Under("", true, {"/no/such/path"}).exit_code, 127);
  EXPECT_EQ(Under("", false, {"/etc/passwd"}).exit_code, 126);
  const std::string script = folder_.Write("bad", "#!/no/interpreter\n");
  chmod(script.c_str(), 0755);
  EXPECT_EQ(Under("", false, {script}).exit_code, 127);
  EXPECT_EQ(Under("", true, {script}).exit_code, 127);
}

TEST_F(Run, ThePolicysAnswersAreTheSameWhenTraced) {
  struct Case {
    const char* rule;
    std::vector<std::string> command;
    int exit_code;
  };
  const std::string there = folder_.path() + "/there";
  for (const Case& c : {Case{"  deny syscall { mkdir, mkdirat } with errno(EXDEV)", {"mkdir", there}, 1}, Case{"  deny syscall { mkdir, mkdirat } with kill process", {"mkdir", there}, 128 + 31},
                        Case{"  deny syscall { mkdir, mkdirat } with kill thread", {"mkdir", there}, 128 + 31}, Case{"  deny syscall { mkdir, mkdirat } with trap", {"mkdir", there}, 128 + 31},
                        Case{"  deny syscall { mkdir, mkdirat } with notify", {"mkdir", there}, 1}, Case{"  deny syscall { mkdir, mkdirat } with trace(3)", {"mkdir", there}, 1}}) {
    SCOPED_TRACE(c.rule);
    EXPECT_EQ(Under(c.rule, false, c.command).exit_code, c.exit_code);
    const Output traced = Under(c.rule, true, c.command);
    EXPECT_EQ(traced.exit_code, c.exit_code);
    EXPECT_THAT(traced.err, HasSubstr("denied  mkdir(\"" + there + "\""));
    EXPECT_THAT(traced.err, HasSubstr("p.rav:5:3"));
    EXPECT_NE(access(there.c_str(), F_OK), 0);
  }
}

TEST_F(Run, LogsAreShownAndPermitted) {
  const Output out = Under("  allow syscall { mkdir, mkdirat } with log", true, {"mkdir", folder_.path() + "/made"});
  EXPECT_EQ(out.exit_code, 0);
  EXPECT_THAT(out.err, HasSubstr("logged  mkdir("));
  EXPECT_EQ(access((folder_.path() + "/made").c_str(), F_OK), 0);
}

TEST_F(Run, RepeatsAreCounted) {
  const Output out = Under("  deny syscall { mkdir, mkdirat }", true, {"sh", "-c", "for i in 1 2 3; do mkdir /nowhere; done"});
  EXPECT_THAT(out.err, HasSubstr("   x3\n"));
}

TEST_F(Run, APolicyWithoutExecStillStarts) {
  for (const bool trace : {false, true}) {
    const Output out = Under("  deny syscall { execve, execveat } with errno(EXDEV)", trace, {"sh", "-c", "echo started; /bin/true; echo $?"});
    EXPECT_THAT(out.out, HasSubstr("started\n126\n")) << out.err;
    EXPECT_EQ(out.exit_code, 0);
  }
}

TEST_F(Run, ChildrenThatOutliveTheCommandAreServed) {
  // The daemon's call is answered by the policy, not by a listener that has gone.
  const std::string log = folder_.path() + "/log";
  const Output out = Under("  deny syscall { mkdir, mkdirat } with errno(EXDEV)", true, {"sh", "-c", "(sleep 0.3; mkdir /nowhere 2> " + log + ") & exit 0"});
  EXPECT_EQ(out.exit_code, 0);
  EXPECT_THAT(source::ReadFile(log).value_or(""), HasSubstr("cross-device"));
}

TEST_F(Run, ManyThreadsAndProcesses) {
  const Output out = Under("  deny syscall { mkdir, mkdirat }", true, {"sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5; do mkdir /nowhere/$i 2>/dev/null; done) & done; wait"});
  EXPECT_EQ(out.exit_code, 0);
  for (int i = 1; i <= 8; ++i) EXPECT_THAT(out.err, HasSubstr("/nowhere/" + std::to_string(i)));
}

TEST_F(Run, WithoutPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests run without privilege already";
  // The program in a place that everyone can read.
  const std::string policy = folder_.Write("q.rav", "language 1\npolicy q {\n  layers { seccomp }\n  default allow syscall\n  deny syscall { mkdir, mkdirat }\n}\n");
  chmod(folder_.path().c_str(), 0755);
  const std::string copy = folder_.path() + "/ravelin";
  ASSERT_EQ(system(("cp " RAVELIN_BINARY " " + copy).c_str()), 0);
  const std::string log = folder_.path() + "/unprivileged";
  const int status = system(("setpriv --reuid=65534 --regid=65534 --clear-groups " + copy + " run " + policy + " --trace-denials -- sh -c 'id -u; mkdir /tmp/x' > " + log + " 2>&1").c_str());
  EXPECT_NE(status, 0);
  const std::string text = source::ReadFile(log).value_or("");
  EXPECT_THAT(text, HasSubstr("65534\n"));
  EXPECT_THAT(text, HasSubstr("denied  mkdir(\"/tmp/x\""));
}

TEST_F(Run, SignalsReachTheCommand) {
  const std::string log = folder_.path() + "/signal";
  const std::string policy = folder_.Write("s.rav", "language 1\npolicy s {\n  layers { seccomp }\n  default allow syscall\n}\n");
  const std::string script = std::string(RAVELIN_BINARY) + " run " + policy + " -- sh -c 'trap \"echo got > " + log + "; exit 7\" TERM; while :; do sleep 0.05; done' & pid=$!; sleep 0.4; kill -TERM $pid; wait $pid; exit $?";
  const int status = system(("bash -c '" + std::string() + "true'; bash <<'END'\n" + script + "\nEND").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(source::ReadFile(log).value_or(""), "got\n");
}

// The line that is suggested, added to the policy, permits what was denied.
TEST_F(Run, SuggestionsWork) {
  const std::string text = "language 1\npolicy p {\n  layers { seccomp + apparmor }\n  default deny with errno(EPERM)\n  use std::base\n  allow syscall socket(domain == AF_UNIX)\n}\n";
  for (const char* event : {"acct(0)", "socket(AF_ALG, SOCK_STREAM, 0)", "unshare(CLONE_NEWUSER)", "personality(8)", "ptrace(16, 1, 0, 0)", "bpf(0, 0, 0)", "kill(1, 9)", "mprotect(0, 0, 4)"}) {
    SCOPED_TRACE(event);
    const std::string before = folder_.Write("before.rav", text);
    const Output denied = RunRavelin({"explain", before, event});
    ASSERT_EQ(denied.exit_code, 1) << denied.out << denied.err;
    const size_t at = denied.out.find("  allow  ");
    ASSERT_NE(at, std::string::npos) << denied.out;
    const std::string line = denied.out.substr(at + 9, denied.out.find('\n', at) - at - 9);
    std::string changed = text;
    changed.insert(changed.find("  use std"), "  " + line + "\n");
    const Output allowed = RunRavelin({"explain", folder_.Write("after.rav", changed), event});
    EXPECT_EQ(allowed.exit_code, 0) << line << "\n" << allowed.out << allowed.err;
  }
}

}  // namespace
}  // namespace ravelin
