// record: what a workload does, written down.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "profiler/observe/store.h"
#include "profiler/record/record.h"

namespace ravelin::cli {

namespace {

void Say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

std::optional<observe::Recording> OrComplain(Result<observe::Recording> recording, int& exit_code) {
  if (recording) return std::move(*recording);
  Complain(recording.error().message);
  exit_code = recording.error().code == ErrorCode::kUnsupported ? kUsage : kEnvironment;
  return std::nullopt;
}

std::optional<observe::Recording> ListenOrComplain(const RecordCommand& command, int& exit_code) {
  if (command.drivers != std::vector<std::string>{"notify"} || !command.arguments.empty() || !command.scenario.empty()) {
    Complain("--listen goes with --driver notify and without a workload: a container runtime starts it");
    exit_code = kUsage;
    return std::nullopt;
  }
  record::Listening listening;
  listening.socket = std::filesystem::absolute(command.listen).lexically_normal();
  listening.containers = std::max(1U, command.runs);
  listening.limit_ms = command.limit_s * 1000;
  if (!command.runtime_profile.empty()) {
    const auto written = source::WriteFile(command.runtime_profile, record::ListeningProfile(listening.socket));
    if (!written) {
      exit_code = Complain(written.error());
      return std::nullopt;
    }
  }
  return OrComplain(record::Listen(listening, Say), exit_code);
}

}  // namespace

std::optional<observe::Recording> RecordOrComplain(const RecordCommand& command, int& exit_code) {
  if (!command.listen.empty()) return ListenOrComplain(command, exit_code);
  if (!command.runtime_profile.empty()) {
    Complain("--runtime-profile goes with --listen");
    exit_code = kUsage;
    return std::nullopt;
  }
  record::Request request;
  request.command = command.arguments;
  request.directory = command.directory;
  request.root = command.root;
  request.first_variation = command.first_variation;
  request.layers = command.layers;
  if (command.scenario.empty() == command.arguments.empty()) {
    Complain("a command after `--` is needed, or --scenario FILE");
    exit_code = kUsage;
    return std::nullopt;
  }
  if (!command.scenario.empty()) {
    const auto text = source::ReadFile(command.scenario);
    if (!text) {
      exit_code = Complain(text.error());
      return std::nullopt;
    }
    auto scenario = verify::ParseScenario(*text, command.scenario);
    if (!scenario) {
      exit_code = Complain(scenario.error());
      return std::nullopt;
    }
    request.scenario = std::move(*scenario);
  }
  request.limit_ms = command.limit_s * 1000;
  request.memory_mb = command.memory_mb;
  request.host_isolation = !command.no_host_isolation;
  if (request.directory.empty() && request.root == "/") {
    char* here = getcwd(nullptr, 0);
    if (here != nullptr) request.directory = here;
    free(here);
  }
  observe::Recording all;
  for (const std::string& driver : command.drivers) {
    request.driver = driver;
    // On the host a workload runs once: what it changes stays changed.
    request.runs = command.runs != 0 ? command.runs : record::KeepsTheHost(driver) ? 2 : 1;
    auto recording = OrComplain(record::Record(request, Say), exit_code);
    if (!recording && all.runs.empty()) return std::nullopt;
    if (!recording) {
      Say(fmt::format("INCOMPLETE: the driver {} recorded nothing; what was recorded before it is kept", driver));
      return all;
    }
    all = observe::Merge(std::move(all), *recording);
  }
  return all;
}

int Run(const RecordCommand& command) {
  int exit_code = kOk;
  auto recording = RecordOrComplain(command, exit_code);
  if (!recording) return exit_code;
  for (const auto& [id, run] : recording->runs) {
    for (const std::string& why : run.completeness.WhyNotWhole()) {
      std::fprintf(stderr, "INCOMPLETE: %s\n", why.c_str());
      exit_code = kEnvironment;
    }
  }
  if (access(command.output.c_str(), F_OK) == 0) {  // recordings grow
    const auto before = observe::LoadRecording(command.output);
    if (!before) return Complain(before.error());
    *recording = observe::Merge(std::move(*recording), *before);
  }
  const auto written = observe::SaveRecording(*recording, command.output);
  return written ? exit_code : Complain(written.error());
}

}  // namespace ravelin::cli
