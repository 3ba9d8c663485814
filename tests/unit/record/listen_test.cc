// Containers whose runtime sends us their filter's listener: a client that speaks the protocol, and runtimes where they are installed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

using testing::Contains;
namespace fs = std::filesystem;

int Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  for (int i = 0; i < 200; ++i) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    usleep(20000);
  }
  return -1;
}

bool Send(int connection, const std::string& text, int fd) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* one = CMSG_FIRSTHDR(&message);
    one->cmsg_level = SOL_SOCKET;
    one->cmsg_type = SCM_RIGHTS;
    one->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(one), &fd, sizeof fd);
  }
  return sendmsg(connection, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// As a runtime does it: the filter on, its listener sent, the container's program executed.  Status 77: no filter can be installed.
[[noreturn]] void BecomeContainer(const std::string& path, const std::string& line) {
  const int connection = Connect(path);
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const unsigned number : {SYS_execve, SYS_openat, SYS_mkdir, SYS_exit_group}) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int listener = static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  if (listener < 0) _exit(77);
  // In two parts, as a stream may deliver it.
  const std::string state = R"({"ociVersion": "1.0.2", "fds": ["seccompFd"], "pid": 1, "metadata": "ravelin", "state": {"id": "box", "status": "creating"}})";
  if (!Send(connection, state.substr(0, 20), listener) || !Send(connection, state.substr(20), -1)) _exit(78);
  close(listener);
  close(connection);
  execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
  _exit(79);
}

class Listener : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ravelin-listen.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::vector<std::string> Shown(const observe::Run& run) {
    std::vector<std::string> out;
    for (const auto& [fact, seen] : run.facts) out.push_back(observe::Show(fact));
    return out;
  }
  std::string folder_;
};

TEST_F(Listener, TakesWhatARuntimeSends) {
  const std::string path = folder_ + "/socket";
  const pid_t child = fork();
  if (child == 0) BecomeContainer(path, "mkdir " + folder_ + "/made; exec cat /etc/hostname > /dev/null");
  const auto recording = Listen({path, 1, 5000}, [](const std::string&) {});
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "this kernel does not let a process install a filter";
  ASSERT_TRUE(recording) << recording.error().message;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const observe::Run& run = recording->runs.begin()->second;
  EXPECT_EQ(run.command, "container box");
  EXPECT_TRUE(run.completeness.Whole()) << run.completeness.WhyNotWhole().front();
  EXPECT_THAT(Shown(run), Contains("file create_dir path=" + folder_ + "/made"));
  EXPECT_THAT(Shown(run), Contains("file read path=/etc/hostname"));
  EXPECT_THAT(Shown(run), Contains("exec exec path=/usr/bin/cat"));
  EXPECT_FALSE(fs::exists(path)) << "the socket stays behind";
}

TEST_F(Listener, NobodyComes) {
  const auto recording = Listen({folder_ + "/socket", 1, 300}, [](const std::string&) {});
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().code, ErrorCode::kEnvironment);
}

TEST_F(Listener, WhatIsNoStateIsRefused) {
  std::thread other([&] {
    const int connection = Connect(folder_ + "/socket");
    Send(connection, "hello", -1);
    close(connection);
  });
  const auto recording = Listen({folder_ + "/socket", 1, 1000}, [](const std::string&) {});
  other.join();
  ASSERT_FALSE(recording);
  EXPECT_NE(recording.error().message.find("no container's state"), std::string::npos);
}

// One that sends no listener, one that says nonsense, and one that says nothing and stays.
TEST_F(Listener, OthersDoNotKeepAContainerFromComing) {
  const std::string path = folder_ + "/socket";
  std::vector<std::string> said;
  const pid_t child = fork();
  if (child == 0) {
    for (const char* text : {R"({"fds": ["seccompFd"]})", "nonsense"}) {
      const int bad = Connect(path);
      Send(bad, text, bad);
      close(bad);
    }
    Connect(path);  // its descriptor stays open in the container's program
    BecomeContainer(path, "exec cat /etc/hostname > /dev/null");
  }
  const auto recording = Listen({path, 1, 20000}, [&](const std::string& line) { said.push_back(line); });
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "this kernel does not let a process install a filter";
  ASSERT_TRUE(recording) << recording.error().message;
  EXPECT_TRUE(recording->runs.begin()->second.completeness.Whole());
  EXPECT_THAT(Shown(recording->runs.begin()->second), Contains("file read path=/etc/hostname"));
  EXPECT_THAT(said, Contains(testing::StartsWith("a client is turned away")));
}

