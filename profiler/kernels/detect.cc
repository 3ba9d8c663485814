#include "profiler/kernels/detect.h"

#include <fmt/format.h>

#include <algorithm>

#include "profiler/kernels/process.h"
#include "profiler/kernels/scratch.h"
#include "profiler/kernels/uml.h"

namespace ravelin::kernels {
namespace {

Precondition Installed(const std::string& program, const std::string& package) {
  const std::string path = FindProgram(program);
  return {program, !path.empty(), path.empty() ? "not installed" : path, path.empty() ? "apt-get install --no-install-recommends " + package : ""};
}

// The same name spaces and mounts that a job needs.
Precondition Isolation() {
  Precondition out{"namespaces and mounts (bwrap)", false, "", ""};
  const auto tried = RunProcess({"bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"}, {"PATH=/usr/bin:/bin"}, 5000);
  out.holds = tried && tried->exit_code == 0;
  out.detail = !tried ? tried.error().message : out.holds ? "tried" : tried->output.substr(0, tried->output.find('\n'));
  if (!out.holds) out.remedy = "permit user namespaces here (sysctl kernel.unprivileged_userns_clone=1; in a container --security-opt seccomp=unconfined)";
  return out;
}

Precondition Memory() {
  Precondition out{"executable memory for the guest", false, "", ""};
  std::string reasons;
  for (const ScratchPlace& place : ScratchPlaces()) {
    if (place.usable) {
      out.holds = true;
      out.detail = place.folder + (reasons.empty() ? "" : " (" + reasons + ")");
      return out;
    }
    reasons += (reasons.empty() ? "" : "; ") + place.folder + ": " + place.why_not;
  }
  out.detail = reasons;
  out.remedy = "set TMPDIR to a folder with room that is not mounted noexec";
  return out;
}

Driver Uml(bool host_isolation) {
  Driver driver;
  driver.name = "uml";
  driver.modules = {Module::kApparmor, Module::kSelinux};
  driver.preconditions = {Installed("linux.uml", "user-mode-linux")};
  if (host_isolation) driver.preconditions.push_back(Installed("bwrap", "bubblewrap"));
  const bool installed = std::all_of(driver.preconditions.begin(), driver.preconditions.end(), [](const Precondition& one) { return one.holds; });
  if (installed && host_isolation) driver.preconditions.push_back(Isolation());
  driver.preconditions.push_back(Memory());
  if (!std::all_of(driver.preconditions.begin(), driver.preconditions.end(), [](const Precondition& one) { return one.holds; })) return driver;
  // The rest -- tracing processes, mapping memory -- shows when a guest runs.
  Precondition boot{"a guest boots, runs and halts", false, "", ""};
  Job job;
  job.module = Module::kApparmor;
  job.memory_mb = 128;
  job.limit_ms = 10000;
  job.host_isolation = host_isolation;
  job.steps.push_back({.kind = Step::Kind::kPath, .path = "/"});
  const auto outcome = Run(job);
  if (!outcome) {
    boot.detail = outcome.error().message;
  } else if (!outcome->inconclusive.empty()) {
    boot.detail = outcome->inconclusive.front();
  } else {
    boot.holds = outcome->steps[0].ended;
    boot.detail = fmt::format("in {:.2f} s", outcome->wall_seconds);
    driver.kernel = outcome->kernel;
    driver.features = outcome->features;
    driver.boot_seconds = outcome->wall_seconds;
  }
  if (!boot.holds) boot.remedy = "permit ptrace here (sysctl kernel.yama.ptrace_scope below 3; in a container --cap-add SYS_PTRACE --security-opt seccomp=unconfined)";
  driver.available = boot.holds;
  driver.preconditions.push_back(std::move(boot));
  return driver;
}

}  // namespace

const char* ModuleName(Module module) {
  switch (module) {
    case Module::kNone: return "none";
    case Module::kApparmor: return "apparmor";
    case Module::kSelinux: return "selinux";
  }
  return "";
}

std::vector<Driver> Detect(bool host_isolation) { return {Uml(host_isolation)}; }

}  // namespace ravelin::kernels
