// Runs a program and writes down its system calls and those of its children (format.h).
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

struct Options {
  std::string table;
  std::string output;
  std::string profile;
  std::string folder;    // made before the workload starts
  std::string hostname;  // set, where there is a kernel of one's own
  long processes = 0;    // that come and go first, so that numbers differ
  long limit_ms = 0;
  char** command = nullptr;
};

volatile sig_atomic_t g_stop = 0;
volatile sig_atomic_t g_child = 0;
void Stop(int) { g_stop = 1; }
// Whoever stops the recorder means the workload.
void Forward(int signal) {
  if (g_child > 0) kill(g_child, signal);
}
constexpr int kForwarded[] = {SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGINT, SIGWINCH};

int Usage() {
  fputs("usage: recorder --table FILE --output FILE|- [--profile NAME] [--limit MS] -- PROGRAM ARGUMENT...\n", stderr);
  return kCannotStart;
}

bool Parse(int argc, char** argv, Options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--" && i + 1 < argc) {
      out.command = argv + i + 1;
      return !out.table.empty() && !out.output.empty();
    }
    if (i + 1 >= argc) return false;
    const std::string value = argv[++i];
    if (word == "--table") out.table = value;
    else if (word == "--output") out.output = value;
    else if (word == "--profile") out.profile = value;
    else if (word == "--limit") out.limit_ms = strtol(value.c_str(), nullptr, 10);
    else if (word == "--folder") out.folder = value;
    else if (word == "--hostname") out.hostname = value;
    else if (word == "--processes") out.processes = strtol(value.c_str(), nullptr, 10);
    else return false;
  }
  return false;
}

[[noreturn]] void BecomeWorkload(const Options& options) {
  signal(SIGALRM, SIG_DFL);
  for (const int one : kForwarded) signal(one, SIG_DFL);
  if (options.output == "-") dup2(2, 1);
  if (!options.profile.empty()) {
    const std::string text = "exec " + options.profile;
    const int fd = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      perror("recorder: the profile cannot be set");
      _exit(kCannotStart);
    }
    close(fd);
  }
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  raise(SIGSTOP);
  execvp(options.command[0], options.command);
  perror("recorder: the program cannot be started");
  _exit(kCannotStart);
}

class Tracer {
 public:
  Tracer(const Table& table, pid_t first) : reader_(table, facts_, processes_), first_(first) {}

