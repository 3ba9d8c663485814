// gVisor: the workload on an application kernel of its own (package runsc), our filter enforced in it.
#pragma once

#include <string>

#include "profiler/kernels/gvisor_trace.h"
#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// One command, as an OCI bundle whose linux.seccomp is Job::runtime_profile.  There are no security modules.
// It answers every refusal with EPERM, whatever errno the profile says.
// `trace`: what its kernel tells of the run, whole or not.
Result<Outcome> TraceGvisor(const Job& job, GvisorTrace& trace);
// The same for a judge: refusals and calls are those of the trace, and one that is not whole makes the run inconclusive.
Result<Outcome> RunGvisor(const Job& job);

// "0.0~20221219.0"; kNotFound where runsc is not installed.
Result<std::string> GvisorRelease();
// What this version is known to get wrong, tried out: "statx(AT_NO_AUTOMOUNT) fails with EINVAL: `ls` and `stat` do"; "" where it does not.
std::string GvisorFalseError();

}  // namespace ravelin::kernels
