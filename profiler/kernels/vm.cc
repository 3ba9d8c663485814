#include "profiler/kernels/vm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "profiler/guest/job_format.h"
#include "profiler/kernels/exchange.h"
#include "profiler/kernels/guest_image.h"
#include "profiler/kernels/initramfs.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMachine = "qemu-system-x86_64";
constexpr unsigned kBootLimitMs = 120000;   // emulated, beside other work
constexpr unsigned kKvmLimitMs = 10000;     // boot to halt, where it works
constexpr const char* kKvm = "/dev/kvm";

// What a kernel needs to see the host's files and to lay memory over them.
const std::vector<std::string> kNeeded = {"virtio_pci", "9pnet_virtio", "9p", "overlay"};

// Documentation/x86/boot.rst: "HdrS" at 0x202, at 0x20e where the version's text begins, less 0x200.
std::string ReleaseOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string head(0x10000, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (head.size() < 0x210 || head.compare(0x202, 4, "HdrS") != 0) return "";
  const size_t at = 0x200 + static_cast<unsigned char>(head[0x20e]) + 0x100 * static_cast<size_t>(static_cast<unsigned char>(head[0x20f]));
  if (at >= head.size()) return "";
  return head.substr(at, head.find_first_of(std::string_view(" \0", 2), at) - at);
}

std::string ModulesOf(const std::string& image, const std::string& release) {
  const fs::path beside = fs::path(image).parent_path().parent_path();
  for (const fs::path& root : {beside, beside / "usr", fs::path("/")}) {
    const fs::path folder = root / "lib/modules" / release;
    std::error_code ignored;
    if (fs::is_directory(folder / "kernel", ignored)) return folder.string();
  }
  return "";
}

