// Starting up and steady work: two policies from one recording, and the launcher that goes from one to the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::RunRavelin;

bool CannotRun(const Output& out) { return out.err.find("this kernel does not let a process install a filter") != std::string::npos; }

class Phases : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(Phases, TheLauncherGoesOverAtTheMarker) {
  const std::string start = folder_.Write("start.rav", "language 1\npolicy start {\n  layers { seccomp }\n  deny syscall getpriority with errno(EPERM)\n  default allow syscall\n}\n");
  const std::string steady = folder_.Write("steady.rav", "language 1\npolicy steady {\n  layers { seccomp }\n  deny syscall { execve, execveat } with errno(EACCES)\n  default allow syscall\n}\n");
  // `umask` is a call that a shell makes when it is told to.
  const std::string script = "/bin/true && echo started; umask 022; /bin/true || echo refused";
  const Output out = RunRavelin({"run", start, "--steady", steady, "--marker", "umask", "--", "sh", "-c", script});
  if (CannotRun(out)) GTEST_SKIP() << out.err;
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(out.out, "started\nrefused\n") << out.err;
  const Output never = RunRavelin({"run", start, "--steady", steady, "--marker", "accept4", "--", "sh", "-c", script});
  EXPECT_EQ(never.out, "started\n") << "no marker, no second policy";
  const Output traced = RunRavelin({"run", start, "--steady", steady, "--marker", "umask", "--trace-denials", "--", "sh", "-c", script});
  EXPECT_THAT(traced.err, AllOf(HasSubstr("from the marker on"), HasSubstr("steady.rav:4:3"), Not(HasSubstr("start.rav:"))));
  EXPECT_EQ(RunRavelin({"run", start, "--steady", steady, "--marker", "nosuchcall", "--", "true"}).exit_code, 2);
}

TEST_F(Phases, WhatCameBeforeTheMarkerAloneIsNotInTheSecondPolicy) {
  folder_.Write("one.log",
                "7 1700000000.000001 execve(\"/usr/bin/service\", [\"service\"], 0x7ffe /* 3 vars */) = 0\n"
                "7 1700000000.000002 openat(AT_FDCWD, \"/etc/service.conf\", O_RDONLY|O_CLOEXEC) = 3\n"
                "7 1700000000.000003 read(3, \"x\", 4096) = 1\n"
                "7 1700000000.000004 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4\n"
                "7 1700000000.000005 listen(4, 16) = 0\n"
                "7 1700000001.000001 accept4(4, NULL, NULL, SOCK_CLOEXEC) = 5\n"
                "7 1700000001.000002 openat(AT_FDCWD, \"/srv/page\", O_RDONLY|O_CLOEXEC) = 6\n"
                "7 1700000001.000003 read(6, \"y\", 4096) = 1\n"
                "7 1700000001.000004 exit_group(0) = ?\n");
  ASSERT_EQ(RunRavelin({"import", "events", Path("one.log"), "-o", Path("one.rec")}).exit_code, 0);
  const Output out = RunRavelin({"learn", "--from", Path("one.rec"), "--phases", "-o", Path("service.rav"), "--root", folder_.path()});
  EXPECT_THAT(out.out, HasSubstr("no longer: ")) << out.err;
  const auto whole = source::ReadFile(Path("service.rav"));
  const auto steady = source::ReadFile(Path("service.steady.rav"));
  ASSERT_TRUE(whole && steady) << out.err;
  EXPECT_THAT(*whole, AllOf(HasSubstr("/etc/service.conf"), HasSubstr("/srv/page"), HasSubstr("listen")));
  EXPECT_THAT(*steady, AllOf(Not(HasSubstr("/etc/service.conf")), HasSubstr("/srv/page"), HasSubstr("accept")));
  EXPECT_EQ(RunRavelin({"check", Path("service.steady.rav")}).exit_code, 0) << *steady;
  const Output none = RunRavelin({"learn", "--from", Path("one.rec"), "--phases", "--marker", "pause", "-o", Path("other.rav"), "--root", folder_.path()});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("no run reaches a marker (pause)"));
}

}  // namespace
}  // namespace ravelin
