#include "profiler/kernels/gvisor.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "compiler/base/json.h"
#include "profiler/kernels/exchange.h"
#include "profiler/kernels/gvisor_log.h"

namespace ravelin::kernels {
namespace {

constexpr unsigned kStartLimitMs = 20000;
constexpr int kSignalled = 128;  // runsc's status of a command that a signal ended, less the signal
const std::vector<std::string> kPath = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};

// The capabilities that root has in a guest.
std::string Capabilities() {
  std::string all;
  for (const char* name : {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_CHROOT", "SYS_PTRACE", "SYS_ADMIN", "SYS_NICE", "SYS_RESOURCE", "MKNOD", "SETFCAP"}) all += fmt::format("{}\"CAP_{}\"", all.empty() ? "" : ", ", name);
  return fmt::format("{{\"bounding\": [{0}], \"effective\": [{0}], \"permitted\": [{0}], \"inheritable\": [], \"ambient\": []}}", all);
}

std::string Config(const Job& job) {
  const Step& step = job.steps.front();
  std::string mounts = R"({"destination": "/proc", "type": "proc", "source": "proc"})";
  for (const std::string& path : job.setting.empty) mounts += fmt::format(", {{\"destination\": {}, \"type\": \"tmpfs\", \"source\": \"tmpfs\"}}", json::Quote(path));
  for (const Input& input : job.setting.inputs) mounts += fmt::format(", {{\"destination\": {}, \"type\": \"bind\", \"source\": {}, \"options\": [\"bind\", \"ro\"]}}", json::Quote(input.at), json::Quote(input.from));
  std::vector<std::string> arguments = step.arguments;
  arguments.front() = step.program;
  const std::string seccomp = step.filtered ? ", \"seccomp\": " + job.runtime_profile : "";
  return fmt::format(R"({{"ociVersion": "1.0.2", "process": {{"terminal": false, "user": {{"uid": {}, "gid": {}}}, "args": {}, "env": {}, "cwd": {}, "capabilities": {}}}, "root": {{"path": {}, "readonly": false}}, "hostname": "guest", "mounts": [{}], "linux": {{"namespaces": [{{"type": "pid"}}, {{"type": "ipc"}}, {{"type": "uts"}}, {{"type": "mount"}}, {{"type": "network"}}]{}}}}})",
                     step.user, step.group, json::List(arguments), json::List(step.environment), json::Quote(step.directory), Capabilities(), json::Quote(job.setting.root), mounts, seccomp);
}

// Newer versions have a faster platform and another way to keep writes in memory.
std::vector<std::string> Options(const std::string& folder) {
  const auto known = RunProcess({"runsc", "flags"}, kPath, 10000);
  const bool newer = known && known->output.find("systrap") != std::string::npos;
  std::vector<std::string> out = {"runsc", "--root=" + folder + "/memory", newer ? "--platform=systrap" : "--platform=ptrace", "--network=none", "--ignore-cgroups", newer ? "--overlay2=all:memory" : "--overlay", "--oci-seccomp"};
  if (geteuid() != 0) out.emplace_back("--rootless");
  return out;
}

// The log of the sandbox's kernel, which runsc names by the time.
void ReadLog(const std::string& folder, GvisorTrace& out) {
  GvisorLog log(out);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (name.find(".boot.") == std::string::npos) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) log.Read(line);
  }
}

}  // namespace

Result<std::string> GvisorRelease() {
  RAVELIN_TRY(asked, RunProcess({"runsc", "--version"}, kPath, 10000));
  constexpr std::string_view kBefore = "runsc version ";
  const size_t at = asked.output.find(kBefore);
  if (at == std::string::npos) return Fail(ErrorCode::kEnvironment, "`runsc --version` says nothing of use");
  const size_t begin = at + kBefore.size();
  return asked.output.substr(begin, asked.output.find('\n', begin) - begin);
}

