// A mechanism of the guest's kernel that refuses nothing and says everything that it is asked.
#pragma once

#include <string>

#include "compiler/base/result.h"
#include "profiler/kernels/job.h"

namespace ravelin::record {

struct Mechanism {
  std::string becomes;  // what a process writes to /proc/self/attr/exec so that the next program is asked about
  std::string subject;  // what records call it
};

// A profile that complains of everything.
Result<Mechanism> AskApparmor(kernels::Job& job);
// A domain to which everything is allowed, and of which everything is recorded (auditallow): a permissive domain would be recorded once for each type.
Result<Mechanism> AskSelinux(kernels::Job& job);

}  // namespace ravelin::record
