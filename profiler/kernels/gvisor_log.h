// The log of gVisor's kernel (`runsc --debug --strace`), and what it says together with the trace session.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/kernels/audit.h"
#include "profiler/kernels/gvisor_trace.h"

namespace ravelin::kernels {

// "D1127 15:14:29.047499  6605 task_syscall.go:240] [   2:   3] Syscall 83: denied by seccomp": what a task tells.
struct GvisorLine {
  double time = 0;  // of the day, in seconds
  std::string_view source;  // "task_syscall.go:240"
  int group = 0;
  int thread = 0;
  std::string_view text;  // behind the numbers
};
std::optional<GvisorLine> ReadGvisorLine(std::string_view line);

// Takes line after line into the trace, whose session has ended.
class GvisorLog {
 public:
  explicit GvisorLog(GvisorTrace& trace);
  void Read(std::string_view line);

 private:
  void AddPaths(int thread, std::string_view name, std::string_view arguments);

  GvisorTrace& trace_;
  std::map<int, std::vector<size_t>> made_;  // of each thread, which of the session's calls
  std::map<int, size_t> begun_;              // of each thread, so far
  std::map<int, std::string> commands_;      // of each process, as it last called itself
};

// Why something of the run may be missing, one reason each.  Of one that was stopped nobody tells the end.
std::vector<std::string> WhyNotWhole(const GvisorTrace& trace, bool stopped);

// The refused calls as a kernel's audit would have them, by numbers and without arguments.  The first event is the workload's beginning.
std::vector<AuditEvent> RefusalsIn(const GvisorTrace& trace);

}  // namespace ravelin::kernels
