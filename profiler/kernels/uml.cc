// The guest as a process of this machine.
#include "profiler/kernels/uml.h"

#include <fmt/format.h>

#include <chrono>

#include "profiler/guest/job_format.h"
#include "profiler/kernels/exchange.h"

namespace ravelin::kernels {
namespace {

constexpr const char* kKernel = "linux.uml";
constexpr unsigned kBootLimitMs = 30000;

// What takes most of a boot otherwise (3 s instead of 0.15 s): choosing a RAID algorithm, a swap cache, 256 terminals of old, and
// measuring the processor's speed.
constexpr const char* kQuickBoot[] = {"initcall_blacklist=raid6_select_algo,init_zswap", "pty.legacy_count=0", "lpj=10067968"};

std::vector<std::string> GuestCommand(const Job& job, const Scratch& scratch) {
  const std::string& folder = scratch.folder();
  std::vector<std::string> command = IsolatedCommand(job, scratch);
  command.insert(command.end(), {kKernel, fmt::format("mem={}M", job.setting.memory_mb), "rootfstype=hostfs", "rootflags=" + folder + "/boot", "root=/dev/root", "ro", "init=/init"});
  command.push_back(fmt::format("lsm={}", ModuleName(job.module)));
  command.push_back(fmt::format("{}={}", guest::kJobArgument, folder));
  command.push_back(fmt::format("uml_dir={}/memory/", folder));
  command.insert(command.end(), {"con=null", "con0=null,fd:2", "con1=null", "quiet", "loglevel=0"});
  command.insert(command.end(), std::begin(kQuickBoot), std::end(kQuickBoot));
  return command;
}

}  // namespace

Result<std::string> UmlRelease() {
  RAVELIN_TRY(asked, RunProcess({kKernel, "--version"}, {}, 5000));
  std::string release = asked.output.substr(0, asked.output.find_first_of(" \n"));
  if (asked.exit_code != 0 || release.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("`{} --version` says nothing of use", kKernel));
  return release;
}

Result<Outcome> RunUml(const Job& job) {
  const auto release = UmlRelease();
  if (!release) return Fail(ErrorCode::kEnvironment, fmt::format("driver uml: {}; install the package user-mode-linux", release.error().message));
  if (job.setting.host_isolation && FindProgram("bwrap").empty()) return Fail(ErrorCode::kEnvironment, "driver uml: without bubblewrap a guest's root could write to this host; install the package bubblewrap (or accept that with --no-host-isolation)");
  RAVELIN_TRY(scratch, Scratch::Make());
  std::vector<std::string> modules = {"fs/overlayfs/overlay.ko", "lib/crc-ccitt.ko", "net/ipv6/ipv6.ko"};
  modules.insert(modules.end(), job.modules.begin(), job.modules.end());
  for (std::string& name : modules) name = "/usr/lib/uml/modules/" + *release + "/kernel/" + name;
  if (auto written = WriteJob(job, modules, scratch); !written) return tl::make_unexpected(std::move(written.error()));
  const auto begin = std::chrono::steady_clock::now();
  const std::string memory = scratch.folder() + "/memory";
  const unsigned limit_ms = job.setting.limit_ms + kBootLimitMs;
  RAVELIN_TRY(process, RunProcess(GuestCommand(job, scratch), {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + memory, "HOME=" + memory}, limit_ms));
  if (auto isolated = CanIsolate(job, process); !isolated) return tl::make_unexpected(std::move(isolated.error()));
  Outcome outcome = ReadOutcome(job, scratch, process.output, HowItEnded(process, limit_ms));
  outcome.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  outcome.isolated = job.setting.host_isolation;
  return outcome;
}

}  // namespace ravelin::kernels
