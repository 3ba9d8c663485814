// This machine's own kernel: the filter, and AppArmor where it is active.
#pragma once

#include <string>
#include <vector>

#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// Steps run in name spaces of their own, over files that they change for themselves alone.  Nothing of the kernel's records is read: refusals
// are not told.  Needs root; a job with profiles also Machine::change_host, for they are loaded into this machine's kernel until the job ends.
Result<Outcome> RunHost(const Job& job);

// Security modules that this kernel has active, as it names them.
std::string HostModules();

}  // namespace ravelin::kernels
