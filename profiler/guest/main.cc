// Process 1 of a guest: job_format.h says what it is told and what it leaves.
#include <errno.h>
#include <fcntl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "profiler/guest/guest.h"
#include "profiler/guest/job_format.h"

namespace ravelin::guest {
namespace {

std::string Argument(const std::string& name) {
  std::string line;
  ReadFile(AT_FDCWD, "/proc/cmdline", line);
  const size_t at = (" " + line).find(" " + name + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 1;
  return line.substr(begin, line.find_first_of(" \n", begin) - begin);
}

std::string KernelLog() {
  std::string text(1 << 18, '\0');
  const int n = klogctl(3, text.data(), static_cast<int>(text.size()));  // SYSLOG_ACTION_READ_ALL
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}

// Processes that the kernel ended for want of memory.
std::string KilledForMemory() {
  std::string text;
  ReadFile(AT_FDCWD, "/proc/vmstat", text);
  const size_t at = text.find("\noom_kill ");
  return at == std::string::npos ? "" : text.substr(at + 10, text.find('\n', at + 10) - at - 10);
}

void RunJob(int job_folder, int out_folder, bool machine) {
  utsname names{};
  uname(&names);
  Say("kernel", names.release);
  Job job;
  if (const std::string wrong = ReadJob(job_folder, job); !wrong.empty()) return Say("trouble", wrong);
  job.machine = machine;
  const Modules modules = ActiveModules();
  if (!LoadPolicy(job, job_folder)) return;
  const bool policy_loaded = modules.selinux && !job.policy.empty();
  Phase("policy");
  LoadModules(job);
  Phase("modules");
  if (!EnterRoot(job, job_folder, policy_loaded)) return;
  PrepareNetwork();
  Phase("root");
  if (modules.apparmor && !WriteFile(out_folder, "features", ApparmorFeatures())) Trouble("features cannot be written");
  if (!LoadProfiles(job, job_folder)) return;
  Audit audit;
  if (!audit.Open(job, out_folder)) return;
  if (policy_loaded && !WriteExisting("/sys/fs/selinux/enforce", job.enforcing ? "1" : "0")) return Trouble("enforcement cannot be set");
  Phase("workload");
  RunSteps(job, job_folder, out_folder, modules, audit);
  Phase("done");
  audit.Finish();
  Say("oom", KilledForMemory());
  Phase("drained");
}

int Main() {
  mount("proc", "/proc", "proc", 0, "");
  Phase("init");
  const std::string job = Argument(kJobArgument);
  const bool machine = !Argument(kMachineArgument).empty();
  if (machine) LeaveFirstFiles();
  mount("dev", "/dev", "devtmpfs", 0, "");
  if (machine) {
    if (MountShare(kHostShare, "/host", true) && MountShare(kJobShare, "/job", true)) MountShare(kOutShare, "/job/out", false);
  } else {
    mount("none", "/host", "hostfs", 0, "/");
    mount("none", "/job", "hostfs", 0, job.c_str());
  }
  mount("sys", "/sys", "sysfs", 0, "");
  mount("security", "/sys/kernel/security", "securityfs", 0, "");
  // Descriptors, not paths: the workload's root has no way there.
  const int job_folder = open("/job", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const int out_folder = open("/job/out", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (job_folder >= 0 && out_folder >= 0) {
    RunJob(job_folder, out_folder, machine);
    if (!WriteFile(out_folder, "dmesg", KernelLog())) Trouble("the kernel's log cannot be written");
    if (!WriteFile(out_folder, "status", Report() + "end\n")) Trouble("the report cannot be written");
  }
  sync();
  reboot(RB_POWER_OFF);
  reboot(RB_HALT_SYSTEM);
  return 0;
}

}  // namespace
}  // namespace ravelin::guest

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], ravelin::guest::kOnThisKernel) == 0) return ravelin::guest::RunOnThisKernel(words[2]);
  return ravelin::guest::Main();
}
