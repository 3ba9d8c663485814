// Guests as they should be, and every way in which nothing can be said.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

TEST_F(Guest, SaysHowAProgramEnded) {
  Job job = Shell("cat; echo err >&2; exit 7");
  job.steps[0].input = "from outside\n";
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_TRUE(outcome->steps[0].started && outcome->steps[0].ended);
  EXPECT_EQ(outcome->steps[0].exit_code, 7);
  EXPECT_EQ(outcome->steps[0].out, "from outside\n");
  EXPECT_EQ(outcome->steps[0].err, "err\n");
  EXPECT_NE(outcome->lsm.find("apparmor"), std::string::npos);
  EXPECT_EQ(outcome->lost, 0u);
  EXPECT_GT(outcome->records, 0u);
  EXPECT_TRUE(outcome->isolated);
}

TEST_F(Guest, AStepOfItsOwnLimitDoesNotEndTheJob) {
  Job job = Shell("echo begun; sleep 60");
  job.steps[0].at_most_ms = 500;
  job.steps.push_back(Shell("echo next").steps[0]);
  job.steps[1].at_most_ms = 20000;
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  ASSERT_EQ(Doubts(*outcome), "");
  EXPECT_TRUE(outcome->steps[0].expired);
  EXPECT_EQ(outcome->steps[0].signal, SIGKILL);
  EXPECT_EQ(outcome->steps[0].out, "begun\n");
  EXPECT_FALSE(outcome->steps[1].expired);
  EXPECT_EQ(outcome->steps[1].out, "next\n");
  EXPECT_FALSE(outcome->timed_out);
}

TEST_F(Guest, TellsSignalsMissingProgramsAndTimeApart) {
  const auto killed = kernels::Run(Shell("kill -9 $$"));
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->steps[0].signal, SIGKILL);
  Job missing = Shell("");
  missing.steps[0].program = "/no/such/program";
  const auto none = kernels::Run(missing);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->steps[0].started);
  EXPECT_EQ(none->steps[0].why_not, "exec: No such file or directory");
  Job slow = Shell("sleep 60");
  slow.setting.limit_ms = 500;
  const auto cut = kernels::Run(slow);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->timed_out);
  EXPECT_FALSE(cut->steps[0].ended);
}

TEST_F(Guest, DrivesAServerWithClients) {
  Job job = Shell("");
  const std::string server = "import socket\ns=socket.socket();s.setsockopt(1,2,1);s.bind(('127.0.0.1',8123));s.listen()\nwhile True:\n c,_=s.accept();c.recv(1) and c.sendall(b'hello');c.close()";
  job.steps[0] = {.kind = Step::Kind::kStart, .program = "/usr/bin/python3", .arguments = {"python3", "-c", server}};
  job.steps.push_back({.kind = Step::Kind::kPort, .port = 8123});
  job.steps.push_back({.program = "/usr/bin/python3", .arguments = {"python3", "-c", "import socket;s=socket.create_connection(('127.0.0.1',8123));s.sendall(b'x');print(s.recv(9))"}});
  job.steps.push_back({.kind = Step::Kind::kStop, .target = 0, .signal = SIGTERM});
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "python3 is not installed";
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_TRUE(outcome->steps[1].ended);
  EXPECT_EQ(outcome->steps[2].out, "b'hello'\n") << outcome->steps[2].err;
  EXPECT_EQ(outcome->steps[0].signal, SIGTERM);
}

// The guest's root mounts the host's tree for itself and tries to change it, everywhere that it can name.
TEST_F(Guest, RootInTheGuestCannotChangeTheHost) {
  char folder[] = "/var/tmp/ravelin-isolation.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string file = std::string(folder) + "/file";
  ASSERT_TRUE(source::WriteFile(file, "before\n"));
  const std::string line = "mkdir -p /tmp/h && mount -t hostfs none /tmp/h -o / && id -u && cat /tmp/h" + file + " && ! echo after > /tmp/h" + file + " && ! rm /tmp/h" + file + " && ! touch /tmp/h" + folder + "/new && ! touch /tmp/h/new-in-root && ! mknod /tmp/h" + folder + "/sda b 8 0; echo after > " + file + "; cat " + file;
  const auto outcome = kernels::Run(Shell(line));
  ASSERT_TRUE(outcome);
  // The first four lines: it is root, sees the file through hostfs, and its own change is in its own layer alone.
  EXPECT_EQ(outcome->steps[0].out, "0\nbefore\nafter\n") << outcome->steps[0].err;
  EXPECT_NE(outcome->steps[0].err.find("Read-only file system"), std::string::npos) << outcome->steps[0].err;
  EXPECT_EQ(*source::ReadFile(file), "before\n");
  EXPECT_FALSE(std::filesystem::exists(std::string(folder) + "/new"));
  EXPECT_FALSE(std::filesystem::exists("/new-in-root"));
  std::filesystem::remove_all(folder);
}