  // Until the last process has ended.
  void Run() {
    while (true) {
      int status = 0;
      const pid_t id = waitpid(-1, &status, __WALL);
      if (id < 0 && errno == EINTR) {
        if (g_stop != 0 && !stopped_) Cut();
        continue;
      }
      if (id < 0) return;
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        Leave(id, status);
        continue;
      }
      Stopped(id, status);
    }
  }

  void WriteEnd(int out) const {
    facts_.Write(out);
    if (!started_) dprintf(out, "trouble\t%s\n", Escape("the workload did not start").c_str());
    char line[96];
    snprintf(line, sizeof line, "end\t%s\t%d\t%.6f\n", stopped_ ? "limit" : WIFEXITED(status_) ? "exit" : "signal", stopped_ ? 0 : WIFEXITED(status_) ? WEXITSTATUS(status_) : WTERMSIG(status_), Now());
    if (write(out, line, strlen(line)) < 0) perror("recorder: the recording cannot be written");
  }
  int ExitCode() const { return stopped_ ? 124 : WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_); }

 private:
  void Cut() {
    stopped_ = true;
    facts_.Trouble("the time limit ended the workload");
    for (const auto& [id, process] : processes_) kill(id, SIGKILL);
  }

  void Leave(pid_t id, int status) {
    const auto at = processes_.find(id);
    if (at != processes_.end() && at->second.inside && started_) reader_.Leave(id, at->second, 0, Now());  // exit_group, or a call that never came back
    if (id == first_) status_ = status;
    processes_.erase(id);
  }

  void Stopped(pid_t id, int status) {
    Process& process = processes_[id];
    const int event = status >> 16;
    int signal = WSTOPSIG(status);
    if (id == first_ && process.fresh) {
      process.fresh = false;
      const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
      ptrace(PTRACE_SETOPTIONS, id, nullptr, options);
      signal = 0;
    } else if (signal == (SIGTRAP | 0x80)) {
      Call(id, process);
      signal = 0;
    } else if (event != 0) {
      Event(id, process, event);
      signal = 0;
    } else if (process.fresh && signal == SIGSTOP) {
      process.fresh = false;
      signal = 0;
    }
    ptrace(PTRACE_SYSCALL, id, nullptr, signal);
  }

  void Call(pid_t id, Process& process) {
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, id, nullptr, &regs) != 0) return;
    if (!process.inside) {
      process.inside = true;
      process.entry = regs;
      if (started_ && regs.cs == 0x23) facts_.Trouble("a process made calls of i386, which are not recorded as such");
      if (started_) reader_.Enter(id, process);
      return;
    }
    process.inside = false;
    if (started_ && !process.told) reader_.Leave(id, process, static_cast<int64_t>(regs.rax), Now());
    process.told = false;
  }

  void Event(pid_t id, Process& process, int event) {
    if (event == PTRACE_EVENT_EXEC) {
      unsigned long former = 0;
      ptrace(PTRACE_GETEVENTMSG, id, nullptr, &former);
      if (former != static_cast<unsigned long>(id) && processes_.count(static_cast<pid_t>(former)) != 0) {
        processes_[id] = processes_[static_cast<pid_t>(former)];  // a thread became the process
        processes_.erase(static_cast<pid_t>(former));
      }
      Process& now = processes_[id];
      if (started_) reader_.Leave(id, now, 0, Now());
      now.told = true;  // told already, or the launcher's own
      started_ = true;
      char program[PATH_MAX];
      const ssize_t n = readlink(("/proc/" + std::to_string(id) + "/exe").c_str(), program, sizeof program);
      now.program = n < 0 ? "" : std::string(program, static_cast<size_t>(n));
      now.chain += (now.chain.empty() ? "" : " > ") + now.program;
      return;
    }
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long child = 0;
      if (ptrace(PTRACE_GETEVENTMSG, id, nullptr, &child) != 0) return;
      Process& other = processes_[static_cast<pid_t>(child)];
      other.program = process.program;
      other.chain = process.chain;
    }
  }

  Facts facts_;
  std::map<pid_t, Process> processes_;
  Reader reader_;
  const pid_t first_;
  int status_ = 0;
  bool started_ = false;    // the workload's own first instruction has come
  bool stopped_ = false;
};

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) return Usage();
  Table table;
  if (!table.Read(options.table)) {
    fprintf(stderr, "recorder: %s: %s\n", options.table.c_str(), strerror(errno));
    return kCannotStart;
  }
  const int out = options.output == "-" ? dup(1) : open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) {
    fprintf(stderr, "recorder: %s: %s\n", options.output.c_str(), strerror(errno));
    return kCannotStart;
  }
  fcntl(out, F_SETFD, FD_CLOEXEC);
  dprintf(out, "%s\nstarted\t%.6f\n", kFirstLine, Now());
  struct sigaction action {};
  action.sa_handler = Stop;  // without SA_RESTART: it ends the wait
  sigaction(SIGALRM, &action, nullptr);
  action.sa_handler = Forward;
  action.sa_flags = SA_RESTART;
  for (const int one : kForwarded) sigaction(one, &action, nullptr);
  if (!options.folder.empty() && mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST) fprintf(stderr, "recorder: %s: %s\n", options.folder.c_str(), strerror(errno));
  if (!options.hostname.empty() && sethostname(options.hostname.data(), options.hostname.size()) != 0) perror("recorder: the name of the machine cannot be set");
  for (long i = 0; i < options.processes; ++i) {
    const pid_t passing = fork();
    if (passing == 0) _exit(0);
    if (passing > 0) waitpid(passing, nullptr, 0);
  }
  const pid_t child = fork();
  if (child < 0) return kCannotStart;
  if (child == 0) BecomeWorkload(options);
  g_child = child;
  if (options.limit_ms > 0) alarm(static_cast<unsigned>((options.limit_ms + 999) / 1000));
  Tracer tracer(table, child);
  tracer.Run();
  tracer.WriteEnd(out);
  close(out);
  return tracer.ExitCode();
}

}  // namespace
}  // namespace ravelin::recorder

int main(int argc, char** argv) { return ravelin::recorder::Main(argc, argv); }
