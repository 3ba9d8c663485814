// The guest as a process of this machine, and what keeps it from this machine.
#include "profiler/kernels/uml.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "profiler/guest/job_format.h"
#include "profiler/kernels/guest_image.h"
#include "profiler/kernels/process.h"

namespace ravelin::kernels {
namespace {

constexpr const char* kKernel = "linux.uml";
constexpr unsigned kBootLimitMs = 30000;

// What takes most of a boot otherwise (3 s instead of 0.15 s): choosing a RAID algorithm, a swap cache, 256 terminals of old, and
// measuring the processor's speed.
constexpr const char* kQuickBoot[] = {"initcall_blacklist=raid6_select_algo,init_zswap", "pty.legacy_count=0", "lpj=10067968"};

class Records {
 public:
  void Add(std::string_view key, std::string_view value) {
    text_.append(key).push_back('\0');
    text_.append(value).push_back('\0');
  }
  void AddWhere(bool wanted, std::string_view key, std::string_view value) {
    if (wanted) Add(key, value);
  }
  void AddNumber(std::string_view key, long value) { Add(key, std::to_string(value)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

constexpr const char* kKinds[] = {"run", "start", "stop", "port", "path", "relabel"};

void AddStep(const Step& step, const std::string& input, Records& out) {
  out.Add("step", kKinds[static_cast<size_t>(step.kind)]);
  switch (step.kind) {
    case Step::Kind::kRun:
    case Step::Kind::kStart:
      out.Add("program", step.program);
      for (const std::string& argument : step.arguments) out.Add("argument", argument);
      for (const std::string& variable : step.environment) out.Add("environment", variable);
      out.Add("directory", step.directory);
      out.AddWhere(!input.empty(), "stdin", input);
      if (step.user != 0) out.AddNumber("user", step.user);
      if (step.group != 0) out.AddNumber("group", step.group);
      out.AddWhere(!step.context.empty(), "context", step.context);
      out.AddWhere(!step.profile.empty(), "profile", step.profile);
      out.AddWhere(step.filtered, "filtered", "1");
      if (step.process_of >= 0) out.AddNumber("process-of", step.process_of);
      return;
    case Step::Kind::kStop:
      out.AddNumber("target", step.target);
      out.AddNumber("signal", step.signal);
      return;
    case Step::Kind::kPort: out.AddNumber("port", step.port); return;
    case Step::Kind::kPath: out.Add("path", step.path); return;
    case Step::Kind::kRelabel:
      out.Add("path", step.path);
      out.AddWhere(!step.context.empty(), "context", step.context);
      return;
  }
}

const char* LsmName(Module module) { return module == Module::kApparmor ? "apparmor" : module == Module::kSelinux ? "selinux" : "none"; }

}  // namespace

Result<std::string> UmlRelease() {
  RAVELIN_TRY(asked, RunProcess({kKernel, "--version"}, {}, 5000));
  std::string release = asked.output.substr(0, asked.output.find_first_of(" \n"));
  if (asked.exit_code != 0 || release.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("`{} --version` says nothing of use", kKernel));
  return release;
}

Result<void> WriteJob(const Job& job, const std::vector<std::string>& modules, const Scratch& scratch) {
  Records out;
  out.Add("root", job.root);
  for (const std::string& layer : job.layers) out.Add("layer", layer);
  for (const std::string& path : modules) out.Add("module", path);
  const auto file = [&](const char* key, const std::string& content) -> Result<void> {
    if (content.empty()) return {};
    out.Add(key, key);
    return scratch.Write(key, content);
  };
  std::string labels;
  for (const PathLabel& label : job.labels) labels.append(label.path).append(1, '\0').append(label.context).append(1, '\0');
  for (const auto& [key, content] : {std::pair<const char*, const std::string&>{"policy", job.policy}, {"labels", labels}, {"profiles", job.profiles}, {"filter", job.filter}}) {
    if (auto written = file(key, content); !written) return written;
  }
  for (const std::string& name : job.profile_names) out.Add("unload", name);
  out.AddWhere(!job.launcher.empty(), "launcher", job.launcher);
  out.Add("enforcing", job.mode == Mode::kEnforce ? "1" : "0");
  out.AddWhere(!job.default_label.empty(), "default", job.default_label);
  for (const std::string& path : job.empty) out.Add("tmpfs", path);
  for (const Input& input : job.inputs) {
    out.Add("input", input.from);
    out.Add("at", input.at);
  }
  for (const std::string& path : job.folders) out.Add("folder", path);
  for (size_t i = 0; i < job.files.size(); ++i) {
    const std::string name = fmt::format("{}.file", i);
    if (auto written = scratch.Write(name, job.files[i].content); !written) return written;
    out.Add("file", name);
    out.Add("to", job.files[i].path);
    out.Add("mode", fmt::format("{:o}", job.files[i].mode));
  }
  out.AddNumber("backlog", job.audit_backlog);
  out.Add("audit-waits", job.audit_waits ? "1" : "0");
  out.AddNumber("limit", job.limit_ms);
  for (size_t i = 0; i < job.steps.size(); ++i) {
    const std::string input = job.steps[i].input.empty() ? "" : fmt::format("{}.stdin", i);
    if (!input.empty()) {
      if (auto written = scratch.Write(input, job.steps[i].input); !written) return written;
    }
    AddStep(job.steps[i], input, out);
  }
  if (auto written = scratch.Write("job", out.text()); !written) return written;
  if (auto written = scratch.Write("boot/init", GuestImage()); !written) return written;
  if (chmod((scratch.folder() + "/boot/init").c_str(), 0755) != 0) return Fail(ErrorCode::kEnvironment, "the guest's init cannot be made executable");
  return {};
}

// Process 1 of the guest is root there and may mount any folder of the host through hostfs, as the user that the kernel runs as.  So
// that kernel runs where all of the host is read-only but two folders of the job, without the host's devices, network and processes.
std::vector<std::string> GuestCommand(const Job& job, const Scratch& scratch) {
  const std::string& folder = scratch.folder();
  std::vector<std::string> command;
  if (job.host_isolation) {
    command = {"bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--new-session"};
    // Root reads what the workload's user may read on the host, and is nothing else there.
    if (geteuid() == 0) command.insert(command.end(), {"--cap-drop", "ALL", "--cap-add", "CAP_DAC_READ_SEARCH", "--cap-add", "CAP_DAC_OVERRIDE"});
    command.insert(command.end(), {"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"});
    command.insert(command.end(), {"--ro-bind", folder, folder});
    for (const Input& input : job.inputs) command.insert(command.end(), {"--ro-bind", input.from, input.from});  // also where it lies in what is hidden above
    for (const char* name : {"/out", "/memory"}) command.insert(command.end(), {"--bind", folder + name, folder + name});
  }
  command.insert(command.end(), {kKernel, fmt::format("mem={}M", job.memory_mb), "rootfstype=hostfs", "rootflags=" + folder + "/boot", "root=/dev/root", "ro", "init=/init"});
  command.push_back(fmt::format("lsm={}", LsmName(job.module)));
  command.push_back(fmt::format("{}={}", guest::kJobArgument, folder));
  command.push_back(fmt::format("uml_dir={}/memory/", folder));
  command.insert(command.end(), {"con=null", "con0=null,fd:2", "con1=null", "quiet", "loglevel=0"});
  command.insert(command.end(), std::begin(kQuickBoot), std::end(kQuickBoot));
  return command;
}

Result<Outcome> RunUml(const Job& job) {
  const auto release = UmlRelease();
  if (!release) return Fail(ErrorCode::kEnvironment, fmt::format("driver uml: {}; install the package user-mode-linux", release.error().message));
  if (job.host_isolation && FindProgram("bwrap").empty()) return Fail(ErrorCode::kEnvironment, "driver uml: without bubblewrap a guest's root could write to this host; install the package bubblewrap (or accept that with --no-host-isolation)");
  RAVELIN_TRY(scratch, Scratch::Make());
  std::vector<std::string> modules = {"fs/overlayfs/overlay.ko", "lib/crc-ccitt.ko", "net/ipv6/ipv6.ko"};
  modules.insert(modules.end(), job.modules.begin(), job.modules.end());
  for (std::string& name : modules) name = "/usr/lib/uml/modules/" + *release + "/kernel/" + name;
  if (auto written = WriteJob(job, modules, scratch); !written) return tl::make_unexpected(std::move(written.error()));
  const auto begin = std::chrono::steady_clock::now();
  const std::string memory = scratch.folder() + "/memory";
  RAVELIN_TRY(process, RunProcess(GuestCommand(job, scratch), {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + memory, "HOME=" + memory}, job.limit_ms + kBootLimitMs));
  if (process.output.rfind("bwrap: ", 0) == 0) {
    return Fail(ErrorCode::kEnvironment, fmt::format("driver uml: the guest cannot be kept from this host: {}; permit user namespaces and mounts here (a container: --security-opt seccomp=unconfined, or a privileged one)", process.output.substr(0, process.output.find('\n'))));
  }
  const std::string ended = process.timed_out ? fmt::format("it was ended after {} s", (job.limit_ms + kBootLimitMs) / 1000) : process.signal != 0 ? fmt::format("signal {} ended it", process.signal) : fmt::format("it ended with status {}", process.exit_code);
  Outcome outcome = ReadOutcome(job, scratch, process.output, ended);
  outcome.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  outcome.isolated = job.host_isolation;
  return outcome;
}

}  // namespace ravelin::kernels