// What a job makes for itself holds nothing of this machine's, which stays as it is.
TEST_F(Guest, AFolderOfTheJobIsEmpty) {
  const std::string folder = "/etc/alternatives";
  ASSERT_FALSE(std::filesystem::is_empty(folder));
  Job job = Shell("ls -A " + folder + "; touch " + folder + "/own; ls -A " + folder);
  job.folders = {folder};
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(Doubts(*outcome), "");
  EXPECT_EQ(outcome->steps[0].out, "own\n");
  EXPECT_FALSE(std::filesystem::is_empty(folder));
  EXPECT_FALSE(std::filesystem::exists(folder + "/own"));
}

// Folders and files are the root's own, also where a link of this machine's leads to one of its folders; an inner folder is made in the outer one.
TEST_F(Guest, LinksToFoldersOfTheJobStayInTheRoot) {
  const std::string base = "/var/tmp/ravelin-links." + std::to_string(getpid());
  std::filesystem::create_directories(base + "/real/sub");
  ASSERT_TRUE(source::WriteFile(base + "/real/sub/keep", "x"));
  ASSERT_TRUE(source::WriteFile(base + "/real/file", "ours"));
  std::filesystem::create_symlink(base + "/real", base + "/link");
  for (const DriverKind driver : {DriverKind::kUml, DriverKind::kHost}) {
    if (driver == DriverKind::kHost && geteuid() != 0) continue;
    Job job = Shell("cd " + base + "; ls -A link inner; cat link/file", Module::kNone);
    job.setting.machine.driver = driver;
    job.folders = {base + "/inner/most", base + "/inner", base + "/link"};
    job.files = {{base + "/link/file", "the job's", 0644}};
    const auto outcome = kernels::Run(job);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(Doubts(*outcome), "");
    EXPECT_EQ(outcome->steps[0].out, "inner:\nmost\n\nlink:\nfile\nthe job's") << DriverName(driver) << outcome->steps[0].err;
    EXPECT_TRUE(std::filesystem::exists(base + "/real/sub/keep")) << DriverName(driver);
    EXPECT_FALSE(std::filesystem::exists(base + "/inner")) << DriverName(driver);
    const auto file = source::ReadFile(base + "/real/file");
    EXPECT_TRUE(file && *file == "ours") << DriverName(driver);
  }
  std::filesystem::remove_all(base);
}

TEST_F(Guest, AReportThatIsMissingIsInconclusive) {
  const auto outcome = kernels::Run(Shell("echo o > /proc/sysrq-trigger; sleep 5"));  // the guest is switched off
  ASSERT_TRUE(outcome);
  EXPECT_NE(Doubts(*outcome).find("the guest left no whole report"), std::string::npos) << Doubts(*outcome);
}

TEST_F(Guest, APanicIsInconclusive) {
  const auto outcome = kernels::Run(Shell("echo c > /proc/sysrq-trigger; sleep 5"));
  ASSERT_TRUE(outcome);
  EXPECT_NE(Doubts(*outcome), "");
}

// The process of the guest is killed from outside while its workload runs.
TEST_F(Guest, AKilledGuestIsInconclusive) {
  const Job job = Shell("sleep 15");
  Result<Outcome> outcome = Fail(ErrorCode::kIo, "");
  std::thread run([&] { outcome = kernels::Run(job); });
  usleep(1500000);
  const auto killed = RunProcess({"pkill", "-9", "-P", std::to_string(getpid()), "bwrap"}, {"PATH=/usr/bin:/bin"}, 5000);
  run.join();
  ASSERT_TRUE(killed && killed->exit_code == 0) << "nobody was killed";
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_NE(Doubts(*outcome).find("the guest left no whole report: signal 9 ended it"), std::string::npos) << Doubts(*outcome);
}

TEST_F(Guest, StarvedMemoryIsInconclusive) {
  Job job = Shell("tail /dev/zero");
  job.setting.memory_mb = 96;
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_NE(Doubts(*outcome).find("memory ran out"), std::string::npos) << Doubts(*outcome);
}

// A queue of one record that does not wait, and many refusals at once.
TEST_F(Guest, LostRecordsAreInconclusive) {
  Job job = Shell("i=0; while [ $i -lt 30 ]; do mount -t nosuch x /tmp; setpriv --reuid 1 cat /etc/shadow; i=$((i+1)); done 2>/dev/null");
  job.audit_backlog = 1;
  job.audit_waits = false;
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_GT(outcome->lost, 0u);
  EXPECT_NE(Doubts(*outcome).find("audit records were lost"), std::string::npos) << Doubts(*outcome);
}

TEST_F(Guest, WithoutIsolationItSaysSo) {
  Job job = Shell("true");
  job.setting.host_isolation = false;
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->isolated);
}

}  // namespace
}  // namespace ravelin::kernels
