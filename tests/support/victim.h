// A process under a filter that makes calls and tells what became of them, by memory alone.
#pragma once

#include <string>
#include <vector>

#include "backends/seccomp/program.h"
#include "compiler/ir/event.h"

namespace ravelin::testing {

struct Observed {
  enum class Kind { kReturned, kTrapped, kKilled } kind = Kind::kReturned;
  long value = 0;       // returned: the result, -errno for an error; trapped: si_errno, the action's data
  uint32_t number = 0;  // trapped: si_syscall
};

// Makes the calls one after the other; after a kill another process goes on with the next.  Empty, with `why`, when the
// kernel does not let a process install a filter.
std::vector<Observed> Perform(const seccomp::Program& program, const std::vector<ir::Event>& events, std::string& why);

}  // namespace ravelin::testing
