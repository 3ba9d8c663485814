// The parts of the guest's init: process 1 of a guest kernel that runs one job and powers off.
//
// Static, libc only.  It trusts its job and nothing that the job runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ravelin::guest {

struct Input {
  std::string from;
  std::string at;
};

struct File {
  std::string content;  // its name in the job folder
  std::string path;
  unsigned mode = 0644;
};

struct Step {
  std::string kind;
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;
  std::string input;
  unsigned user = 0;
  unsigned group = 0;
  std::string context;
  std::string profile;
  bool filtered = false;
  long at_most_ms = 0;
  int process_of = -1;
  int target = -1;
  int signal = 15;
  int port = 0;
  std::string path;
};

struct Region {
  std::string path;
  std::string itself;
  std::string below;
};

struct Job {
  bool guest = true;           // false: on the machine's own kernel, in name spaces
  bool machine = false;        // a guest that sees the host by 9p, at /host, and not by hostfs
  std::string place = "/mnt";  // a folder for the new root
  std::string root = "/";
  std::vector<std::string> layers;
  std::vector<std::string> modules;
  std::string policy;
  std::string launcher;
  bool enforcing = true;
  std::string default_label;
  std::string labels;
  std::vector<Region> regions;
  std::string profiles;
  std::vector<std::string> unload;
  std::string filter;
  std::vector<std::string> tmpfs;
  std::vector<Input> inputs;
  std::vector<std::string> folders;
  std::vector<File> files;
  uint32_t backlog = 0;
  bool audit_waits = true;
  long limit_ms = 0;
  std::vector<Step> steps;
};

// --- files.cc.  The job folder is reached by descriptors that outlive the change of root; the workload sees no path to it.
bool ReadFile(int folder, const std::string& path, std::string& out);
bool WriteFile(int folder, const std::string& path, const std::string& text);
bool WriteExisting(const std::string& path, const std::string& text);  // into a file of the kernel's
std::string ReadJob(int folder, Job& job);                             // what is wrong with it, or ""

// --- report.cc
double Now();  // seconds since boot
void Phase(const char* name);
void Say(const std::string& key, const std::string& value);  // a line of `status`
void Trouble(const std::string& what);                       // the same as `trouble`, with errno
std::string Report();

// --- mounts.cc
struct Label {
  std::string path;
  std::string context;
  std::string where;  // job_format.h
};
std::vector<Label> ReadLabels(const Job& job, int job_folder);
void MountKernelFiles(const std::string& below);
// Labels and mounts of the new root; leaves the process in it.  `policy_loaded`: labels can be given.
bool EnterRoot(const Job& job, int job_folder, bool policy_loaded);
void LoadModules(const Job& job);
void PrepareNetwork();

// --- machine.cc: what a virtual machine has to do first
// Loads the modules of its first files, and puts a root below what follows that can be left (the first one cannot).
void LeaveFirstFiles();
bool MountShare(const char* tag, const std::string& on, bool read_only);

// --- security.cc
struct Modules {
  bool selinux = false;
  bool apparmor = false;
};
Modules ActiveModules();
bool LoadPolicy(const Job& job, int job_folder);    // SELinux
bool LoadProfiles(const Job& job, int job_folder);  // AppArmor
void UnloadProfiles(const Job& job);
std::string ApparmorFeatures();

// --- audit.cc: the only reader of this kernel's audit records
class Audit {
 public:
  bool Open(const Job& job, int out_folder);
  int descriptor() const { return socket_; }
  void Read();    // what has come
  void Finish();  // what is still to come, and the counters of what was lost

 private:
  void Take(const char* data, size_t size);
  void Flush();
  int socket_ = -1;
  int out_ = -1;
  std::string buffer_;
  unsigned long records_ = 0;
  unsigned long overruns_ = 0;
  bool marked_ = false;
  bool answered_ = false;
};

// --- workload.cc
void RunSteps(const Job& job, int job_folder, int out_folder, const Modules& modules, Audit& audit);

// --- host.cc: the job of a folder on the kernel that runs this program
int RunOnThisKernel(const std::string& folder);

}  // namespace ravelin::guest
