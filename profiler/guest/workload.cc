// Steps of the workload, their descriptors and their ends.
#include "profiler/guest/workload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <cstring>

namespace ravelin::guest {
namespace {

constexpr int kTickMs = 5;             // how often a condition is looked at again
constexpr long kWaitLimitMs = 20000;   // for a port or a path, at least: a quarter of the job's limit where that is more
constexpr long kKillLimitMs = 1000;    // for what is killed at the end
constexpr size_t kMostOutput = 64 << 20;

bool Listens(int port) {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool good = s >= 0 && connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (s >= 0 && !good && errno == EINPROGRESS) {
    pollfd one{s, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    good = poll(&one, 1, 50) == 1 && getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  if (s >= 0) close(s);
  return good;
}

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// All below a folder, what has a label of its own with that; symbolic links are labelled themselves.
void Relabel(const std::string& folder, const std::string& usual, const std::map<std::string, std::string>& own) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return Trouble("relabel " + folder);
  for (const dirent* entry = readdir(dir); entry != nullptr; entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = folder + "/" + name;
    const auto at = own.find(path);
    const std::string& context = at == own.end() ? usual : at->second;
    if (lsetxattr(path.c_str(), "security.selinux", context.c_str(), context.size() + 1, 0) != 0) Trouble("label of " + path);
    if (entry->d_type == DT_DIR) Relabel(path, usual, own);
  }
  closedir(dir);
}

class Runner {
 public:
  Runner(const Job& job, int job_folder, int out_folder, const Modules& modules, Audit& audit)
      : job_(job), job_folder_(job_folder), out_folder_(out_folder), modules_(modules), audit_(audit), children_(job.steps.size()), end_(job.limit_ms > 0 ? Now() + static_cast<double>(job.limit_ms) / 1000 : 0) {}

  void Run() {
    if (!job_.filter.empty() && !ReadFile(job_folder_, job_.filter, filter_)) Trouble("the filter cannot be read");
    for (size_t i = 0; i < job_.steps.size() && !expired_; ++i) {
      if (!Do(i)) break;
    }
    // A profile may refuse its processes even this signal: what does not end does so with the machine.
    kill(-1, SIGKILL);
    const double end = Now() + kKillLimitMs / 1000.0;
    while ((waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD) && Now() < end) Tick();
    Drain();
    if (expired_) Say("timeout", "1");
    for (size_t i = 0; i < children_.size(); ++i) Finish(i);
  }

 private:
  struct Child {
    pid_t process = -1;
    bool ended = false;
    bool expired = false;  // was killed for its own limit
    int status = 0;
    int in = -1;   // we write
    int out = -1;  // we read
    int err = -1;
    int end = -1;  // readable when it has ended
    std::string input;
    size_t sent = 0;
    std::string stdout_text;
    std::string stderr_text;
  };

  bool Do(size_t i) {
    const Step& step = job_.steps[i];
    if (step.kind == "run") {
      if (!Start(i)) return false;
      if (!WaitFor([&] { return children_[i].ended; }, step.at_most_ms) && !expired_) {
        children_[i].expired = true;
        kill(children_[i].process, SIGKILL);
        // A profile may refuse even this signal: the step then has no end, and the job goes on without it.
        if (!WaitFor([&] { return children_[i].ended; }, kKillLimitMs)) return !expired_;
      }
      return !expired_ && Tell(i);
    }
    if (step.kind == "start") {
      if (!Start(i)) return false;
      Say("step", std::to_string(i) + " started");
      return true;
    }
    if (step.kind == "stop") {
      Child& child = children_[static_cast<size_t>(step.target)];
      if (!child.ended) kill(child.process, step.signal);
      const bool stopped = WaitFor([&] { return child.ended; }, std::max(kWaitLimitMs, job_.limit_ms / 4));
      Say("step", std::to_string(i) + (stopped ? " reached" : " missed"));
      return stopped && Tell(static_cast<size_t>(step.target));
    }
    if (step.kind == "relabel") {
      if (modules_.selinux && !step.context.empty()) {
        std::map<std::string, std::string> own;
        for (Label& one : ReadLabels(job_, job_folder_)) own.emplace(std::move(one.path), std::move(one.context));
        Relabel(step.path, step.context, own);
      }
      Say("step", std::to_string(i) + " reached");
      return true;
    }
    const bool done = WaitFor([&] { return step.kind == "port" ? Listens(step.port) : Exists(step.path); }, std::max(kWaitLimitMs, job_.limit_ms / 4));
    Say("step", std::to_string(i) + (done ? " reached" : " missed"));
    return done;
  }

  bool Tell(size_t i) {
    if (children_[i].ended) Say("step", std::to_string(i) + " ended " + std::to_string(children_[i].status) + (children_[i].expired ? " expired" : ""));
    return true;
  }

  bool Start(size_t i) {
    Child& child = children_[i];
    Step step = job_.steps[i];
    if (step.process_of >= 0) step.arguments.push_back(std::to_string(children_[static_cast<size_t>(step.process_of)].process));
    if (!step.input.empty() && !ReadFile(job_folder_, step.input, child.input)) Trouble("standard input cannot be read");
    int in[2];
    int out[2];
    int err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
      Trouble("no pipes");
      return false;
    }
    const StartResult result = StartProgram(step, filter_, modules_, in[0], out[1], err[1]);
    for (const int fd : {in[0], out[1], err[1]}) close(fd);
    child.in = in[1];
    child.out = out[0];
    child.err = err[0];
    for (const int fd : {child.in, child.out, child.err}) fcntl(fd, F_SETFL, O_NONBLOCK);
    child.process = result.process;
    Say("process", std::to_string(i) + " " + std::to_string(result.process));
    if (result.process > 0) child.end = static_cast<int>(syscall(SYS_pidfd_open, result.process, 0));
    if (result.process < 0 || result.error != 0) {
      Say("step", std::to_string(i) + " not-started " + result.stage + ": " + strerror(result.error));
      // The program was refused by name: that is an end like any other, and the driver's to judge.
      child.ended = result.process < 0;
      if (result.process > 0) WaitFor([&] { return child.ended; }, 0);
      return false;
    }
    return true;
  }

  template <typename Condition>
  bool WaitFor(const Condition& condition, long limit_ms) {
    const double begin = Now();
    while (true) {
      Reap();
      if (condition()) return true;
      if (end_ > 0 && Now() > end_) {
        expired_ = true;
        return false;
      }
      if (limit_ms > 0 && Now() - begin > static_cast<double>(limit_ms) / 1000) return false;
      Tick();
    }
  }

  void Reap() {
    int status = 0;
    for (pid_t process = waitpid(-1, &status, WNOHANG); process > 0; process = waitpid(-1, &status, WNOHANG)) {
      for (Child& child : children_) {
        if (child.process != process || child.ended) continue;
        child.ended = true;
        child.status = status;
        if (child.end >= 0) close(child.end);
        child.end = -1;
      }
    }
  }

  // Waits a little for something to read or write.
  void Tick() {
    std::vector<pollfd> all = {{audit_.descriptor(), POLLIN, 0}};
    for (const Child& child : children_) {
      if (child.in >= 0) all.push_back({child.in, POLLOUT, 0});
      if (child.out >= 0) all.push_back({child.out, POLLIN, 0});
      if (child.err >= 0) all.push_back({child.err, POLLIN, 0});
      if (child.end >= 0) all.push_back({child.end, POLLIN, 0});
    }
    poll(all.data(), all.size(), kTickMs);
    Drain();
  }

  void Drain() {
    audit_.Read();
    for (Child& child : children_) {
      Feed(child);
      Take(child.out, child.stdout_text);
      Take(child.err, child.stderr_text);
    }
  }

  static void Feed(Child& child) {
    while (child.in >= 0) {
      if (child.sent < child.input.size()) {
        const ssize_t n = write(child.in, child.input.data() + child.sent, child.input.size() - child.sent);
        if (n > 0) {
          child.sent += static_cast<size_t>(n);
          continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      }
      close(child.in);
      child.in = -1;
    }
  }

  static void Take(int& fd, std::string& text) {
    static char buffer[1 << 16];
    while (fd >= 0) {
      const ssize_t n = read(fd, buffer, sizeof buffer);
      if (n > 0) {
        if (text.size() < kMostOutput) text.append(buffer, static_cast<size_t>(n));
      } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
      } else {
        close(fd);
        fd = -1;
      }
    }
  }

  void Finish(size_t i) {
    const Child& child = children_[i];
    if (child.process < 0) return;
    if (child.stdout_text.size() >= kMostOutput || child.stderr_text.size() >= kMostOutput) Say("trouble", "the output of a step was cut");
    for (const auto& [name, text] : {std::pair<const char*, const std::string&>{".stdout", child.stdout_text}, {".stderr", child.stderr_text}}) {
      if (!text.empty() && !WriteFile(out_folder_, std::to_string(i) + name, text)) Trouble("output cannot be written");
    }
  }

  const Job& job_;
  const int job_folder_;
  const int out_folder_;
  const Modules& modules_;
  Audit& audit_;
  std::string filter_;
  std::vector<Child> children_;
  const double end_;
  bool expired_ = false;
};

}  // namespace

void RunSteps(const Job& job, int job_folder, int out_folder, const Modules& modules, Audit& audit) {
  signal(SIGPIPE, SIG_IGN);
  Runner(job, job_folder, out_folder, modules, audit).Run();
}

}  // namespace ravelin::guest
