// Others' logs: what each is read as, or why it is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "compiler/base/source.h"
#include "profiler/observe/import.h"

namespace ravelin::observe {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

std::vector<std::string> Shown(const Imported& imported) {
  std::vector<std::string> out;
  for (const auto& [id, run] : imported.recording.runs) {
    for (const auto& [fact, seen] : run.facts) out.push_back(Show(fact));
  }
  return out;
}

const Run& OnlyRun(const Imported& imported) { return imported.recording.runs.begin()->second; }

TEST(Import, ReadsOrRefusesEveryLog) {
  const fs::path folder = fs::path(RAVELIN_SOURCE_DIR) / "../shared/data/logs";
  if (!fs::exists(folder)) GTEST_SKIP() << "the data of other projects is not here (logs)";
  // Of those that are refused: a part of the reason.
  const std::map<std::string, std::string> refused = {{"SOURCES.md", ""}, {"apparmor-aa-log.sample", "patterns"}, {"gvisor-trace-metadata-20221219.txt", "not a trace"}, {"gvisor-tracereplay-client-0001.bin", "protobuf"}, {"inspektor-gadget-advise_seccomp.json", "import oci-seccomp"}, {"inspektor-gadget-audit_seccomp.txt", "cut to the width"}, {"inspektor-gadget-traceloop.txt", "cut to the width"}, {"spo-apparmorprofile.yaml", "derived already"}, {"spo-baseprofile-runc.yaml", "derived already"}, {"spo-seccompprofile.yaml", "derived already"}, {"uml-selinux.dmesg", ""}};
  size_t read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const auto imported = ImportEvents(name, *source::ReadFile(entry.path()));
    const auto reason = refused.find(name);
    ASSERT_EQ(imported.has_value(), reason == refused.end()) << name << ": " << (imported ? imported->format : imported.error().message);
    if (!imported) {
      EXPECT_THAT(imported.error().message, HasSubstr(reason->second)) << name;
      EXPECT_GT(imported.error().message.size(), name.size() + 10);
      continue;
    }
    ++read;
    EXPECT_FALSE(OnlyRun(*imported).facts.empty()) << name;
  }
  EXPECT_GE(read, 26u);
}

TEST(Import, JoinsRecordsOfOneEventAndDecodesHexadecimal) {
  const auto imported = ImportEvents("log",
                                     "type=AVC msg=audit(1.5:7): apparmor=\"ALLOWED\" operation=\"open\" profile=\"p//null-/usr/bin/a\" name=2F746D702F612062 pid=5 comm=\"a\" requested_mask=\"wc\" denied_mask=\"wc\" fsuid=0 ouid=0\n"
                                     "type=SYSCALL msg=audit(1.5:7): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=1 a2=241 a3=1b6 items=1 pid=5 comm=\"a\" exe=\"/usr/bin/a\"\n"
                                     "type=CWD msg=audit(1.5:7): cwd=\"/\"\n");
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_THAT(Shown(*imported), testing::UnorderedElementsAre("file create owner=1 path=/tmp/a%20b", "file write owner=1 path=/tmp/a%20b", "syscall openat arch=x86_64 flags=0x241"));
  EXPECT_THAT(OnlyRun(*imported).facts.begin()->first.process, HasSubstr("program=/usr/bin/a"));
  EXPECT_THAT(OnlyRun(*imported).facts.begin()->first.process, HasSubstr("chain=/usr/bin/a"));
}

TEST(Import, TellsEventsOfTwoNodesWithOneSerialApart) {
  const auto imported = ImportEvents("log",
                                     "node=a type=AVC msg=audit(1.5:7): apparmor=\"DENIED\" operation=\"open\" profile=\"p\" name=\"/a\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0\n"
                                     "node=b type=AVC msg=audit(1.5:7): apparmor=\"DENIED\" operation=\"open\" profile=\"p\" name=\"/b\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0\n");
  ASSERT_TRUE(imported);
  EXPECT_THAT(Shown(*imported), testing::ElementsAre("file read path=/a refused=EACCES", "file read path=/b refused=EACCES"));
}