TEST_F(Listener, AFileIsNotReplaced) {
  ASSERT_TRUE(source::WriteFile(folder_ + "/socket", "mine"));
  EXPECT_FALSE(Listen({folder_ + "/socket", 1, 300}, [](const std::string&) {}));
  EXPECT_EQ(*source::ReadFile(folder_ + "/socket"), "mine");
}

// A bundle with this machine's programs in it, and the profile as it is told to use.
class Runtime : public Listener, public testing::WithParamInterface<const char*> {
 protected:
  void Bundle(bool filtered) {
    for (const char* folder : {"dev", "etc", "proc", "tmp", "usr"}) fs::create_directories(folder_ + "/rootfs/" + folder);
    nlohmann::json mounts = {{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}}, {{"destination", "/tmp"}, {"type", "tmpfs"}, {"source", "tmpfs"}}};
    for (const char* folder : {"/usr", "/etc"}) mounts.push_back({{"destination", folder}, {"type", "bind"}, {"source", folder}, {"options", {"rbind", "ro"}}});
    for (const char* link : {"bin", "lib", "lib64", "sbin"}) {
      std::error_code ignored;
      if (fs::is_symlink(std::string("/") + link)) fs::create_symlink(std::string("usr/") + link, folder_ + "/rootfs/" + link, ignored);
    }
    nlohmann::json config = {{"ociVersion", "1.0.2"},
                             {"process", {{"terminal", false}, {"user", {{"uid", 0}, {"gid", 0}}}, {"args", {"/usr/bin/sh", "-c", "mkdir /tmp/made; cat < /etc/hostname > /dev/null"}}, {"env", {"PATH=/usr/bin"}}, {"cwd", "/"}, {"noNewPrivileges", true}}},
                             {"root", {{"path", "rootfs"}, {"readonly", false}}},
                             {"mounts", mounts},
                             {"linux", {{"namespaces", {{{"type", "pid"}}, {{"type", "mount"}}, {{"type", "ipc"}}}}}}};
    if (filtered) config["linux"]["seccomp"] = nlohmann::json::parse(ListeningProfile(folder_ + "/socket"));
    ASSERT_TRUE(source::WriteFile(folder_ + "/config.json", config.dump()));
  }
  Result<kernels::ProcessResult> RunIt(const std::string& name) const {
    // Of a machine with both kinds of control groups crun knows the newer ones alone, and only where they are the only ones.
    const std::string line = R"(if [ -d /sys/fs/cgroup/unified ]; then mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup; fi; exec "$@")";
    return kernels::RunProcess({"unshare", "-m", "sh", "-c", std::string(GetParam()) == "crun" ? line : "exec \"$@\"", "sh", GetParam(), "--root", folder_ + "/state", "run", "--bundle", folder_, name}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 60000);
  }
};

TEST_P(Runtime, IsRecordedAsItIs) {
  if (kernels::FindProgram(GetParam()).empty()) GTEST_SKIP() << "this machine has no /usr/bin/" << GetParam();
  const std::string name = "ravelin-" + folder_.substr(folder_.rfind('.') + 1);
  Bundle(false);
  const auto plain = RunIt(name);
  if (!plain || plain->exit_code != 0) GTEST_SKIP() << "no guest kernel: a container cannot be started here: " << (plain ? plain->output.substr(0, 200) : plain.error().message);
  Bundle(true);
  Result<observe::Recording> recording = Fail(ErrorCode::kEnvironment, "");
  std::thread listener([&] { recording = Listen({folder_ + "/socket", 1, 60000}, [](const std::string&) {}); });
  // Whoever is forked while the recorder is written keeps it from being executed.
  for (int i = 0; i < 500 && !fs::exists(folder_ + "/socket"); ++i) usleep(10000);
  const auto ran = RunIt(name);
  listener.join();
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->exit_code, 0) << ran->output;
  ASSERT_TRUE(recording) << recording.error().message << ran->output;
  const observe::Run& run = recording->runs.begin()->second;
  EXPECT_TRUE(run.completeness.Whole()) << run.completeness.WhyNotWhole().front();
  EXPECT_THAT(Shown(run), Contains("file create_dir path=/tmp/made")) << "paths are the container's";
  EXPECT_THAT(Shown(run), Contains("file read path=/etc/hostname"));
  EXPECT_THAT(Shown(run), Contains("exec exec path=/usr/bin/cat"));
  EXPECT_THAT(Shown(run), Contains("syscall exit_group arch=x86_64"));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Runtime, testing::Values("runc", "crun"), [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace ravelin::record
