#include "profiler/kernels/detect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "profiler/kernels/gvisor.h"
#include "profiler/kernels/host.h"
#include "profiler/kernels/process.h"
#include "profiler/kernels/scratch.h"
#include "profiler/kernels/uml.h"
#include "profiler/kernels/vm.h"

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

// A job that does nothing.
Precondition Try(const char* what, bool host_isolation, Driver& driver) {
  Precondition out{what, false, "", ""};
  Job job;
  job.setting.machine.driver = driver.kind;
  job.module = Module::kApparmor;
  job.setting.memory_mb = 128;
  job.setting.limit_ms = 10000;
  job.setting.host_isolation = host_isolation;
  if (driver.kind == DriverKind::kGvisor) job.steps.push_back({.program = "/bin/true", .arguments = {"true"}});
  else job.steps.push_back({.kind = Step::Kind::kPath, .path = "/"});
  const auto outcome = Run(job);
  if (!outcome) {
    out.detail = outcome.error().message;
  } else if (!outcome->inconclusive.empty()) {
    out.detail = outcome->inconclusive.front();
  } else {
    out.holds = outcome->steps[0].ended;
    out.detail = fmt::format("in {:.2f} s", outcome->wall_seconds);
    driver.kernel = outcome->kernel;
    driver.features = outcome->features;
    driver.boot_seconds = outcome->wall_seconds;
  }
  return out;
}

Driver Gvisor() {
  Driver driver;
  driver.kind = DriverKind::kGvisor;
  driver.preconditions = {Installed("runsc", "runsc")};
  if (!driver.preconditions.front().holds) return driver;
  Precondition run = Try("a sandbox starts, runs and ends", true, driver);
  if (!run.holds) run.remedy = "permit ptrace and name spaces here (a container: --cap-add SYS_PTRACE --security-opt seccomp=unconfined)";
  driver.available = run.holds;
  driver.preconditions.push_back(std::move(run));
  if (!driver.available) return driver;
  const std::string wrong = GvisorFalseError();
  driver.preconditions.push_back({"known false errors of this version", wrong.empty(), wrong.empty() ? "none" : wrong, wrong.empty() ? "use a newer runsc" : ""});
  return driver;
}

Driver Host() {
  Driver driver;
  driver.kind = DriverKind::kHost;
  const bool apparmor = ("," + HostModules() + ",").find(",apparmor,") != std::string::npos;
  if (apparmor) driver.modules = {Module::kApparmor};
  driver.preconditions = {{"root", geteuid() == 0, geteuid() == 0 ? "yes" : "an ordinary user cannot lay memory over this machine's files", geteuid() == 0 ? "" : "run it as root, or use the driver uml"}};
  if (geteuid() != 0) return driver;
  driver.preconditions.push_back({"AppArmor", apparmor, apparmor ? "active; profiles are loaded with --yes-change-this-host alone" : "not active: the filter alone is judged", apparmor ? "" : "use the driver uml for it"});
  Precondition run = Try("a job runs in name spaces", true, driver);
  if (!run.holds) run.remedy = "permit name spaces and mounts here (a container: --security-opt seccomp=unconfined --cap-add SYS_ADMIN)";
  driver.available = run.holds;
  driver.preconditions.push_back(std::move(run));
  return driver;
}

Driver Vm(bool host_isolation) {
  Driver driver;
  driver.kind = DriverKind::kVm;
  driver.modules = {Module::kApparmor};
  driver.preconditions = {Installed("qemu-system-x86_64", "qemu-system-x86")};
  if (host_isolation) driver.preconditions.push_back(Installed("bwrap", "bubblewrap"));
  const auto kernel = FindKernelImage("");
  driver.preconditions.push_back({"a kernel to boot", kernel.has_value(), kernel ? kernel->path : "none in /boot with its modules", kernel ? "" : "apt-get install --no-install-recommends linux-image-amd64, or say --kernel FILE"});
  if (!std::all_of(driver.preconditions.begin(), driver.preconditions.end(), [](const Precondition& one) { return one.holds; })) return driver;
  const std::string no_kvm = WhyNoKvm("");
  driver.preconditions.push_back({"the processor's own virtual machines (kvm)", no_kvm.empty(), no_kvm.empty() ? "a guest boots, runs and halts" : no_kvm, no_kvm.empty() ? "" : "none is needed: guests are emulated, and take seconds to boot"});
  Precondition boot = Try("a machine boots, runs and halts", host_isolation, driver);
  if (!boot.holds) boot.remedy = "see what it says; use the driver uml";
  driver.available = boot.holds;
  driver.preconditions.push_back(std::move(boot));
  return driver;
}

Driver Uml(bool host_isolation) {
  Driver driver;
  driver.modules = {Module::kApparmor, Module::kSelinux};
  driver.preconditions = {Installed("linux.uml", "user-mode-linux")};
  if (host_isolation) driver.preconditions.push_back(Installed("bwrap", "bubblewrap"));
  const bool installed = std::all_of(driver.preconditions.begin(), driver.preconditions.end(), [](const Precondition& one) { return one.holds; });
  if (installed && host_isolation) driver.preconditions.push_back(Isolation());
  driver.preconditions.push_back(Memory());
  if (!std::all_of(driver.preconditions.begin(), driver.preconditions.end(), [](const Precondition& one) { return one.holds; })) return driver;
  // The rest -- tracing processes, mapping memory -- shows when a guest runs.
  Precondition boot = Try("a guest boots, runs and halts", host_isolation, driver);
  if (!boot.holds) boot.remedy = "permit ptrace here (sysctl kernel.yama.ptrace_scope below 3; in a container --cap-add SYS_PTRACE --security-opt seccomp=unconfined)";
  driver.available = boot.holds;
  driver.preconditions.push_back(std::move(boot));
  return driver;
}

}  // namespace

Machine MachineFor(const std::string& driver, const std::string& kernel_image) {
  Machine out;
  for (const DriverKind kind : {DriverKind::kUml, DriverKind::kHost, DriverKind::kGvisor, DriverKind::kVm}) {
    if (driver == DriverName(kind)) out.driver = kind;
  }
  out.kernel_image = kernel_image;
  out.kvm = out.driver == DriverKind::kVm && WhyNoKvm(kernel_image).empty();
  return out;
}

Driver Detect(DriverKind kind, bool host_isolation) {
  switch (kind) {
    case DriverKind::kUml: return Uml(host_isolation);
    case DriverKind::kGvisor: return Gvisor();
    case DriverKind::kVm: return Vm(host_isolation);
    case DriverKind::kHost: return Host();
  }
  return {};
}

std::vector<Driver> Detect(bool host_isolation) {
  std::vector<Driver> out;
  for (const DriverKind kind : {DriverKind::kUml, DriverKind::kGvisor, DriverKind::kVm, DriverKind::kHost}) out.push_back(Detect(kind, host_isolation));
  return out;
}

}  // namespace ravelin::kernels