TEST(Import, CountsWhatIsSaidAgain) {
  std::string log;
  for (int i = 0; i < 20000; ++i) log += "type=AVC msg=audit(" + std::to_string(100 + i) + ".5:" + std::to_string(i) + "): apparmor=\"ALLOWED\" operation=\"open\" profile=\"p\" name=\"/a" + std::to_string(i % 2) + "\" pid=" + std::to_string(i) + " comm=\"x\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0\n";
  const auto imported = ImportEvents("log", log);
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->records, 20000u);
  ASSERT_EQ(OnlyRun(*imported).facts.size(), 2u);
  const Sighting& first = OnlyRun(*imported).facts.begin()->second;
  EXPECT_EQ(first.count, 10000u);
  EXPECT_EQ(first.first, 100.5);
  EXPECT_EQ(first.last, 100.5 + 19998);
}

// An event's records are read together, wherever a long log is cut; and with either end of a line.
TEST(Import, NoEventIsCut) {
  const std::string event =
      "type=AVC msg=audit(9.5:99999): avc:  denied  { read } for  pid=5 comm=\"a\" name=\"passwd\" dev=\"sda\" ino=1 scontext=u:r:work_t:s0 tcontext=u:r:etc_t:s0 tclass=file permissive=1\r\n"
      "type=SYSCALL msg=audit(9.5:99999): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=1 a2=0 a3=0 items=1 pid=5 comm=\"a\" exe=\"/usr/bin/a\"\n"
      "type=CWD msg=audit(9.5:99999): cwd=\"/\"\n"
      "type=PATH msg=audit(9.5:99999): item=0 name=\"/etc/passwd\" inode=1 ouid=0\n";
  std::string log;
  int lines = 0;
  for (const int before : {8180, 8188, 8189, 8190, 8191, 8192, 8193}) {
    for (; lines < before; ++lines) log += "type=AVC msg=audit(8.5:" + std::to_string(lines) + "): apparmor=\"ALLOWED\" operation=\"open\" profile=\"p\" name=\"/a\" pid=1 comm=\"x\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0\n";
    const auto imported = ImportEvents("log", log + event);
    ASSERT_TRUE(imported) << before;
    EXPECT_THAT(Shown(*imported), testing::Contains("file read path=/etc/passwd")) << before;
  }
}

TEST(Import, FollowsProcessesOfStrace) {
  const auto imported = ImportEvents("log",
                                     "10 execve(\"/bin/sh\", [\"sh\"], 0x7ffd /* 3 vars */) = 0\n"
                                     "10 chdir(\"/srv\") = 0\n"
                                     "10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 11\n"
                                     "11 openat(AT_FDCWD, \"data,(1)\", O_WRONLY|O_CREAT|O_TRUNC, 0666 <unfinished ...>\n"
                                     "10 wait4(-1,  <unfinished ...>\n"
                                     "11 <... openat resumed>) = 3\n"
                                     "11 write(3, \") = 5\", 5) = 5\n"
                                     "11 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 4\n"
                                     "11 connect(4, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0\n"
                                     "11 stat(\"/no\", 0x7f) = -1 ENOENT (No such file or directory)\n"
                                     "11 +++ exited with 0 +++\n"
                                     "10 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11\n");
  ASSERT_TRUE(imported) << imported.error().message;
  const auto shown = Shown(*imported);
  EXPECT_THAT(shown, Contains("file write given=data,(1) path=/srv/data,(1)"));
  EXPECT_THAT(shown, Contains("file create given=data,(1) path=/srv/data,(1)"));
  EXPECT_THAT(shown, Contains("file truncate given=data,(1) path=/srv/data,(1)"));
  EXPECT_THAT(shown, Contains("network connect address=10.0.0.1 family=0x2 port=443 protocol=0x6 type=0x1"));
  EXPECT_THAT(shown, Contains("syscall clone arch=x86_64 flags=0x1200011"));
  EXPECT_THAT(shown, Contains("syscall stat arch=x86_64 refused=ENOENT"));
  EXPECT_THAT(shown, Contains("exec exec path=/bin/sh"));
  EXPECT_THAT(shown, testing::Not(Contains(HasSubstr("path=/no"))));
  EXPECT_TRUE(OnlyRun(*imported).completeness.clean_start);
  EXPECT_EQ(imported->not_understood, 0u);
}

