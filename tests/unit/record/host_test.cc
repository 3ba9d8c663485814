// The recorders on this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profiler/kernels/process.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Host : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto tried = Try({"true"});
    if (!tried) {
      ASSERT_THAT(tried.error().message, Not(HasSubstr("rejects the programs"))) << "they are ours";
      GTEST_SKIP() << tried.error().message;
    }
  }
  static Result<observe::Recording> Try(const std::vector<std::string>& command, unsigned limit_ms = 20000) {
    Request request;
    request.driver = GetParam();
    request.command = command;
    request.runs = 1;
    request.limit_ms = limit_ms;
    return Record(request, [](const std::string&) {});
  }
  static observe::Run RunIt(const std::string& line) {
    const auto recording = Try({"sh", "-c", line});
    EXPECT_TRUE(recording) << recording.error().message;
    return recording ? recording->runs.begin()->second : observe::Run();
  }
  static std::vector<std::string> Shown(const observe::Run& run) {
    std::vector<std::string> out;
    for (const auto& [fact, seen] : run.facts) out.push_back(observe::Show(fact));
    return out;
  }
};

TEST_P(Host, FollowsChildrenAndFiles) {
  const auto run = RunIt("echo hi > $TMPDIR/x; cat $TMPDIR/x > /dev/null; ln -s x $TMPDIR/y; echo > $TMPDIR/a; mv $TMPDIR/a $TMPDIR/b; cat $TMPDIR/y > /dev/null; kill -0 1; kill -CONT $$; exit 3");
  const auto shown = Shown(run);
  const std::string folder = run.variation.at("TMPDIR");
  EXPECT_EQ(run.status, "exit 3");
  EXPECT_TRUE(run.completeness.Whole());
  EXPECT_THAT(shown, Contains("file create path=" + folder + "/x"));
  EXPECT_THAT(shown, Contains("file write path=" + folder + "/x"));
  EXPECT_THAT(shown, Contains("file write path=/dev/null"));
  EXPECT_THAT(shown, Not(Contains("file create path=/dev/null")));
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

TEST_P(Host, ATimeLimitIsNoCleanEnd) {
  const auto recording = Try({"sleep", "30"}, 1000);
  ASSERT_TRUE(recording);
  EXPECT_FALSE(recording->runs.begin()->second.completeness.Whole());
}

TEST_P(Host, AProgramThatIsMissingIsNoRun) {
  const auto recording = Try({"/no/such/program"});
  ASSERT_TRUE(recording);
  EXPECT_THAT(recording->runs.begin()->second.completeness.WhyNotWhole(), Contains("the workload did not start"));
}

TEST_P(Host, SocketsKeepTheirKind) {
  const auto run = RunIt("python3 -c \"import socket; a,b=socket.socketpair(); s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 5353))\" 2>/dev/null || exit 77");
  if (run.status == "exit 77") GTEST_SKIP() << "this machine has no /usr/bin/python3";
  for (const std::string& doubt : run.completeness.doubts) {
    if (doubt.find("pidfd_getfd") != std::string::npos) GTEST_SKIP() << doubt;
  }
  EXPECT_THAT(Shown(run), Contains("network connect address=127.0.0.1 family=0x2 port=5353 protocol=0x0 type=0x2"));
}

// What did not succeed is known as such, and asks nothing of files.
TEST_P(Host, FailuresAskNothing) {
  const auto run = RunIt("cd $TMPDIR; mkdir d; mkdir d; cat absent; cat d/none/x; rmdir d; : > f; mkdir f; readlink f; cat < f/x; ls -d . > /dev/null; exec 2> /dev/null; ./f; true");
  const auto shown = Shown(run);
  const std::string folder = run.variation.at("TMPDIR");
  EXPECT_TRUE(run.completeness.Whole());
  EXPECT_THAT(shown, Contains(HasSubstr("syscall mkdir arch=x86_64 refused=EEXIST")));
  EXPECT_THAT(shown, Contains(HasSubstr("syscall readlinkat arch=x86_64 refused=EINVAL")).Times(testing::Le(1)));
  EXPECT_THAT(shown, Not(Contains(HasSubstr("absent"))));
  EXPECT_THAT(shown, Not(Contains(HasSubstr("none"))));
  EXPECT_THAT(shown, Not(Contains("file getattr path=/"))) << "a pipe's name";
  EXPECT_THAT(shown, Not(Contains("file create_dir given=f path=" + folder + "/f")));
  EXPECT_THAT(shown, Contains("file delete given=d path=" + folder + "/d"));
  EXPECT_THAT(shown, Not(Contains(AllOf(HasSubstr("exec exec"), HasSubstr(folder + "/f"))))) << "it cannot be executed";
}

TEST_P(Host, TwoAtOnceHaveFoldersOfTheirOwn) {
  const auto outer = RunIt("echo > $TMPDIR/kept");
  const std::string folder = outer.variation.at("TMPDIR");
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0) << "it is removed at the end";
  const auto inner = RunIt("echo > $TMPDIR/other");
  EXPECT_NE(inner.variation.at("TMPDIR"), folder);
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "another recorder's folder was removed";
}

