// The job on the kernel that runs this program: no boot, name spaces instead.  Nothing of the machine can be written but what the kernel has
// for all name spaces alike, and no audit record is read: those are the machine's.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "profiler/guest/guest.h"
#include "profiler/guest/job_format.h"

namespace ravelin::guest {
namespace {

constexpr int kNoNamespaces = 3;  // exit code

void RunJob(const std::string& folder, int job_folder, int out_folder) {
  utsname names{};
  uname(&names);
  Say("kernel", names.release);
  Job job;
  if (const std::string wrong = ReadJob(job_folder, job); !wrong.empty()) return Say("trouble", wrong);
  job.guest = false;
  job.place = folder + "/memory";
  const Modules modules = ActiveModules();
  if (modules.apparmor && !WriteFile(out_folder, "features", ApparmorFeatures())) Trouble("features cannot be written");
  if (!job.profiles.empty() && !modules.apparmor) return Say("trouble", "this kernel has no AppArmor");
  if (!job.policy.empty()) return Say("trouble", "no policy of SELinux is loaded into a kernel that stays");
  if (!LoadProfiles(job, job_folder)) return;
  Audit none;
  if (EnterRoot(job, job_folder, false)) {
    PrepareNetwork();
    Phase("workload");
    RunSteps(job, job_folder, out_folder, modules, none);
    Phase("done");
  }
  UnloadProfiles(job);
  Say("lost", "0");
  Say("records", "0");
}

[[noreturn]] void First(const std::string& folder) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const int job_folder = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  const int out_folder = open((folder + "/out").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (job_folder < 0 || out_folder < 0) _exit(1);
  RunJob(folder, job_folder, out_folder);
  _exit(WriteFile(out_folder, "status", Report() + "end\n") ? 0 : 1);
}

}  // namespace

int RunOnThisKernel(const std::string& folder) {
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
    dprintf(STDERR_FILENO, "no name spaces: %s\n", strerror(errno));
    return kNoNamespaces;
  }
  const pid_t first = fork();
  if (first == 0) First(folder);
  int status = 0;
  while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR) {
  }
  return first > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace ravelin::guest
