// What every guest of ours shares, whatever machine it runs on: its folder, which holds the job and takes the report
// (profiler/guest/job_format.h), and what keeps it from this host.
#pragma once

#include <string>
#include <vector>

#include "profiler/kernels/job.h"
#include "profiler/kernels/process.h"
#include "profiler/kernels/scratch.h"

namespace ravelin::kernels {

// The job as files in the scratch folder, the init among them (boot/init).  `modules`: of the guest's kernel, loaded first.
Result<void> WriteJob(const Job& job, const std::vector<std::string>& modules, const Scratch& scratch);

// The guest's report, read back.  `console`: what the kernel printed; `ended`: how its process did.
Outcome ReadOutcome(const Job& job, const Scratch& scratch, const std::string& console, const std::string& ended);
// Of a job that the driver cannot run: nothing is known, and why.
Outcome Undecided(const Job& job, std::string why);

// Process 1 of the guest is root there and reaches what its kernel reaches, as the user that the kernel runs as.  So that kernel runs where all
// of the host is read-only but two folders of the job, without the host's devices (but `devices`), network and processes: the words before
// its command.  Empty where the job says so (--no-host-isolation).
std::vector<std::string> IsolatedCommand(const Job& job, const Scratch& scratch, const std::vector<std::string>& devices = {});
// Fails where it was those words that failed.
Result<void> CanIsolate(const Job& job, const ProcessResult& process);

std::string HowItEnded(const ProcessResult& process, unsigned limit_ms);

}  // namespace ravelin::kernels
