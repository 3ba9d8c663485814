// gVisor: the workload on an application kernel of its own (package runsc), our filter enforced in it.
#pragma once

#include <string>

#include "profiler/kernels/gvisor_trace.h"
#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// One command, as an OCI bundle whose linux.seccomp is Job::runtime_profile.  There are no security modules; records of refusals are not read.
// It answers every refusal with EPERM, whatever errno the profile says.
// `trace`: filled with what its kernel tells of the run.
Result<Outcome> RunGvisor(const Job& job, GvisorTrace* trace = nullptr);

// "0.0~20221219.0"; kNotFound where runsc is not installed.
Result<std::string> GvisorRelease();
// What this version is known to get wrong, tried out: "statx(AT_NO_AUTOMOUNT) fails with EINVAL: `ls` and `stat` do"; "" where it does not.
std::string GvisorFalseError();

}  // namespace ravelin::kernels
