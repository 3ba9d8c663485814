#include "profiler/kernels/host.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "profiler/guest/job_format.h"
#include "profiler/kernels/exchange.h"

namespace ravelin::kernels {
namespace {

constexpr unsigned kStartLimitMs = 10000;
constexpr int kMostStarts = 50;

// This kernel's profiles are one table: a job that loads and unloads them would take away another's, of this program or of another one.
class Turn {
 public:
  explicit Turn(bool wanted) : file_(wanted ? open("/run/ravelin.profiles", O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1) {
    while (file_ >= 0 && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Turn() {
    if (file_ >= 0) close(file_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool got() const { return file_ >= 0; }

 private:
  const int file_;
};

// A program that was just written cannot be started while a process that another thread is about to start still holds it open.
Result<ProcessResult> RunInit(const std::string& folder, unsigned limit_ms) {
  for (int i = 1;; ++i) {
    RAVELIN_TRY(process, RunProcess({"env", folder + "/boot/init", guest::kOnThisKernel, folder}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, limit_ms));
    if (i == kMostStarts || process.output.find("Text file busy") == std::string::npos) return process;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

std::string HostModules() {
  std::ifstream in("/sys/kernel/security/lsm");
  std::string out;
  std::getline(in, out);
  return out;
}

Result<Outcome> RunHost(const Job& job) {
  if (geteuid() != 0) return Fail(ErrorCode::kEnvironment, "driver host: only root can lay memory over this machine's files; run it as root, or use the driver uml");
  if (job.module == Module::kSelinux && !job.policy.empty()) return Undecided(job, "driver host: a policy of SELinux is not loaded into a kernel that stays; use the driver uml");
  if (!job.profiles.empty()) {
    if (("," + HostModules() + ",").find(",apparmor,") == std::string::npos) return Undecided(job, "driver host: AppArmor is not active on this machine; use the driver uml");
    if (!job.setting.machine.change_host) return Fail(ErrorCode::kEnvironment, "driver host: profiles would be loaded into this machine's kernel until the run ends, and what is attached by them would be confined; say --yes-change-this-host, or use the driver uml");
  }
  const Turn turn(!job.profiles.empty());
  if (!job.profiles.empty() && !turn.got()) return Fail(ErrorCode::kEnvironment, fmt::format("driver host: /run/ravelin.profiles: {}", std::strerror(errno)));
  RAVELIN_TRY(scratch, Scratch::Make());
  if (auto written = WriteJob(job, {}, scratch); !written) return tl::make_unexpected(std::move(written.error()));
  const auto begin = std::chrono::steady_clock::now();
  RAVELIN_TRY(process, RunInit(scratch.folder(), job.setting.limit_ms + kStartLimitMs));
  if (process.output.rfind("no name spaces", 0) == 0) return Fail(ErrorCode::kEnvironment, fmt::format("driver host: {}; in a container permit them (--security-opt seccomp=unconfined --cap-add SYS_ADMIN)", process.output.substr(0, process.output.find('\n'))));
  Outcome outcome = ReadOutcome(job, scratch, process.output, process.timed_out ? "it was ended for its time" : fmt::format("it ended with status {}", process.exit_code));
  outcome.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

}  // namespace ravelin::kernels
