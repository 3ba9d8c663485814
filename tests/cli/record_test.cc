// ravelin record: drivers together, containers, and what is no good use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "profiler/kernels/process.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using testing::Output;
using testing::RunRavelin;

class RecordCommandLine : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(RecordCommandLine, DriversRecordOneAfterAnother) {
  const Output out = RunRavelin({"record", "--driver", "ptrace,notify", "-o", Path("both.rec"), "--", "true"});
  if (out.exit_code != 0 && (out.err.find("install a filter") != std::string::npos || out.err.find("forbids tracing") != std::string::npos)) GTEST_SKIP() << out.err;
  ASSERT_EQ(out.exit_code, 0) << out.err;
  const Output listed = RunRavelin({"recording", "ls", Path("both.rec")});
  EXPECT_THAT(listed.out, HasSubstr("2 runs"));
  EXPECT_THAT(listed.out, HasSubstr("  ptrace  "));
  EXPECT_THAT(listed.out, HasSubstr("  notify  "));
  EXPECT_THAT(listed.out, HasSubstr("does not see: what comes of a call"));
}

TEST_F(RecordCommandLine, MistakesOfUse) {
  EXPECT_EQ(RunRavelin({"record", "--driver", "nothing", "-o", Path("x"), "--", "true"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"record", "--listen", Path("socket"), "-o", Path("x")}).exit_code, 2) << "of the driver notify alone";
  EXPECT_EQ(RunRavelin({"record", "--driver", "notify", "--listen", Path("socket"), "-o", Path("x"), "--", "true"}).exit_code, 2) << "a runtime starts the workload";
  EXPECT_EQ(RunRavelin({"record", "--driver", "notify", "--runtime-profile", Path("p"), "-o", Path("x"), "--", "true"}).exit_code, 2);
}

TEST_F(RecordCommandLine, TheRuntimesProfileTellsEveryCallButItsOwn) {
  const Output out = RunRavelin({"record", "--driver", "notify", "--listen", Path("socket"), "--runtime-profile", Path("p.json"), "--limit", "1", "-o", Path("x")});
  EXPECT_EQ(out.exit_code, 3) << "nobody came";
  EXPECT_THAT(out.err, HasSubstr("no container came in time"));
  const auto profile = nlohmann::json::parse(*source::ReadFile(Path("p.json")));
  EXPECT_EQ(profile["listenerPath"], Path("socket"));
  const auto names = profile["syscalls"][0]["names"].get<std::set<std::string>>();
  for (const char* told : {"openat", "execve", "connect", "mmap"}) EXPECT_EQ(names.count(told), 1u) << told;
  for (const char* own : {"write", "futex"}) EXPECT_EQ(names.count(own), 0u) << own;
  for (const auto& row : profile["syscalls"]) EXPECT_EQ(row["action"], "SCMP_ACT_NOTIFY");
}

// Where the kernel refuses, why and what to do.
TEST_F(RecordCommandLine, WhoMayNotLoadProgramsIsToldSo) {
  const auto out = kernels::RunProcess({"setpriv", "--bounding-set=-all", "--inh-caps=-all", RAVELIN_BINARY, "record", "--driver", "bpf", "-o", Path("x"), "--", "true"}, {"PATH=/usr/bin:/bin"}, 60000);
  if (!out || geteuid() != 0) GTEST_SKIP() << "this machine has no /usr/bin/setpriv, or no root to drop";
  EXPECT_EQ(out->exit_code, 3);
  EXPECT_THAT(out->output, ::testing::AnyOf(HasSubstr("CAP_BPF and CAP_PERFMON"), HasSubstr("/sys/kernel/btf/vmlinux"), HasSubstr("built without the driver bpf")));
  // What another driver recorded before it is kept.
  const auto both = kernels::RunProcess({"setpriv", "--bounding-set=-all", "--inh-caps=-all", RAVELIN_BINARY, "record", "--driver", "ptrace,bpf", "-o", Path("both"), "--", "true"}, {"PATH=/usr/bin:/bin"}, 60000);
  ASSERT_TRUE(both);
  if (both->output.find("forbids tracing") != std::string::npos) GTEST_SKIP() << "this machine forbids tracing (ptrace)";
  EXPECT_EQ(both->exit_code, 3);
  EXPECT_THAT(both->output, HasSubstr("the driver bpf recorded nothing"));
  EXPECT_THAT(RunRavelin({"recording", "ls", Path("both")}).out, ::testing::AllOf(HasSubstr("1 run"), HasSubstr("  ptrace  ")));
}

