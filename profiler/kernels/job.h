// A job for a guest kernel, and what came of it.
//
// One job is one boot: the guest starts, loads the artifacts, runs the steps and powers off.  Nothing is kept between jobs.
//
//   Job job;
//   job.module = Module::kApparmor;
//   job.profiles = binary;                       // as apparmor_parser compiled it
//   job.steps.push_back({.program = "/usr/bin/curl", .arguments = {"curl", "http://127.0.0.1/"}, .profile = "curl"});
//   Result<Outcome> outcome = Run(job);
//
// Paths are absolute.  Those of the guest are relative to its root.  Times are milliseconds.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/audit.h"

namespace ravelin::kernels {

// What runs a job: a User-Mode Linux kernel, this machine's own, gVisor's, or a distribution's in a virtual machine.
enum class DriverKind { kUml, kHost, kGvisor, kVm };
const char* DriverName(DriverKind driver);  // "uml", "host", "gvisor", "vm"
enum class Module { kNone, kApparmor, kSelinux };
const char* ModuleName(Module module);  // as the kernel's parameter `lsm` has it: "none", "apparmor", "selinux"
// kComplain: SELinux is permissive; profiles of AppArmor say it of themselves.  A mode of learning is this with artifacts that have
// every access recorded (a permissive kernel records each kind of access once).
enum class Mode { kEnforce, kComplain };

struct Step {
  enum class Kind { kRun, kStart, kStop, kPort, kPath, kRelabel };
  Kind kind = Kind::kRun;
  // kRun waits for the end, kStart does not.
  std::string program;
  std::vector<std::string> arguments;    // the first is the program's name for itself
  std::vector<std::string> environment;  // NAME=VALUE; nothing else is inherited
  std::string directory = "/";
  std::string input;     // standard input
  unsigned user = 0;     // as this user and group; not root: with no_new_privs where it is filtered
  unsigned group = 0;
  std::string context;   // SELinux; "": the launcher's
  std::string profile;   // AppArmor; "": unconfined
  bool filtered = false;  // under Job::filter
  unsigned at_most_ms = 0;  // kRun: killed after so long, and the job goes on; 0: as long as the job may take
  int process_of = -1;    // of that step, which was started: its process id comes last among the arguments
  // kStop: the step that is stopped, by its position, and the signal.
  int target = 0;
  int signal = 15;
  int port = 0;      // kPort: waits until somebody listens there, on 127.0.0.1
  std::string path;  // kPath: waits until it exists; kRelabel: all below it gets `context`, where SELinux is active
};

struct PathLabel {
  std::string path;
  std::string context;
};

// A folder below which everything has one label, by its path in the guest.  It is mounted by itself with that label, since a guest holds
// each other label in memory; to link or rename from it to elsewhere is EXDEV.
struct Region {
  std::string path;
  std::string itself;  // context of the folder
  std::string below;   // of all in it
};

// A folder of the host, seen read-only in the guest.
struct Input {
  std::string from;
  std::string at;
};

// A file that the guest has and the host has not.
struct File {
  std::string path;
  std::string content;
  unsigned mode = 0644;
};

// Where a job runs.
struct Machine {
  DriverKind driver = DriverKind::kUml;
  bool change_host = false;  // host: profiles may be loaded into this machine's kernel for the time of the job
  std::string kernel_image;  // vm: a bzImage; "": the newest that is installed
  bool kvm = false;          // vm: by the processor, where that is known to work (WhyNoKvm); else emulated
  unsigned processors = 1;   // vm
};

// What steps run in, whatever they are.
struct Setting {
  Machine machine;
  std::string root = "/";  // a folder of the host: the guest's root, which it can change for itself alone
  std::vector<std::string> layers;  // folders of the host that lie over the root, the first on top: unpacked packages
  std::vector<std::string> empty = {"/tmp", "/run"};  // folders that are empty in the guest (memory)
  std::vector<Input> inputs;
  unsigned memory_mb = 512;
  unsigned limit_ms = 60000;   // for the steps; the boot has its own
  bool host_isolation = true;  // false only on the word of a user (--no-host-isolation): a hostile workload can then reach the host
};

struct Job {
  Setting setting;
  Module module = Module::kNone;
  Mode mode = Mode::kEnforce;
  std::string policy;             // SELinux, binary
  std::string launcher;           // SELinux: the context of what is not confined
  std::string default_label;      // SELinux: of what is seen of the host and is not in `labels`; "": the policy's
  std::vector<PathLabel> labels;  // SELinux, by path in the guest
  std::vector<Region> regions;    // SELinux; none within another (driver uml)
  std::string profiles;           // AppArmor, binary
  std::vector<std::string> profile_names;  // of those: what is unloaded from a kernel that stays
  std::string filter;             // seccomp: struct sock_filter of this machine
  std::string runtime_profile;    // seccomp: the same as linux.seccomp of the OCI runtime specification, for the driver gvisor
  std::vector<Step> steps;
  std::vector<std::string> modules;  // of the guest's kernel, beside those that every guest has: "crypto/af_alg.ko"
  std::vector<std::string> folders;  // made in the guest, mode 0755; empty, whatever this machine has there
  std::vector<File> files;
  unsigned audit_backlog = 0;  // records that the kernel may hold back; 0: no limit
  bool audit_waits = true;     // false: the kernel loses what it cannot hold
};

struct StepResult {
  bool started = false;
  int process = 0;         // its id, where one was made
  bool expired = false;    // killed after Step::at_most_ms
  bool ended = false;      // of kPort and kPath: it was reached
  int exit_code = -1;      // where it ended by itself
  int signal = 0;          // where a signal ended it
  std::string why_not;     // why it was not started: "exec: Permission denied"
  std::string out;
  std::string err;
};

// A system call that the workload began, where the driver's kernel tells each.
struct MadeCall {
  int process = 0;
  int thread = 0;
  std::string command;
  uint32_t number = 0;
  std::array<uint64_t, 6> args{};
  std::vector<std::string> paths;  // that its arguments point to, in their order, as the caller wrote them
};

struct Outcome {
  // Why nothing can be said, one reason each; empty: the run counts.  A record that was lost, a status that is missing, a guest that
  // ended or could not boot, memory that ran out.
  std::vector<std::string> inconclusive;
  std::vector<StepResult> steps;
  bool timed_out = false;
  std::vector<AuditEvent> events;
  std::vector<MadeCall> calls;  // gvisor: those that no filter refused
  uint64_t lost = 0;
  uint64_t records = 0;
  std::string kernel;    // "6.1.176"
  std::string lsm;       // active modules, as the kernel names them
  std::string features;  // of AppArmor
  std::string boot_log;
  std::vector<std::pair<std::string, double>> phases;  // name, seconds since the guest's boot
  double wall_seconds = 0;
  bool isolated = true;
};

// Boots, runs, halts -- or, with the driver `host`, runs where it is.  Fails with kEnvironment where this machine cannot run a guest at all: the message ends with what to do.
Result<Outcome> Run(const Job& job);

}  // namespace ravelin::kernels
