// Observations to a policy that is written, judged and, in guests, enforced.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/driver/attacks.h"
#include "compiler/driver/frontend.h"
#include "compiler/driver/gap_text.h"
#include "compiler/driver/verify.h"
#include "profiler/generalize/completeness.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::driver {

// An acceptance that the operator gave beforehand, for labels that a learned policy may or may not have.  `*` at the end of LABEL is any rest.
struct GivenAcceptance {
  std::string label;
  bool wider = true;
  std::vector<std::vector<std::string>> layer_sets;
  std::map<std::string, std::set<std::string>> operations;  // by facet; none: all
  std::string because;
  unsigned line = 0;
};
// Lines `accept gap LABEL wider|narrower on LAYERS [of FACET { OPERATIONS }] because "..."`; kMalformed names the line.
Result<std::vector<GivenAcceptance>> ReadAcceptances(const std::string& text, const std::string& name);

struct LearnRequest {
  observe::Recording recording;
  generalize::Options options;
  std::vector<GivenAcceptance> acceptances;
  std::string output;        // where the policy goes
  LoadOptions load;
  resolve::Target target;
  std::optional<verify::Scenario> attacks;  // made on the policy that the loop ends with
};

struct LearnedPolicy {
  generalize::Learned learned;
  std::string text;                    // laid out
  std::vector<GapRow> gaps;            // of its layer sets that nothing accepts
  std::vector<GapRow> narrower;        // in which a set refuses what the policy permits, accepted or not
  std::vector<std::string> not_judged;
};
// Generalises, lays out, accepts what was accepted beforehand, and writes.
Result<LearnedPolicy> WritePolicy(const LearnRequest& request);

// A policy file that a program made, in the canonical layout.
std::string LaidOut(const std::string& text);

// What the recorded processes began with, where that is one program; else "".
std::string ProgramOf(const observe::Recording& recording);
// What a policy is called that nobody named: after the program, else after the file of the recording.
std::string PolicyNameOf(const std::string& program, const std::string& file);

// kAttacked: the workload passes, and an attack gets through that the policy does not permit.
enum class LoopVerdict { kVerified, kGaps, kDenied, kAttacked, kInconclusive };
const char* LoopVerdictText(LoopVerdict verdict);

struct LoopResult {
  LoopVerdict verdict = LoopVerdict::kInconclusive;
  unsigned rounds = 0;                        // enforced runs
  std::vector<std::string> reasons;           // why not verified
  std::vector<std::vector<Refusal>> refusals;  // of each round
  // Of the last round, with the workload passing: no rule is lacking.  The policy permits it and a gap says that the layer does not, or the
  // language has no word for it.
  std::vector<Refusal> narrower;
  LearnedPolicy policy;                       // of the last
  std::vector<AttackedSet> attacked;          // empty where no round passed
};
// Attacks on a learned policy that its workload passes.  What the policy permits is granted: the workload did it.  A gap that was accepted
// beforehand does not account for an attack: nobody has looked at this policy yet.  `workload`: what the guest is made of.
Result<std::vector<AttackedSet>> AttackLearned(Frontend& front, const verify::Scenario& attacks, const Workload& workload, const std::string& program, const std::function<void(const std::string&)>& progress);
// Enforces, folds refusals back into the observations, and learns anew, at most `rounds` times.  A refusal says that the runs so far
// were not all there is: `record_again`, where there is one, records one more, varied anew, before each further round.
using RecordAgain = std::function<Result<observe::Recording>(unsigned round)>;
Result<LoopResult> VerifyLearned(LearnRequest& request, const Workload& workload, unsigned rounds, const RecordAgain& record_again, const std::function<void(const std::string&)>& progress);

}  // namespace ravelin::driver
