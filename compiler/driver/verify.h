// From a policy and a workload to what a guest kernel is to run, and back: what its refusals mean in the source.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/analyze.h"
#include "compiler/driver/frontend.h"
#include "profiler/verify/scenario.h"
#include "profiler/verify/verify.h"

namespace ravelin::driver {

struct Workload {
  kernels::Setting setting;
  std::vector<std::string> command;  // looked up in the root's PATH; or
  std::optional<verify::Scenario> scenario;
  std::string directory;             // working directory in the guest; "": this process's, where the root is this machine's
  std::vector<std::string> environment;  // of the command; empty: a fixed one
  unsigned user = 0;                     // as whom the command runs
  unsigned group = 0;
  bool compare_output = true;
  bool deployed_alone = false;       // the policy's layer sets alone, and no mechanism by itself
  GapsAre gaps = GapsAre::kErrors;
};

// Compiles and proves the artifacts of the policy's layer sets, for the target and for the judging kernel.  nullopt after an error in
// front.sink.  Fails with kNotFound where the root has no such program, with kUnsupported where the policy is not one for this program.
Result<std::optional<verify::Request>> PrepareVerification(Frontend& front, size_t domain, const Workload& workload);

// What of the target the judge does not have, so that a pass says nothing about it; empty: the judge stands for the target.  Operations of
// which a layer asks something else there are listed by the rows of the view tables.
std::vector<std::string> NotJudged(const Frontend& front, size_t domain, const verify::Report& report);

// A refusal in the words of the policy.  Equal ones of all runs are one.
struct Refusal {
  std::string shown;                 // "file { read } on /etc/shadow", or the call, or the record where the language has no word for it
  std::vector<std::string> layers;   // that refused it
  double time = 0;                   // seconds after the workload's begin, of the first
  std::string process;               // "cat[171]"
  std::string error;                 // "EACCES", or ""
  size_t count = 0;
  std::string cause;                 // where the source refuses it
  bool permitted = false;            // the policy permits it: the layer is narrower, or the kernel's question is another one
  std::string suggestion;            // the line that would permit it, or ""
  std::string why_not;               // why no added line would
  std::string forbidden;             // by a `never`
};
Result<std::vector<Refusal>> ExplainRefusals(const Frontend& front, size_t domain, const verify::Report& report);

// The suggested lines as a patch of the policy's file (unified diff); "" where there is nothing to add.
std::string SuggestedPatch(const Frontend& front, size_t domain, const std::vector<Refusal>& refusals);

}  // namespace ravelin::driver
