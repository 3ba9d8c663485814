// The job as files, and what keeps a guest from this machine.
#include "profiler/kernels/exchange.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profiler/kernels/guest_image.h"

namespace ravelin::kernels {
namespace {

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
      if (step.at_most_ms != 0) out.AddNumber("at-most", step.at_most_ms);
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

// A look here costs the guest none.  What cannot be seen from here may be there.
std::string WhereIs(const std::string& path, const Job& job) {
  const auto there = [&](const std::string& below) {
    struct stat status {};
    return lstat(((below == "/" ? "" : below) + path).c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR) ? '1' : '0';
  };
  std::string out;
  for (const std::string& layer : job.setting.layers) out += there(layer);
  return out + there(job.setting.root);
}

}  // namespace

Result<void> WriteJob(const Job& job, const std::vector<std::string>& modules, const Scratch& scratch) {
  Records out;
  out.Add("root", job.setting.root);
  for (const std::string& layer : job.setting.layers) out.Add("layer", layer);
  for (const std::string& path : modules) out.Add("module", path);
  const auto file = [&](const char* key, const std::string& content) -> Result<void> {
    if (content.empty()) return {};
    out.Add(key, key);
    return scratch.Write(key, content);
  };
  std::string labels;
  for (const PathLabel& label : job.labels) labels.append(label.path).append(1, '\0').append(label.context).append(1, '\0').append(WhereIs(label.path, job)).append(1, '\0');
  for (const auto& [key, content] : {std::pair<const char*, const std::string&>{"policy", job.policy}, {"labels", labels}, {"profiles", job.profiles}, {"filter", job.filter}}) {
    if (auto written = file(key, content); !written) return written;
  }
  for (const std::string& name : job.profile_names) out.Add("unload", name);
  out.AddWhere(!job.launcher.empty(), "launcher", job.launcher);
  out.Add("enforcing", job.mode == Mode::kEnforce ? "1" : "0");
  out.AddWhere(!job.default_label.empty(), "default", job.default_label);
  for (const Region& region : job.regions) {
    out.Add("region", region.path);
    out.Add("itself", region.itself);
    out.Add("below", region.below);
  }
  for (const std::string& path : job.setting.empty) out.Add("tmpfs", path);
  for (const Input& input : job.setting.inputs) {
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
  out.AddNumber("limit", job.setting.limit_ms);
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

std::vector<std::string> IsolatedCommand(const Job& job, const Scratch& scratch, const std::vector<std::string>& devices) {
  if (!job.setting.host_isolation) return {};
  const std::string& folder = scratch.folder();
  std::vector<std::string> command = {"bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--new-session"};
  // Root reads what the workload's user may read on the host, and is nothing else there.
  if (geteuid() == 0) command.insert(command.end(), {"--cap-drop", "ALL", "--cap-add", "CAP_DAC_READ_SEARCH", "--cap-add", "CAP_DAC_OVERRIDE"});
  command.insert(command.end(), {"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"});
  for (const std::string& device : devices) command.insert(command.end(), {"--dev-bind", device, device});
  command.insert(command.end(), {"--ro-bind", folder, folder});
  for (const Input& input : job.setting.inputs) command.insert(command.end(), {"--ro-bind", input.from, input.from});  // also where it lies in what is hidden above
  for (const char* name : {"/out", "/memory"}) command.insert(command.end(), {"--bind", folder + name, folder + name});
  return command;
}

Result<void> CanIsolate(const Job& job, const ProcessResult& process) {
  if (process.output.rfind("bwrap: ", 0) != 0) return {};
  return Fail(ErrorCode::kEnvironment, fmt::format("driver {}: the guest cannot be kept from this host: {}; permit user namespaces and mounts here (a container: --security-opt seccomp=unconfined, or a privileged one)", DriverName(job.setting.machine.driver), process.output.substr(0, process.output.find('\n'))));
}

std::string HowItEnded(const ProcessResult& process, unsigned limit_ms) {
  if (process.timed_out) return fmt::format("it was ended after {} s", limit_ms / 1000);
  return process.signal != 0 ? fmt::format("signal {} ended it", process.signal) : fmt::format("it ended with status {}", process.exit_code);
}

}  // namespace ravelin::kernels