// Permissions are those of the process, not the recorder's.
TEST_P(Host, WhatIsNotPermittedIsNotRead) {
  if (geteuid() != 0) GTEST_SKIP() << "this machine has no /usr/bin/setpriv for who is not root";
  const auto run = RunIt("cd $TMPDIR; chmod 711 .; echo > mine; chmod 600 mine; mkdir open; chmod 777 open; setpriv --reuid 1234 --regid 1234 --clear-groups sh -c 'cat mine; echo > new; rm -f mine; chmod 644 mine; echo > open/new; cat open/new' 2> /dev/null; true");
  const auto shown = Shown(run);
  const std::string folder = run.variation.at("TMPDIR");
  for (const char* operation : {"read", "delete"}) EXPECT_THAT(shown, Not(Contains(AllOf(HasSubstr(std::string("file ") + operation + " "), HasSubstr(folder + "/mine"))))) << operation;
  EXPECT_THAT(shown, Not(Contains(HasSubstr(folder + "/new"))));
  EXPECT_THAT(shown, Contains(HasSubstr("syscall openat arch=x86_64 flags=0x0 refused=EACCES")));
  EXPECT_THAT(shown, Contains(HasSubstr("refused=EPERM")));
  EXPECT_THAT(shown, Contains(AllOf(HasSubstr("file create "), HasSubstr(folder + "/open/new"))));
  EXPECT_THAT(shown, Contains(AllOf(HasSubstr("file read "), HasSubstr(folder + "/open/new"))));
}

// The same name may be another folder in the workload's mounts.
TEST_P(Host, MountsOfTheWorkloadAreItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "this machine has no /usr/bin/setpriv for who is not root";
  const auto run = RunIt("cd $TMPDIR; chmod 755 .; mkdir m; unshare -m true && exec unshare -m sh -c 'mount -t tmpfs -o mode=777 none m && echo > m/x && setpriv --reuid 1234 --regid 1234 --clear-groups rm -f m/x' || exit 77");
  if (run.status != "exit 0") GTEST_SKIP() << "this machine has no /usr/bin/unshare that may mount";
  EXPECT_THAT(Shown(run), Contains(AllOf(HasSubstr("file delete "), HasSubstr("/m/x"))));
}

// Programs are told apart, whoever forked them, and though they live on when their parent has ended.
TEST_P(Host, ProgramsKeepTheirChain) {
  const auto run = RunIt("(cat /etc/hostname > /dev/null; (sleep 0.3; head -c 1 /etc/passwd > /dev/null) &) & wait; sleep 0.6; env true; sh -c 'exec env true'");
  EXPECT_TRUE(run.completeness.Whole());
  std::set<std::string> chains;
  for (const auto& [fact, seen] : run.facts) chains.insert(observe::Decode(fact.process)["chain"]);
  const std::string shell = *chains.begin();
  EXPECT_THAT(chains, testing::IsSupersetOf({shell, shell + " > /usr/bin/cat", shell + " > /usr/bin/head", shell + " > /usr/bin/env > /usr/bin/true", shell + " > " + shell + " > /usr/bin/env > /usr/bin/true"}));
}

TEST_P(Host, ThreadsBelongToTheirProcess) {
  const auto run = RunIt("python3 -c \"import threading; t=threading.Thread(target=lambda: open('/etc/passwd').read()); t.start(); t.join()\" 2>/dev/null || exit 77");
  if (run.status == "exit 77") GTEST_SKIP() << "this machine has no /usr/bin/python3";
  bool found = false;
  for (const auto& [fact, seen] : run.facts) found = found || (fact.facet == "file" && fact.operation == "read" && observe::Decode(fact.attributes)["path"] == "/etc/passwd" && observe::Decode(fact.process)["chain"].find("python") != std::string::npos);
  EXPECT_TRUE(found);
}