TEST(Import, SaysThatABeginningIsMissing) {
  const auto imported = ImportEvents("log", "1 <... select resumed> ) = 1 (in [3])\n1 close(3) = 0\n1 getpid() = 1\n");
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_FALSE(OnlyRun(*imported).completeness.clean_start);
  EXPECT_FALSE(OnlyRun(*imported).completeness.Whole());
}

TEST(Import, TheSameLogIsTheSameRun) {
  const std::string log = "getpid() = 1\nclose(3) = 0\n";
  EXPECT_EQ(Merge(ImportEvents("a", log)->recording, ImportEvents("b", log)->recording).runs.size(), 1u);
}

TEST(Import, RefusesOtherTextsWithAReason) {
  for (const char* text : {"", "hello\n", "{\"a\": 1}", "int main() {\n  return f(1) == 2;\n}\n"}) {
    const auto imported = ImportEvents("x", text);
    ASSERT_FALSE(imported) << text;
    EXPECT_EQ(imported.error().code, ErrorCode::kUnsupported);
  }
}

// gVisor's log: what was opened is told by the next call that names the descriptor, as its kernel resolved it.
TEST(Import, GvisorFollowsLinks) {
  const std::string log = R"(I1127 10:24:15.988288   15174 strace.go:608] [   1:   1] sh X openat(AT_FDCWD /, 0x7fdf /lib/libc.so.6, O_RDONLY|O_CLOEXEC, 0o0) = 3 (0x3) (218.495us)
I1127 10:24:15.988360   15174 strace.go:608] [   1:   1] sh X read(0x3 /usr/lib/libc.so.6, 0x7fdf "", 0x10) = 0 (0x0) (1us)
I1127 10:24:15.988361   15174 strace.go:608] [   1:   1] sh X openat(AT_FDCWD /srv, 0x7fdf link, O_RDONLY, 0o0) = 4 (0x4) (218.495us)
I1127 10:24:15.988362   15174 strace.go:608] [   2:   2] other X read(0x4 /not/this, 0x7fdf "", 0x10) = 0 (0x0) (1us)
I1127 10:24:15.988363   15174 strace.go:551] [   1:   1] sh E close(0x4 /srv/target)
I1127 10:24:15.988364   15174 strace.go:596] [   1:   1] sh X close(0x4 (bad FD)) = 0 (0x0) (1us)
I1127 10:24:15.988365   15174 strace.go:605] [   1:   1] sh X execve(0x5606 /bin/true, 0x5606 ["true"], 0x5606 []) = 0 (0x0) (1us)
)";
  observe::Run run;
  Imported imported;
  Sandbox sandbox;
  sandbox.first = "/usr/bin/dash";
  sandbox.programs[1] = {"/usr/bin/true"};
  ImportGvisor(log, run, imported, sandbox);
  std::set<std::string> shown;
  for (const auto& [fact, seen] : run.facts) shown.insert(Show(fact));
  EXPECT_EQ(shown.count("file read given=/lib/libc.so.6 path=/usr/lib/libc.so.6"), 1u);
  EXPECT_EQ(shown.count("file read given=link path=/srv/target"), 1u);
  EXPECT_EQ(shown.count("exec exec given=/bin/true path=/usr/bin/true"), 1u);
  EXPECT_EQ(Decode(run.facts.begin()->first.process)["program"], "/usr/bin/dash");
  EXPECT_EQ(imported.records, 6u) << "what begins is told again when it ends";
}

}  // namespace
}  // namespace ravelin::observe