Result<Outcome> TraceGvisor(const Job& job, GvisorTrace& trace) {
  const auto release = GvisorRelease();
  if (!release) return Fail(ErrorCode::kEnvironment, fmt::format("driver gvisor: {}; install the package runsc", release.error().message));
  if (!job.profiles.empty() || !job.policy.empty()) return Undecided(job, "driver gvisor: its kernel has no security modules; use the driver uml");
  if (job.steps.size() != 1 || job.steps.front().kind != Step::Kind::kRun || !job.files.empty() || !job.folders.empty() || !job.setting.layers.empty()) return Undecided(job, "driver gvisor: it runs one command in a root, and no scenario; use the driver uml");
  const Step& step = job.steps.front();
  if (step.filtered && job.runtime_profile.empty()) return Undecided(job, "driver gvisor: the filter cannot be said as a runtime's profile; use the driver uml");
  RAVELIN_TRY(scratch, Scratch::Make());
  const std::string& folder = scratch.folder();
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"config.json", Config(job)}, {"stdin", step.input}}) {
    if (auto written = scratch.Write(name, content); !written) return tl::make_unexpected(std::move(written.error()));
  }
  std::vector<std::string> command = {"sh", "-c", R"(exec "$@" < "$0/stdin" > "$0/out/0.stdout" 2> "$0/out/0.stderr")", folder};
  std::vector<std::string> options = Options(folder);
  RAVELIN_TRY(sink, TraceSink::Make(folder));
  RAVELIN_TRY(metadata, RunProcess({"runsc", "trace", "metadata"}, kPath, 10000));
  if (auto written = scratch.Write("session.json", sink.Config(metadata.output)); !written) return tl::make_unexpected(std::move(written.error()));
  options.insert(options.end(), {"--pod-init-config=" + folder + "/session.json", "--debug", "--debug-log=" + folder + "/log/", "--strace"});
  sink.Start(trace);
  command.insert(command.end(), options.begin(), options.end());
  const std::string name = "ravelin-" + folder.substr(folder.find_last_of('.') + 1);
  command.insert(command.end(), {"run", "--bundle=" + folder, name});
  const auto begin = std::chrono::steady_clock::now();
  RAVELIN_TRY(process, RunProcess(command, kPath, job.setting.limit_ms + kStartLimitMs));
  sink.Finish();
  ReadLog(folder + "/log", trace);
  Outcome outcome;
  outcome.kernel = *release;
  outcome.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  outcome.timed_out = process.timed_out;
  StepResult& result = outcome.steps.emplace_back();
  result.started = true;
  result.ended = !process.timed_out;
  result.out = scratch.Read("out/0.stdout");
  result.err = scratch.Read("out/0.stderr");
  if (process.exit_code > kSignalled) result.signal = process.exit_code - kSignalled;
  else result.exit_code = process.exit_code;
  // A sandbox that did not come up is no verdict on the workload.
  if (process.exit_code == kSignalled) outcome.inconclusive.push_back("driver gvisor: the sandbox did not start: " + result.err.substr(0, result.err.find('\n')));
  if (process.timed_out) {
    std::vector<std::string> end = options;
    end.insert(end.end(), {"delete", "--force", name});
    if (const auto ended = RunProcess(end, kPath, 10000); !ended) return tl::make_unexpected(ended.error());
  }
  return outcome;
}

Result<Outcome> RunGvisor(const Job& job) {
  GvisorTrace trace;
  trace.keeps_calls = false;
  RAVELIN_TRY(outcome, TraceGvisor(job, trace));
  if (!outcome.inconclusive.empty()) return outcome;
  outcome.inconclusive = WhyNotWhole(trace, outcome.timed_out);
  outcome.events = RefusalsIn(trace);
  outcome.calls = std::move(trace.made);
  return outcome;
}

std::string GvisorFalseError() {
  Job job;
  job.setting.machine.driver = DriverKind::kGvisor;
  job.setting.limit_ms = 20000;
  job.steps.push_back({.program = "/usr/bin/stat", .arguments = {"stat", "/"}});
  const auto outcome = RunGvisor(job);
  if (!outcome || outcome->steps.front().err.find("Invalid argument") == std::string::npos) return "";
  return "statx(2) with AT_NO_AUTOMOUNT fails with EINVAL: so do `ls` and `stat`, with and without a filter";
}

}  // namespace ravelin::kernels
