// Running a command under a filter.
//
// The exec that starts the command belongs to the launcher (docs/semantics.md, 7.5): a policy that permits no exec still
// starts, and every later exec is answered as the policy says.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backends/seccomp/program.h"
#include "compiler/base/result.h"
#include "compiler/ir/event.h"

namespace ravelin::seccomp {

// A call that the policy does not simply permit, as it was attempted.
struct Refusal {
  ir::Event event;
  ir::Action action;          // what the policy says
  int process = 0;            // process id, 0 when it is not visible from here
  std::string command;        // its name, "" when it has gone
  bool steady = false;        // it came at the first marker or later
  std::array<std::string, 6> texts;  // what arguments that are paths pointed to when it was read; for display, never for decisions
};

// What holds from a call on.
struct SteadyState {
  Program program;                 // for this machine's architecture
  std::vector<uint32_t> markers;   // numbers of calls: the first of them, by any process, and all that comes after it, is judged by `program`
};

struct RunRequest {
  Program program;            // for this machine's architecture
  // The kernel permits by itself what the steady state permits; everything else, and the markers, the launcher judges: by `program` before the first marker, by
  // the steady state's from there on.  So what the steady state permits is permitted at all times, and a marker costs two changes of process each time.
  std::optional<SteadyState> steady;
  std::vector<std::string> arguments;
  // Called for every refused or logged call when set; the command sees what it would see without.  Two things differ: kill
  // thread ends the whole process, and a trap's handler sees no call information.
  std::function<void(const Refusal&)> on_refusal;
};

struct RunResult {
  int exit_code = 0;          // as shells count: the command's own, or 128 + signal
  bool bad_system_call = false;  // ended by SIGSYS: the policy's kill or trap
};

// Fails with kNotFound (no such command), kPermission (not executable) or kEnvironment (the kernel
// refuses the filter; the message begins "this kernel does not let a process install a filter" where it would refuse any).
Result<RunResult> RunConfined(const RunRequest& request);

// --- the parts, for tests

// The program with the command's exec calls handed to a supervisor; the rest is untouched.
Program WithExecHandedOver(const Program& program, kernel::Arch arch);
// The program with these calls handed over as well.
Program WithCallsHandedOver(const Program& program, kernel::Arch arch, const std::vector<uint32_t>& calls);
// The program with everything but plain permission handed to a supervisor.
Program WithRefusalsHandedOver(Program program);

// Answers what a listener hands over until the last task under the filter has gone.  The programs are the policies' own.  The first
// exec is let through when `let_first_exec`.
void Supervise(int listener, int child, const Program& program, const std::optional<SteadyState>& steady, bool let_first_exec, const std::function<void(const Refusal&)>& on_refusal);

}  // namespace ravelin::seccomp
