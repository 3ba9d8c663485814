// Real enforcement of a real workload: the same steps without confinement, under each mechanism alone and under each layer set, and what
// that says of the policy.
//
// A verdict compares with the unconfined run in the same kernel.  Whatever keeps either run from counting makes it inconclusive, with the
// reason; it is then neither a pass nor a fault of the policy.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/job.h"
#include "profiler/kernels/observe.h"

namespace ravelin::verify {

// What a judge loads for one policy.  A mechanism that no run needs may be empty.
struct Artifacts {
  std::string filter;                        // struct sock_filter
  std::string runtime_profile;               // the same for an OCI runtime; "" where it cannot be said so, or nobody needs it
  std::vector<std::string> other_answers;    // rules that answer with another errno than EPERM: a judge that knows no other cannot judge what depends on them
  std::string filter_doubt;                  // why a run under it says nothing: an answer that a supervisor has to give, say
  std::string profiles;                      // AppArmor, binary
  std::string profile;                       // the domain's
  std::vector<std::string> profile_names;    // all that are loaded; those within others go with them
  std::string policy;                        // SELinux, binary
  std::string launcher;                      // SELinux context of what is not confined
  std::string context;                       // the domain's
  std::string default_label;
  std::vector<kernels::PathLabel> labels;
  std::vector<kernels::Region> regions;
  std::vector<std::string> subjects;         // profiles and types that are the policy's: whose refusals count
};

struct Step {
  kernels::Step step;
  bool confined = false;
  bool may_fail = false;  // unconfined, any status will do; else only 0 makes the run one to compare with
};

struct Expectation {
  bool output = true;  // the output is that of the unconfined run
};

struct Request {
  kernels::Setting setting;
  std::vector<std::vector<std::string>> layer_sets;  // to be judged: {"seccomp"}, {"seccomp", "apparmor"}, ...
  Artifacts artifacts;
  std::vector<Step> steps;
  Expectation expect;
  std::vector<std::string> folders;
  std::vector<kernels::File> files;
  std::vector<std::string> modules;  // of the guest's kernel
};

enum class Verdict { kPassed, kFailed, kInconclusive };
const char* VerdictText(Verdict verdict);  // "passed", "failed", "inconclusive"

// What one layer set did to the workload.
struct LayerVerdict {
  std::vector<std::string> layers;
  Verdict verdict = Verdict::kInconclusive;
  std::vector<std::string> reasons;              // why not passed
  std::vector<std::string> notes;                // what was left out of the comparison, and why
  std::vector<kernels::Observation> refusals;    // of the policy's domains, in their order
  kernels::Outcome outcome;
  std::vector<kernels::StepResult> unconfined;   // of a run in the same kernel
  std::vector<kernels::MadeCall> made;           // calls of that run, of the numbers that were refused here: where the driver's kernel tells them
  double started = 0;  // the guest's clock when the workload began; times of refusals count from there
};

struct Report {
  kernels::DriverKind driver = kernels::DriverKind::kUml;
  std::string kernel;    // of the judge
  std::string features;  // of its AppArmor
  bool isolated = true;
  std::vector<LayerVerdict> verdicts;         // in the order of the request
  double seconds = 0;
};

// `progress` is told of each run as it ends, from any thread; one call at a time.  Fails where no guest can be run at all.
Result<Report> Verify(const Request& request, const std::function<void(const std::string&)>& progress);

// Folders of this machine that the guest's root is made of, the top one first; "" for this machine's root.
std::vector<std::string> RootsOf(const Request& request);

// --- the parts, for tests

// The job of one run.  No layers: unconfined, with nothing loaded that could confine.
kernels::Job JobFor(const Request& request, const std::vector<std::string>& layers, kernels::Module module);
// Judges one run by the unconfined ones of the same kernel (at least one; a second shows what of the output differs by itself).
void Judge(const Request& request, const std::vector<const kernels::Outcome*>& unconfined, LayerVerdict& verdict);

}  // namespace ravelin::verify
