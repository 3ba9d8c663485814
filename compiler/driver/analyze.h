// What can be said of a policy's meaning before anything is emitted: `never`, rules that conflict or do nothing, ways
// around a restriction, and gaps of the layers that this build knows.
#pragma once

#include <string>
#include <vector>

#include "backends/combine/gaps.h"
#include "backends/seccomp/filter_spec.h"
#include "backends/selinux/module.h"
#include "compiler/base/diag.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

// How a `never` came out.
enum class NeverVerdict { kProved, kViolated, kInconclusive };
struct NeverResult {
  uint32_t rule = 0;
  NeverVerdict verdict = NeverVerdict::kProved;
  std::string why;
};

struct Analysis {
  std::vector<NeverResult> nevers;
  std::vector<combine::Gap> gaps;             // of the declared layer sets, accepted ones included
  std::vector<std::string> layers_not_built;  // "apparmor": named in a layer set, without a back end in this build
};

// `domain` is one of `policy`, `spec` its lowering.  Findings go to `sink`; a gap that is not accepted is an error where artifacts are
// written, else a warning.  kOfSeccompAlone: what uses the filter alone judges no other layer set.
// kNotJudged: none is looked for.
enum class GapsAre { kErrors, kWarnings, kOfSeccompAlone, kNotJudged };
// `module`: what SELinux is told, for its labels; nullptr where no layer set names it.
Analysis Analyze(const ir::Policy& policy, const ir::Domain& domain, const seccomp::FilterSpec& spec, const combine::LayerFacts& facts, GapsAre gaps, const selinux::Module* module, diag::Sink& sink);

// True for layers that this build has a back end for.
bool IsBuilt(std::string_view layer);

// --- the parts, each in its own file
void CheckConflicts(const ir::Domain& domain, diag::Sink& sink);                                     // conflicting-actions, -transitions
void CheckUnreachable(const ir::Domain& domain, diag::Sink& sink);                                   // unreachable-allow
void CheckBypasses(const ir::Domain& domain, const seccomp::FilterSpec& spec, diag::Sink& sink);     // multiplexer-open ... essential-call-missing
std::vector<NeverResult> CheckNevers(const ir::Policy& policy, combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink);
std::vector<combine::Gap> CheckGaps(combine::Effective& effective, GapsAre gaps, diag::Sink& sink);  // gap-not-accepted, gap-unused
void CheckLayers(combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink);  // unreachable-grant, -call, capability-unused
void CheckWriteExecute(combine::Effective& effective, diag::Sink& sink);                             // writable-executable
void CheckAliases(combine::Effective& effective, diag::Sink& sink);                                  // aliased-name
std::vector<std::string> LayersNotBuilt(const ir::Domain& domain);

}  // namespace ravelin::driver