// A descriptor's file is known by the name that it has at the time of the call.
TEST_P(Host, ARenamedFileIsToldAnew) {
  const auto run = RunIt("cd $TMPDIR; python3 -c \"import os; os.makedirs('a/b'); f=os.open('a/b/c', os.O_CREAT|os.O_WRONLY)\nfor one in ('a/b/d', 'a/e'):\n  os.fchmod(f, 0o600); os.rename('a/b/c' if one == 'a/b/d' else 'a/b/d', one)\nos.fchmod(f, 0o600); os.rename('a', 'z'); os.fchmod(f, 0o600)\" 2>/dev/null || exit 77");
  if (run.status == "exit 77") GTEST_SKIP() << "this machine has no /usr/bin/python3";
  const auto shown = Shown(run);
  const std::string folder = run.variation.at("TMPDIR");
  for (const char* name : {"/a/b/c", "/a/b/d", "/a/e", "/z/e"}) EXPECT_THAT(shown, Contains(AllOf(HasSubstr("file setattr "), HasSubstr("path=" + folder + name)))) << name;
}

// A path is told whole, or the run says that something is lost.
TEST_P(Host, ADeepPathIsWholeOrLost) {
  for (const auto& [name, parts] : {std::pair{"p", 60}, std::pair{"a-long-name-of-a-folder", 60}}) {
    const auto run = RunIt("cd $TMPDIR; python3 -c \"import os; p='" + std::string(name) + "/'*" + std::to_string(parts) + "; os.makedirs(p); f=os.open(p+'x', os.O_CREAT|os.O_WRONLY); os.fchmod(f, 0o600)\" 2>/dev/null || exit 77");
    if (run.status == "exit 77") GTEST_SKIP() << "this machine has no /usr/bin/python3";
    std::string path = run.variation.at("TMPDIR");
    for (int i = 0; i < parts; ++i) path += std::string("/") + name;
    bool told = false;
    for (const auto& [fact, seen] : run.facts) {
      if (fact.facet != "file" || fact.operation != "setattr") continue;
      const std::string is = observe::Decode(fact.attributes)["path"];
      told = told || is == path + "/x";
      EXPECT_THAT(is, testing::AnyOf(path + "/x", Not(testing::EndsWith("/x"))));
    }
    EXPECT_EQ(told, run.completeness.Whole()) << path;
    EXPECT_TRUE(told || name[0] != 'p') << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Drivers, Host, testing::Values("ptrace", "notify", "bpf"), [](const auto& one) { return std::string(one.param); });

// What the kernel has no room to keep in mind is told each time: no fact is missing, and the record says so.
TEST(Bpf, ATableThatBecomesFullIsTold) {
  const auto scratch = PlaceRecorder();
  ASSERT_TRUE(scratch) << scratch.error().message;
  const auto record = [&](const std::string& known) {
    const std::string& folder = scratch->folder();
    const auto ran = kernels::RunProcess({"env", folder + "/recorder", "--by", "bpf", "--table", folder + "/table", "--output", folder + "/record", "--known", known, "--", "sh", "-c", "for i in 1 2 3 4 5 6; do cat /etc/hostname > /dev/null; done"}, {"PATH=/usr/bin:/bin"}, 20000);
    return ran ? ReadRecord(*scratch, "record", "bpf", 0) : tl::make_unexpected(ran.error());
  };
  const auto whole = record("0");
  if (!whole) GTEST_SKIP() << whole.error().message;
  EXPECT_TRUE(whole->completeness.Whole());
  const auto full = record("8");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_FALSE(full->completeness.Whole());
  EXPECT_THAT(full->completeness.WhyNotWhole(), Contains(HasSubstr("what was seen already became full")));
  for (const auto& [fact, seen] : whole->facts) {
    const auto found = full->facts.find(fact);
    if (fact.facet != "file" && fact.facet != "exec") continue;
    ASSERT_NE(found, full->facts.end()) << observe::Show(fact);
    EXPECT_EQ(found->second.count, seen.count) << observe::Show(fact);
  }
}

TEST(Drivers, EachSaysWhatItCannotSee) {
  for (const std::string& driver : Drivers()) EXPECT_FALSE(BlindSpots(driver).empty()) << driver;
  Request request;
  request.driver = "none";
  request.command = {"true"};
  const auto recording = Record(request, [](const std::string&) {});
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace ravelin::record
