// record: what a workload does, written down.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "profiler/observe/store.h"
#include "profiler/record/record.h"

namespace ravelin::cli {

std::optional<observe::Recording> RecordOrComplain(const RecordCommand& command, int& exit_code) {
  record::Request request;
  request.driver = command.driver;
  request.command = command.arguments;
  request.directory = command.directory;
  request.root = command.root;
  request.first_variation = command.first_variation;
  for (const std::string& layer : command.layers) request.layers.push_back(std::filesystem::absolute(layer).lexically_normal());
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
  // On the host a workload runs once: what it changes stays changed.
  request.runs = command.runs != 0 ? command.runs : command.driver == "uml" ? 2 : 1;
  request.limit_ms = command.limit_s * 1000;
  request.memory_mb = command.memory_mb;
  request.host_isolation = !command.no_host_isolation;
  if (request.directory.empty() && request.root == "/") {
    char* here = getcwd(nullptr, 0);
    if (here != nullptr) request.directory = here;
    free(here);
  }
  auto recording = record::Record(request, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
  if (!recording) {
    Complain(recording.error().message);
    exit_code = recording.error().code == ErrorCode::kUnsupported ? kUsage : kEnvironment;
    return std::nullopt;
  }
  return std::move(*recording);
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
