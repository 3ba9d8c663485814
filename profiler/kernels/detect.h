// Which kernels this machine can run jobs on, and what is missing for those that it cannot.
#pragma once

#include <string>
#include <vector>

#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// Something that a driver needs of the machine, tried out.
struct Precondition {
  std::string what;    // "namespaces and mounts (bubblewrap)"
  bool holds = false;
  std::string detail;  // what was seen
  std::string remedy;  // one line: what to do about it; "" where it holds
};

struct Driver {
  DriverKind kind = DriverKind::kUml;
  bool available = false;
  std::string kernel;            // "6.1.176"
  std::vector<Module> modules;   // that it can run
  std::string features;          // of its AppArmor, as its kernel says; "" where it was not asked
  double boot_seconds = 0;       // boot to halt of a job that does nothing; 0 where none was run
  std::vector<Precondition> preconditions;
};

// The driver of that name ("uml", "host", "gvisor", "vm").  A virtual machine gets /dev/kvm where that was seen to work just now.
Machine MachineFor(const std::string& driver, const std::string& kernel_image = "");

// Tries every precondition, and boots the driver once where all of them hold.
Driver Detect(DriverKind kind, bool host_isolation = true);
std::vector<Driver> Detect(bool host_isolation = true);  // each of them

}  // namespace ravelin::kernels