TEST_F(RecordCommandLine, WhyNothingWasRecordedIsTheReason) {
  for (const char* driver : {"ptrace", "notify"}) {
    const Output out = RunRavelin({"record", "--driver", driver, "--directory", Path("absent"), "-o", Path("x"), "--", "true"});
    EXPECT_EQ(out.exit_code, 3);
    EXPECT_THAT(out.err, HasSubstr(Path("absent") + ": No such file or directory: the driver " + driver));
  }
  const Output traced = RunRavelin({"record", "--driver", "ptrace", "--limit", "20", "-o", Path("outer"), "--", RAVELIN_BINARY, "record", "--driver", "ptrace", "-o", Path("inner"), "--", "true"});
  EXPECT_THAT(traced.err, HasSubstr("this machine forbids tracing (ptrace): Operation not permitted")) << "who is traced cannot be traced again";
}

// What comes to the socket instead of a container: `file` and `text` are sent, and the connection is held till the listener has ended.
class Listening : public RecordCommandLine {
 protected:
  Output WithClient(const std::string& text, int file, const std::vector<std::string>& more = {}) {
    std::atomic<bool> ended = false;
    std::thread client([&] {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      Path("socket").copy(address.sun_path, sizeof address.sun_path - 1);
      const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      while (!ended && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) usleep(10000);
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      iovec part{const_cast<char*>(text.data()), text.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      *rights = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
      std::memcpy(CMSG_DATA(rights), &file, sizeof file);
      sendmsg(fd, &message, MSG_NOSIGNAL);
      close(file);
      while (!ended) usleep(10000);
      close(fd);
    });
    std::vector<std::string> words = {"record", "--driver", "notify", "--listen", Path("socket"), "--limit", "2", "-o", Path("x")};
    words.insert(words.end(), more.begin(), more.end());
    Output out = RunRavelin(words);
    ended = true;
    client.join();
    return out;
  }
};

TEST_F(Listening, WhatIsNoContainerIsToldSo) {
  const std::pair<const char*, const char*> kinds[] = {
      {R"({"fds":[1],"state":{"id":"a"}})", "`fds` is not all text"},
      {R"({"fds":"seccompFd"})", "no list `fds`"},
      {R"({"fds":["seccompFd"],"state":{"id":7}})", "`id` is no text"},
      {R"({"fds":["other"]})", "no `seccompFd`"},
      {R"({"fds":["seccompFd"],)", "not whole in time"},
  };
  for (const auto& [text, why] : kinds) {
    const Output out = WithClient(text, open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(out.exit_code, 3) << text;
    EXPECT_THAT(out.err, HasSubstr(why)) << text;
  }
}

TEST_F(Listening, FewerContainersThanAskedAreADoubt) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const pid_t child = fork();
  if (child == 0) {  // a filter that tells nothing, and a listener of it, which the parent copies
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program = {1, &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int made = static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    char byte = 0;
    if (write(pair[1], &made, sizeof made) < 0 || read(pair[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  int made = -1;
  ASSERT_EQ(read(pair[0], &made, sizeof made), static_cast<ssize_t>(sizeof made));
  const int process = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  const int listener = made < 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_getfd, process, made, 0));
  ASSERT_EQ(write(pair[0], "", 1), 1);
  waitpid(child, nullptr, 0);
  for (const int fd : {pair[0], pair[1], process}) close(fd);
  if (listener < 0) GTEST_SKIP() << "this kernel does not let a process install a filter";
  const Output out = WithClient(R"({"fds":["seccompFd"],"state":{"id":"only"}})", listener, {"--runs", "2"});
  EXPECT_EQ(out.exit_code, 3);
  EXPECT_THAT(out.err, HasSubstr("INCOMPLETE: 1 of 2 containers were recorded: no container came in time"));
}

}  // namespace
}  // namespace ravelin
