// Runs a program and writes down its system calls and those of its children (format.h).
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

volatile sig_atomic_t g_stop = 0;
volatile sig_atomic_t g_child = 0;
void Stop(int) { g_stop = 1; }
// Whoever stops the recorder means the workload.
void Forward(int signal) {
  if (g_child > 0) kill(g_child, signal);
}
constexpr int kForwarded[] = {SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGINT, SIGWINCH};

int Usage() {
  fputs("usage: recorder [--by ptrace|notify|bpf] --table FILE --output FILE|- [--becomes TEXT] [--limit MS] (--listener FD | -- PROGRAM ARGUMENT...)\n", stderr);
  return kCannotStart;
}

bool Parse(int argc, char** argv, Options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--" && i + 1 < argc) {
      out.command = argv + i + 1;
      return !out.table.empty() && !out.output.empty() && out.listener < 0;
    }
    if (i + 1 >= argc) return false;
    const std::string value = argv[++i];
    if (word == "--by" && (value == "ptrace" || value == "notify" || value == "bpf")) out.by = value;
    else if (word == "--table") out.table = value;
    else if (word == "--output") out.output = value;
    else if (word == "--becomes") out.becomes = value;
    else if (word == "--limit") out.limit_ms = strtol(value.c_str(), nullptr, 10);
    else if (word == "--folder") out.folder = value;
    else if (word == "--hostname") out.hostname = value;
    else if (word == "--processes") out.processes = strtol(value.c_str(), nullptr, 10);
    else if (word == "--known") out.known = static_cast<unsigned>(strtoul(value.c_str(), nullptr, 10));
    else if (word == "--listener") out.listener = static_cast<int>(strtol(value.c_str(), nullptr, 10));
    else return false;
  }
  return out.listener >= 0 && out.by == "notify" && !out.table.empty() && !out.output.empty();
}

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
  // Whatever becomes of whoever made it (profiler/kernels/own_folder.h): it is in use until here is the end.
  if (const int folder = options.folder.empty() ? -1 : open(options.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) flock(folder, LOCK_SH);
  if (!options.hostname.empty() && sethostname(options.hostname.data(), options.hostname.size()) != 0) perror("recorder: the name of the machine cannot be set");
  for (long i = 0; i < options.processes; ++i) {
    const pid_t passing = fork();
    if (passing == 0) _exit(0);
    if (passing > 0) waitpid(passing, nullptr, 0);
  }
  if (options.limit_ms > 0) alarm(static_cast<unsigned>((options.limit_ms + 999) / 1000));
  if (options.by == "bpf") return RecordByBpf(options, table, out);
  return options.by == "notify" ? RecordByNotify(options, table, out) : RecordByPtrace(options, table, out);
}

}  // namespace

bool TimeIsUp() { return g_stop != 0; }
void SetChild(pid_t child) { g_child = child; }

void PrepareWorkload(const Options& options) {
  signal(SIGALRM, SIG_DFL);
  for (const int one : kForwarded) signal(one, SIG_DFL);
  if (options.output == "-") dup2(2, 1);
  if (options.becomes.empty()) return;
  const int fd = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, options.becomes.data(), options.becomes.size()) != static_cast<ssize_t>(options.becomes.size())) {
    perror("recorder: the profile or context cannot be set");
    _exit(kCannotStart);
  }
  close(fd);
}

void StartWorkload(const Options& options) {
  execvp(options.command[0], options.command);
  perror("recorder: the program cannot be started");
  _exit(kCannotStart);
}

void WriteEnd(int out, const Facts& facts, bool started, bool stopped, int status) {
  facts.Write(out);
  if (!started) dprintf(out, "trouble\t%s\n", Escape("the workload did not start").c_str());
  char line[96];
  snprintf(line, sizeof line, "end\t%s\t%d\t%.6f\n", stopped ? "limit" : WIFEXITED(status) ? "exit" : "signal", stopped ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), Now());
  if (write(out, line, strlen(line)) < 0) perror("recorder: the recording cannot be written");
}

int Cannot(int out, const std::string& why) {
  dprintf(out, "cannot\t%s\n", Escape(why).c_str());
  return kCannotStart;
}

int ExitCode(bool stopped, int status) { return stopped ? 124 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace ravelin::recorder

int main(int argc, char** argv) { return ravelin::recorder::Main(argc, argv); }
