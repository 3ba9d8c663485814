// User-Mode Linux: a kernel that runs as a process (packages user-mode-linux and bubblewrap).
#pragma once

#include <string>
#include <vector>

#include "profiler/kernels/job.h"
#include "profiler/kernels/scratch.h"

namespace ravelin::kernels {

// The job as files in the scratch folder, and as the command that runs it there.  `modules`: of the guest's kernel, loaded first.
Result<void> WriteJob(const Job& job, const std::vector<std::string>& modules, const Scratch& scratch);
std::vector<std::string> GuestCommand(const Job& job, const Scratch& scratch);

// The guest's report, read back.  `console`: what the kernel printed; `ended`: how its process did.
Outcome ReadOutcome(const Job& job, const Scratch& scratch, const std::string& console, const std::string& ended);

Result<Outcome> RunUml(const Job& job);

// "6.1.176", asked of the installed kernel; kNotFound where none is installed.
Result<std::string> UmlRelease();

}  // namespace ravelin::kernels
