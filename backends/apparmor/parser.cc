#include "backends/apparmor/parser.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

extern char** environ;

namespace ravelin::apparmor {
namespace {

namespace fs = std::filesystem;

// A folder of our own that goes away.
class Folder {
 public:
  Folder() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "ravelin-apparmor-XXXXXX").string();
    if (!error && mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string FindProgram() {
  for (const char* candidate : {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser", "/usr/bin/apparmor_parser"}) {
    if (access(candidate, X_OK) == 0) return candidate;
  }
  return "";
}

bool Write(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  return out.flush().good();
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// For expressions that it does not end with: seconds of computing.
constexpr time_t kMaxSeconds = 120;

// Waits for the child, and ends it when it has computed for too long.  A limit that is set from outside (prlimit) is not kept by
// every kernel.
bool Await(pid_t child, int* status) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  clockid_t clock = 0;
  timespec used = {};
  pollfd ended = {fd, POLLIN, 0};
  while (fd >= 0 && clock_getcpuclockid(child, &clock) == 0) {
    const int ready = poll(&ended, 1, 500);
    if (ready > 0 || (ready < 0 && errno != EINTR)) break;
    if (clock_gettime(clock, &used) == 0 && used.tv_sec >= kMaxSeconds) kill(child, SIGKILL);
  }
  if (fd >= 0) close(fd);
  while (waitpid(child, status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

// The exit status; what it says goes to `output`.
Result<int> Run(std::vector<std::string> arguments, const std::string& output) {
  arguments.insert(arguments.begin(), FindProgram());
  if (arguments.front().empty()) return Fail(ErrorCode::kEnvironment, "apparmor_parser is not installed (Debian: apt-get install apparmor)");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{} cannot be run: {}", arguments[0], std::strerror(error)));
  int status = 0;
  if (!Await(child, &status)) return Fail(ErrorCode::kEnvironment, fmt::format("{} was lost", arguments[0]));
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return Fail(ErrorCode::kTooLarge, fmt::format("{} was not done after {} seconds of computing", arguments[0], kMaxSeconds));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<ParserVerdict> RunParser(const std::string& text, const std::string& features) {
  const Folder folder;
  if (folder.path().empty()) return Fail(ErrorCode::kEnvironment, "no folder for temporary files can be made");
  const std::string profile = folder.path() + "/profile";
  const std::string feature_file = folder.path() + "/features";
  const std::string binary = folder.path() + "/binary";
  const std::string said = folder.path() + "/said";
  if (!Write(profile, text) || !Write(feature_file, features)) return Fail(ErrorCode::kEnvironment, fmt::format("{} cannot be written", folder.path()));
  // Without af_unix in the features, `network unix` is the generic rule that is meant; the parser calls that a downgrade.
  RAVELIN_TRY(status, Run({"--config-file=/dev/null", "-QTK", "--kernel-features", feature_file, "--policy-features", feature_file, "--override-policy-abi", feature_file, "--warn=all", "--warn=no-rule-downgraded", "--warn=no-dangerous", "--warn=no-dev", "--warn=no-cache", "--Werror", "-o", binary, profile}, said));
  ParserVerdict verdict;
  verdict.accepted = status == 0;
  if (verdict.accepted) {
    const std::string bytes = Read(binary);
    verdict.binary.assign(bytes.begin(), bytes.end());
    return verdict;
  }
  std::string message = Read(said);
  for (size_t at; (at = message.find(profile)) != std::string::npos;) message.replace(at, profile.size(), "the profile");
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  std::smatch match;
  if (std::regex_search(message, match, std::regex("line ([0-9]+)"))) verdict.line = std::atoi(match[1].str().c_str());
  verdict.message = message.empty() ? fmt::format("exit status {}", status) : message;
  return verdict;
}

Result<std::string> ParserVersion() {
  const Folder folder;
  if (folder.path().empty()) return Fail(ErrorCode::kEnvironment, "no folder for temporary files can be made");
  RAVELIN_TRY(status, Run({"--version"}, folder.path() + "/said"));
  const std::string said = Read(folder.path() + "/said");
  std::smatch match;
  if (status != 0 || !std::regex_search(said, match, std::regex("version ([0-9][0-9A-Za-z.~+-]*)"))) return Fail(ErrorCode::kEnvironment, "apparmor_parser does not say its version");
  return match[1].str();
}

}  // namespace ravelin::apparmor
