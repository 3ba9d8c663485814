// The recorder as a tracer: it stops every call at its entry and at its exit.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

class Tracer {
 public:
  Tracer(const Table& table, Facts& facts, pid_t first) : facts_(facts), reader_(table, facts, [this](pid_t id) { return processes_.count(id) != 0; }), first_(first) {}

  // Until the last process has ended.
  void Run() {
    while (true) {
      int status = 0;
      const pid_t id = waitpid(-1, &status, __WALL);
      if (id < 0 && errno == EINTR) {
        if (TimeIsUp() && !stopped_) Cut();
        continue;
      }
      if (id < 0) return;
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        Ended(id, status);
        continue;
      }
      Stopped(id, status);
    }
  }

  bool started() const { return started_; }
  bool stopped() const { return stopped_; }
  int status() const { return status_; }

 private:
  void Cut() {
    stopped_ = true;
    facts_.Trouble("the time limit ended the workload");
    for (const auto& [id, process] : processes_) kill(id, SIGKILL);
  }

  void Ended(pid_t id, int status) {
    const auto at = processes_.find(id);
    if (at != processes_.end() && at->second.inside && started_) reader_.Leave(id, at->second, 0, at->second.entered);  // exit_group, or a call that never came back
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
      AtCall(id, process);
      signal = 0;
    } else if (event != 0) {
      Event(id, process, event);
      signal = 0;
    } else if (process.fresh && signal == SIGSTOP) {
      process.fresh = false;
      signal = 0;
      if (!process.known) {  // its parent's stop comes later, and says what it runs
        process.held = true;
        return;
      }
    }
    ptrace(PTRACE_SYSCALL, id, nullptr, signal);
  }

  void AtCall(pid_t id, Process& process) {
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, id, nullptr, &regs) != 0) return;
    if (!process.inside) {
      process.inside = true;
      process.entered = Now();
      process.call = {regs.orig_rax, {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9}};
      if (started_ && regs.cs == 0x23) facts_.Trouble("a process made calls of i386, which are not recorded as such");
      if (started_) reader_.Enter(id, process);
      return;
    }
    process.inside = false;
    if (started_ && !process.told) reader_.Leave(id, process, static_cast<int64_t>(regs.rax), process.entered);
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
      if (started_) reader_.Leave(id, now, 0, now.entered);
      now.told = true;  // told already, or the launcher's own
      started_ = true;
      now.program = LinkOf(Proc(id, "exe"));
      now.chain += (now.chain.empty() ? "" : " > ") + now.program;
      return;
    }
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long child = 0;
      if (ptrace(PTRACE_GETEVENTMSG, id, nullptr, &child) != 0) return;
      Process& other = processes_[static_cast<pid_t>(child)];
      other.program = process.program;
      other.chain = process.chain;
      other.known = true;
      if (other.held) ptrace(PTRACE_SYSCALL, static_cast<pid_t>(child), nullptr, 0);
      other.held = false;
    }
  }

  Facts& facts_;
  std::map<pid_t, Process> processes_;
  Reader reader_;
  const pid_t first_;
  int status_ = 0;
  bool started_ = false;    // the workload's own first instruction has come
  bool stopped_ = false;
};

}  // namespace

int RecordByPtrace(const Options& options, const Table& table, int out) {
  const pid_t child = fork();
  if (child < 0) return kCannotStart;
  if (child == 0) {
    PrepareWorkload(options);
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(Cannot(out, "this machine forbids tracing (ptrace): " + std::string(strerror(errno))));
    raise(SIGSTOP);
    StartWorkload(options);
  }
  SetChild(child);
  Facts facts;
  Tracer tracer(table, facts, child);
  tracer.Run();
  WriteEnd(out, facts, tracer.started(), tracer.stopped(), tracer.status());
  close(out);
  return ExitCode(tracer.stopped(), tracer.status());
}

}  // namespace ravelin::recorder