std::vector<std::string> MachineCommand(const Job& job, const KernelImage& kernel, const Scratch& scratch) {
  const std::string& folder = scratch.folder();
  std::vector<std::string> command = IsolatedCommand(job, scratch, job.setting.machine.kvm ? std::vector<std::string>{kKvm} : std::vector<std::string>());
  command.insert(command.end(), {kMachine, "-accel", job.setting.machine.kvm ? "kvm" : "tcg", "-cpu", job.setting.machine.kvm ? "host" : "max", "-M", "q35", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-nic", "none"});
  command.insert(command.end(), {"-m", fmt::format("{}M", job.setting.memory_mb), "-smp", std::to_string(std::max(1u, job.setting.machine.processors)), "-kernel", kernel.path, "-initrd", folder + "/boot/initramfs"});
  command.insert(command.end(), {"-append", fmt::format("console=ttyS0 audit=1 quiet loglevel=0 panic=-1 mitigations=off lsm=landlock,{} {}={} {}=1", ModuleName(job.module), guest::kJobArgument, folder, guest::kMachineArgument)});
  const auto share = [&](const char* tag, const std::string& path, const char* rest) {
    command.insert(command.end(), {"-fsdev", fmt::format("local,id={},path={},{}", tag, path, rest), "-device", fmt::format("virtio-9p-pci,fsdev={0},mount_tag={0}", tag)});
  };
  // What the guest writes keeps its owners and modes in files beside it: nothing there is a set-id program of this machine.
  share(guest::kHostShare, "/", "security_model=none,readonly=on,multidevs=remap");
  share(guest::kJobShare, folder, "security_model=none,readonly=on,multidevs=remap");
  share(guest::kOutShare, folder + "/out", "security_model=mapped-file");
  return command;
}

Result<Outcome> RunWithin(const Job& job, unsigned limit_ms) {
  if (FindProgram(kMachine).empty()) return Fail(ErrorCode::kEnvironment, "driver vm: there is no qemu-system-x86_64; install the package qemu-system-x86");
  if (job.setting.host_isolation && FindProgram("bwrap").empty()) return Fail(ErrorCode::kEnvironment, "driver vm: without bubblewrap what breaks out of the machine could write to this host; install the package bubblewrap (or accept that with --no-host-isolation)");
  RAVELIN_TRY(kernel, FindKernelImage(job.setting.machine.kernel_image));
  RAVELIN_TRY(scratch, Scratch::Make());
  std::vector<std::string> wanted = kNeeded;
  for (const std::string& path : job.modules) wanted.push_back(fs::path(path).stem().string());
  std::vector<std::string> missing;
  RAVELIN_TRY(initramfs, MakeInitramfs(kernel, GuestImage(), wanted, missing));
  // Those of the job that this kernel has not are told by the guest, as every other that is missing.
  if (auto written = WriteJob(job, missing, scratch); !written) return tl::make_unexpected(std::move(written.error()));
  if (auto written = scratch.Write("boot/initramfs", initramfs); !written) return tl::make_unexpected(std::move(written.error()));
  const auto begin = std::chrono::steady_clock::now();
  const std::string memory = scratch.folder() + "/memory";
  RAVELIN_TRY(process, RunProcess(MachineCommand(job, kernel, scratch), {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + memory, "HOME=" + memory}, limit_ms));
  if (auto isolated = CanIsolate(job, process); !isolated) return tl::make_unexpected(std::move(isolated.error()));
  Outcome outcome = ReadOutcome(job, scratch, process.output, HowItEnded(process, limit_ms));
  outcome.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  outcome.isolated = job.setting.host_isolation;
  return outcome;
}

}  // namespace

Result<KernelImage> FindKernelImage(const std::string& path) {
  if (!path.empty()) {
    const std::string image = fs::absolute(path).lexically_normal().string();
    const std::string release = ReleaseOf(image);
    if (release.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("driver vm: {} is no kernel that a virtual machine boots (a bzImage is wanted, such as /boot/vmlinuz-*)", path));
    std::string modules = ModulesOf(image, release);
    if (modules.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("driver vm: the modules of {} are neither beside {} nor in /lib/modules", release, path));
    return KernelImage{image, release, std::move(modules)};
  }
  std::vector<KernelImage> found;
  std::error_code ignored;
  for (fs::directory_iterator at("/boot", ignored), end; at != end; at.increment(ignored)) {
    const std::string image = at->path().string();
    if (image.rfind("/boot/vmlinuz-", 0) != 0) continue;
    const std::string release = ReleaseOf(image);
    std::string modules = release.empty() ? "" : ModulesOf(image, release);
    if (!modules.empty()) found.push_back({image, release, std::move(modules)});
  }
  if (found.empty()) return Fail(ErrorCode::kEnvironment, "driver vm: no kernel is installed in /boot; install the package linux-image-amd64, or say --kernel FILE");
  return *std::max_element(found.begin(), found.end(), [](const KernelImage& a, const KernelImage& b) { return strverscmp(a.release.c_str(), b.release.c_str()) < 0; });
}

Result<Outcome> RunVm(const Job& job) {
  // An overlay's file that is mapped is the share's, whose protection is then changed under the one label that a share can have.
  if (!job.policy.empty()) return Undecided(job, "driver vm: files of a share have no labels of their own; SELinux is judged by the driver uml");
  return RunWithin(job, job.setting.limit_ms + kBootLimitMs);
}

std::string WhyNoKvm(const std::string& kernel_image) {
  if (access(kKvm, R_OK | W_OK) != 0) return fmt::format("{}: {}", kKvm, std::strerror(errno));
  Job job;
  job.setting.machine = {.driver = DriverKind::kVm, .kernel_image = kernel_image, .kvm = true};
  job.setting.memory_mb = 256;
  job.steps.push_back({.kind = Step::Kind::kPath, .path = "/"});
  const auto outcome = RunWithin(job, kKvmLimitMs);
  if (!outcome) return outcome.error().message;
  return outcome->inconclusive.empty() ? "" : outcome->inconclusive.front();
}

}  // namespace ravelin::kernels
