// `ravelin verify` where a container runs it: no name spaces and mounts (Docker's default filter refuses them), and /dev/shm mounted noexec.
#include <unistd.h>

#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

// What Docker's default filter refuses to a container without privileges, as far as guests meet it.
constexpr const char* kContainer = R"(language 1
policy container {
  layers { seccomp }
  default allow
  deny syscall {
    mount, umount2, pivot_root, setns, unshare, move_mount, fsopen, fsmount, open_tree, bpf, init_module, finit_module, keyctl, perf_event_open
  } with errno(EPERM)
  deny syscall clone(flags & CLONE_NEW_ANY != 0) with errno(EPERM)
  deny syscall clone3 with errno(ENOSYS)
}
)";

constexpr const char* kPolicy = R"(language 1
policy reader {
  layers { seccomp + apparmor }
  use std::dynamic_program
  use std::program(file = "/usr/bin/cat")
  use std::metadata
  use std::descriptors
  use std::locale
  allow file { read } on path("/etc/hostname")
  default deny with errno(EPERM)
  unknown syscall with errno(ENOSYS)
}
)";

class Container : public Guest {
 protected:
  void SetUp() override {
    Guest::SetUp();
    if (IsSkipped()) return;
    char folder[] = "/var/tmp/ravelin-container.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    ASSERT_TRUE(source::WriteFile(folder_ + "/container.rav", kContainer));
    ASSERT_TRUE(source::WriteFile(folder_ + "/reader.rav", kPolicy));
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  ProcessResult Verify(const std::string& options) const {
    const std::string line = std::string("mount -t tmpfs -o noexec none /dev/shm && exec ") + RAVELIN_BINARY + " run " + folder_ + "/container.rav -- " + RAVELIN_BINARY + " verify " + folder_ + "/reader.rav --directory / " + options + " -- cat /etc/hostname";
    std::vector<std::string> command = {"unshare", "-m", "sh", "-c", line};
    if (geteuid() != 0) command.insert(command.begin() + 1, "-r");
    const auto run = RunProcess(command, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + folder_}, 120000);
    EXPECT_TRUE(run);
    return run ? *run : ProcessResult();
  }

  std::string folder_;
};

TEST_F(Container, WithoutNameSpacesItIsInconclusiveWithTheRemedy) {
  const ProcessResult run = Verify("");
  EXPECT_EQ(run.exit_code, 3) << run.output;
  EXPECT_NE(run.output.find("the guest cannot be kept from this host"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("--security-opt seccomp=unconfined"), std::string::npos) << run.output;
}

TEST_F(Container, WithoutIsolationThereIsAVerdictThatSaysSo) {
  const ProcessResult run = Verify("--no-host-isolation");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_NE(run.output.find("the guests were not kept from this machine (--no-host-isolation)"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("seccomp + apparmor   passed"), std::string::npos) << run.output;
}

}  // namespace
}  // namespace ravelin::kernels
