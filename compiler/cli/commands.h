// The commands: options in, exit code out.  Each is in its own file; main.cc reads the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/cli/common.h"
#include "profiler/observe/fact.h"

namespace ravelin::cli {

struct CompileCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
  std::string policy;
  std::vector<std::string> backends;  // empty: all that the policy's layers name
  std::string emit;                   // empty: a bundle
  std::string selinux_form = "standalone";
  std::vector<std::string> selinux_host;  // modules and file_contexts of the policy to stand beside
  bool cost = false;
  std::string frequencies;
  std::string prove = "diagrams";  // or "z3": both
  bool no_optimize = false;
};
int Run(const CompileCommand& command);

struct CheckCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
  bool fail_on_warning = false;
  unsigned jobs = 1;
};
int Run(const CheckCommand& command);

struct TestCommand {
  CommonOptions common;  // format: also "junit"
  std::vector<std::string> inputs;
  std::string output;
  std::string count_files;  // a root folder: count what the policies open there, instead of testing
  unsigned jobs = 1;
};
int Run(const TestCommand& command);

struct GapCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
  std::string layers;  // "seccomp + apparmor, ..."; empty: the policy's own
  bool fail_on_gap = false;
};
int Run(const GapCommand& command);

struct FmtCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
  bool in_place = false;
  bool check = false;
};
int Run(const FmtCommand& command);

struct DumpCommand {
  CommonOptions common;
  std::string input;
  std::string output;
  std::string stage = "ir";  // "ast", "bpf"
  std::string policy;
};
int Run(const DumpCommand& command);

struct ExplainCommand {
  CommonOptions common;
  std::string input;
  std::string event;
  std::string arch;  // empty: the policy's first
  std::string policy;
  std::string evidence;                 // a rule, instead of an event: what was seen for it
  std::vector<std::string> recordings;  // where
};
int Run(const ExplainCommand& command);
int ExplainEvidence(const ExplainCommand& command);

struct ImportCommand {
  CommonOptions common;
  std::string input;
  std::string output;
  std::vector<std::string> arches;
  std::vector<std::string> capabilities;
  std::string kernel;
  std::string name;
  bool literal = false;
};
int Run(const ImportCommand& command);

struct ImportApparmorCommand {
  CommonOptions common;
  std::string input;
  std::string output;
  std::vector<std::string> folders;  // where included files are looked up
};
int Run(const ImportApparmorCommand& command);

struct ImportCilCommand {
  CommonOptions common;
  std::string input;
  std::string output;
};
int Run(const ImportCilCommand& command);

struct ImportEventsCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
};
int Run(const ImportEventsCommand& command);

struct RecordCommand {
  CommonOptions common;
  std::string output;
  std::vector<std::string> drivers = {"uml"};  // record::Drivers(); each runs the workload by itself
  std::string listen;           // a socket, instead of a workload
  std::string runtime_profile;  // with it: where linux.seccomp of config.json is written
  std::string directory;
  std::string root = "/";
  std::string scenario;
  std::vector<std::string> layers;
  unsigned first_variation = 0;
  unsigned runs = 0;  // 0: two in guests, one on the host
  unsigned limit_s = 60;
  unsigned memory_mb = 512;
  bool no_host_isolation = false;
  std::vector<std::string> arguments;
};
int Run(const RecordCommand& command);
// What the workload did, told as it comes; `exit_code` where nothing was recorded, or not by each driver.
std::optional<observe::Recording> RecordOrComplain(const RecordCommand& command, int& exit_code);

struct LearnCommand {
  RecordCommand record;  // how the workload is run, where it is; output: a recording to keep
  std::vector<std::string> recordings;
  std::string output;    // the policy
  std::string name;
  std::string accept;    // acceptances given beforehand
  std::string check;     // a policy that is judged instead
  std::string onto;      // a policy that somebody edited: what is new for it, as a patch
  std::string layers;    // layer sets of the policy; "": the target's
  std::string attacks;   // a file of them, instead of the built-in ones
  bool verify = false;
  bool review = false;   // decisions are asked on the terminal
  unsigned rounds = 3;
  double until = 0;      // record until the bound of the chance of something new is that; 0: as many runs as are asked for
  unsigned most_runs = 1000;
  bool phases = false;   // a second policy, for what comes after the first marker
  std::vector<std::string> markers;   // calls; none: accept, accept4
};
int Run(const LearnCommand& command);

struct RecordingCommand {
  CommonOptions common;
  std::string action;  // "ls", "show", "merge", "diff", "export"
  std::vector<std::string> inputs;
  std::string output;
};
int Run(const RecordingCommand& command);

struct ReportCommand {
  CommonOptions common;
  std::vector<std::string> recordings;
  std::string output;
  std::string policy;    // a file; "": the policy that is learned from the recordings
  std::string name;      // which policy of the file
  std::string root = "/";
};
int Run(const ReportCommand& command);

struct RunCommand {
  CommonOptions common;
  std::string input;
  std::string policy;
  bool trace_denials = false;
  std::string steady;                 // a policy file: what holds from the first marker on
  std::vector<std::string> markers;   // calls; none: accept, accept4
  std::vector<std::string> arguments;
};
int Run(const RunCommand& command);

struct VerifyCommand {
  CommonOptions common;  // format: also "junit"
  std::vector<std::string> inputs;
  std::string output;
  std::string policy;
  std::vector<std::string> drivers = {"uml"};
  bool change_host = false;           // driver host: profiles may be loaded
  std::string kernel;                 // driver vm: its image
  unsigned processors = 1;            // and of its guest
  std::string root = "/";
  std::string directory;
  std::string scenario;               // a file, instead of `arguments`; without either, the one beside the policy
  std::string attacks;                // a file of them, instead
  unsigned jobs = 1;                  // policies at the same time
  std::vector<std::string> layers;    // folders over the root
  std::string suggest;                // a patch is written there
  std::vector<std::string> expect;    // "any-output"
  unsigned memory_mb = 512;
  unsigned limit_s = 60;
  bool no_host_isolation = false;     // the user's own risk; the verdict says so
  std::vector<std::string> arguments;
};
int Run(const VerifyCommand& command);

struct ProbeCommand {
  CommonOptions common;
  std::string input;
  std::string output;
  std::string policy;
  std::string driver = "uml";
  std::string kernel;  // driver vm: its image
  unsigned memory_mb = 512;
  unsigned limit_s = 120;
};
int Run(const ProbeCommand& command);

struct KernelsCommand {
  CommonOptions common;
};
int Run(const KernelsCommand& command);

// Every diagnostic kind, for docs/diagnostics.md.
int ListDiagnostics();

// The cost table of a filter, for people.
std::string CostText(const ir::Domain& domain, const driver::SeccompArtifact& artifact, const std::string& frequencies, Result<void>& status);

}  // namespace ravelin::cli
