// Running a workload and writing down what it does: one function, several drivers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/scratch.h"
#include "profiler/observe/fact.h"
#include "profiler/verify/scenario.h"

namespace ravelin::record {

struct Request {
  std::string driver = "uml";          // one of Drivers()
  std::vector<std::string> command;    // looked up in PATH; or
  std::optional<verify::Scenario> scenario;  // uml: its confined steps are recorded
  std::vector<std::string> layers;     // uml: folders over the root
  std::string directory;               // where it works
  std::string root = "/";              // uml: the guest's root
  unsigned runs = 2;                   // each with another variation
  unsigned first_variation = 0;
  unsigned limit_ms = 60000;
  unsigned memory_mb = 512;
  bool host_isolation = true;
};

// uml: a guest kernel, AppArmor saying what it is asked; selinux: the same, with SELinux.  gvisor: an application kernel.  On this machine: ptrace, a tracer; notify, the listener of
// a filter; bpf, programs on tracepoints.
const std::vector<std::string>& Drivers();
// uml and selinux: a scenario, layers and a root can be given.
bool IsGuest(const std::string& driver);
// The workload cannot change this machine: it may run more than once.
bool KeepsTheHost(const std::string& driver);
// What a driver cannot see, whatever it records.
std::vector<std::string> BlindSpots(const std::string& driver);

// Fails with kEnvironment where this machine cannot run the driver, kUnsupported where there is no such driver.
Result<observe::Recording> Record(const Request& request, const std::function<void(const std::string&)>& progress);

// Containers that a runtime of the Open Container Initiative starts: their filters' listeners come to `socket`
// (config.json, linux.seccomp.listenerPath), one for each container.  Where fewer come, the last run says so as a doubt.
struct Listening {
  std::string socket;       // made anew, and removed at the end
  unsigned containers = 1;  // a run each
  unsigned limit_ms = 60000;  // to wait for one, and for it to end
};
Result<observe::Recording> Listen(const Listening& listening, const std::function<void(const std::string&)>& progress);
// linux.seccomp of config.json for that: every call is told, but those that runtimes need for themselves.
std::string ListeningProfile(const std::string& socket);

// --- the parts
std::string_view RecorderImage();  // a static ELF program
// What is set for the run, so that what depends on it shows.
struct Variation {
  unsigned number = 0;    // RAVELIN_RUN: a workload may do something else in each run
  std::string temporary;  // TMPDIR
  std::string hostname;   // "" where it is left
  unsigned processes = 0;
};
Variation VariationOf(const Request& request, unsigned run);
Result<observe::Run> RecordOnHost(const Request& request, const Variation& variation);
// What the recorder needs beside it: itself and its table.
Result<kernels::Scratch> PlaceRecorder();
// A recorder that has ended, with `status` as of waitpid: what it wrote, as a run.  kEnvironment, with its reason, where it could not begin.
Result<observe::Run> ReadRecord(const kernels::Scratch& scratch, const std::string& name, const std::string& driver, int status);
// Adds what the kernel reads to execute a program, as far as the programs are still there.
void AddExecReads(const std::string& root, observe::Run& run);
void Describe(const std::string& driver, const std::string& command, observe::Run& run);
Result<observe::Run> RecordInGvisor(const Request& request, const Variation& variation);
Result<observe::Run> RecordInGuest(const Request& request, const Variation& variation);

}  // namespace ravelin::record
