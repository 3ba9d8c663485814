// Running a workload and writing down what it does: one function, several drivers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"
#include "profiler/verify/scenario.h"

namespace ravelin::record {

struct Request {
  std::string driver = "uml";          // or "ptrace"
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

// What a driver cannot see, whatever it records.
std::vector<std::string> BlindSpots(const std::string& driver);

// Fails with kEnvironment where this machine cannot run the driver, kUnsupported where there is no such driver.
Result<observe::Recording> Record(const Request& request, const std::function<void(const std::string&)>& progress);

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
Result<observe::Run> RecordInGuest(const Request& request, const Variation& variation);

}  // namespace ravelin::record
