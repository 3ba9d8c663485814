#include "tests/learning/play.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "compiler/base/source.h"
#include "profiler/record/record.h"

namespace ravelin::learning {
namespace {

namespace fs = std::filesystem;

bool Listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool there = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return there;
}

// The unconfined steps, and all that they left running, in a group of their own.
class Shell {
 public:
  ~Shell() {
    for (const pid_t group : groups_) kill(-group, SIGKILL);
  }
  bool Run(const std::vector<std::string>& arguments) {
    const pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      std::vector<char*> words;
      for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
      words.push_back(nullptr);
      execv("/bin/sh", words.data());
      _exit(126);
    }
    groups_.push_back(child);
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
  }

 private:
  std::vector<pid_t> groups_;
};

// What the programs say is not for the log of the tests.
class Quiet {
 public:
  Quiet() : saved_{dup(1), dup(2)} {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int fd = 1; fd <= 2; ++fd) dup2(null, fd);
    close(null);
  }
  ~Quiet() {
    for (int i = 0; i < 2; ++i) {
      dup2(saved_[i], i + 1);
      close(saved_[i]);
    }
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  int saved_[2];
};

void Join(const observe::Run& part, observe::Run& whole) {
  for (const auto& [fact, sighting] : part.facts) {
    whole.Add(fact, sighting.first, sighting.example, sighting.count);
    whole.Add(fact, sighting.last, sighting.example, 0);
  }
  for (const auto& [name, channel] : part.completeness.channels) {
    whole.completeness.channels[name].lost += channel.lost;
    whole.completeness.channels[name].unread += channel.unread;
  }
  whole.completeness.doubts.insert(part.completeness.doubts.begin(), part.completeness.doubts.end());
  whole.completeness.clean_start &= part.completeness.clean_start;
  whole.completeness.clean_end &= part.completeness.clean_end;
  if (whole.started == 0) whole.started = part.started;
  whole.ended = part.ended;
  whole.kernel = part.kernel;
  whole.status = part.status;
}

}  // namespace

bool PlaysHere(const verify::Scenario& scenario, const std::string& folder) {
  const auto inside = [&](const std::string& path) { return path.rfind(folder + "/", 0) == 0; };
  const bool files = std::all_of(scenario.files.begin(), scenario.files.end(), [&](const kernels::File& file) { return inside(file.path); });
  return files && scenario.folders.empty() && std::none_of(scenario.steps.begin(), scenario.steps.end(), [](const verify::Step& step) { return step.step.kind == kernels::Step::Kind::kStart; });
}

Result<observe::Run> PlayHere(const verify::Scenario& scenario, const std::string& folder, unsigned number) {
  fs::create_directory(folder);
  for (const kernels::File& file : scenario.files) {
    fs::create_directories(fs::path(file.path).parent_path());
    if (auto written = source::WriteFile(file.path, file.content); !written) return tl::make_unexpected(std::move(written.error()));
    chmod(file.path.c_str(), file.mode);
  }
  std::fflush(stdout);
  const Quiet quiet;
  Shell shell;
  observe::Run out;
  out.arch = "x86_64";
  out.driver = "ptrace";
  record::Request request;
  request.driver = "ptrace";
  request.limit_ms = 120000;
  const record::Variation variation = record::VariationOf(request, number);
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const kernels::Step& step = scenario.steps[i].step;
    if (step.kind == kernels::Step::Kind::kPort) {
      for (int tries = 0; tries < 400 && !Listens(step.port); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    if (!scenario.steps[i].confined) {
      if (!shell.Run(step.arguments)) return Fail(ErrorCode::kEnvironment, fmt::format("step {} did not succeed", i + 1));
      continue;
    }
    for (const std::string& one : step.environment) {
      const size_t equals = one.find('=');
      setenv(one.substr(0, equals).c_str(), one.substr(equals + 1).c_str(), 1);
    }
    setenv("HOME", folder.c_str(), 1);
    request.command = step.arguments;
    request.directory = step.directory;
    RAVELIN_TRY(part, record::RecordOnHost(request, variation));
    if (part.status != "exit 0") part.completeness.doubts.insert(fmt::format("step {} ended with {}", i + 1, part.status));
    Join(part, out);
  }
  out.variation["TMPDIR"] = variation.temporary;
  for (const std::string& blind : record::BlindSpots("ptrace")) out.completeness.blind.insert(blind);
  fs::remove_all(folder);
  return out;
}

}  // namespace ravelin::learning
