#include "profiler/kernels/process.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace ravelin::kernels {
namespace {

constexpr size_t kMostOutput = 1 << 20;

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (true) {
    const size_t end = rest.find(':');
    const std::string candidate = rest.substr(0, end) + "/" + name;
    struct stat status {};
    if (stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(candidate.c_str(), X_OK) == 0) return candidate;
    if (end == std::string::npos) return "";
    rest.erase(0, end + 1);
  }
}

Result<ProcessResult> RunProcess(const std::vector<std::string>& arguments, const std::vector<std::string>& environment, unsigned limit_ms) {
  const std::string program = FindProgram(arguments.front());
  if (program.empty()) return Fail(ErrorCode::kNotFound, fmt::format("there is no program `{}`", arguments.front()));
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("no pipe: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, output[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  const int error = posix_spawn(&child, program.c_str(), &actions, &attributes, Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(output[1]);
  if (error != 0) {
    close(output[0]);
    return Fail(ErrorCode::kEnvironment, fmt::format("{}: {}", program, std::strerror(error)));
  }
  ProcessResult result;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(limit_ms);
  // The end of the output is the end of the process and of all that it started.
  char buffer[1 << 14];
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd one{output[0], POLLIN, 0};
    if (left <= 0 && !result.timed_out) {
      result.timed_out = true;
      kill(-child, SIGKILL);
    }
    if (poll(&one, 1, result.timed_out ? 1000 : static_cast<int>(left)) <= 0) {
      if (result.timed_out) break;
      continue;
    }
    const ssize_t n = read(output[0], buffer, sizeof buffer);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
    if (n > 0) result.output.append(buffer, static_cast<size_t>(n));
    if (result.output.size() > 2 * kMostOutput) result.output.erase(0, result.output.size() - kMostOutput);
  }
  close(output[0]);
  // One that has its output elsewhere goes on without it.
  const int ended = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  while (ended >= 0 && !result.timed_out) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd one{ended, POLLIN, 0};
    const int n = poll(&one, 1, static_cast<int>(std::max<long>(left, 0)));
    if (n > 0 || (n < 0 && errno != EINTR)) break;
    if (left > 0) continue;
    result.timed_out = true;
    kill(-child, SIGKILL);
  }
  if (ended >= 0) close(ended);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace ravelin::kernels
