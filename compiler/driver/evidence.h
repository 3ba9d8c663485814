// What was observed for each rule of a policy, whoever wrote the rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/event.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::driver {

// One thing that was seen, over all runs of a recording.
struct EvidenceLine {
  std::string shown;  // "file read /etc/passwd"
  size_t runs = 0;    // in how many of them
  uint64_t count = 0;
  std::string example;           // the record or call
  std::vector<uint32_t> rules;   // that permit it; empty: a default does, or nothing
  bool permitted = false;        // by the policy
  generalize::Seen seen;
};

struct Evidence {
  size_t runs = 0;                           // of the recording
  std::vector<EvidenceLine> lines;           // everything that was seen and can be judged, in the order of facets
  std::vector<std::vector<size_t>> of_rule;  // by rule of the domain: indices into `lines`
  size_t not_judged = 0;                     // things of which too little was recorded (an object without a name)
};
// kTooLarge where a rule's patterns need too large an automaton.
Result<Evidence> EvidenceOf(const ir::Domain& domain, const observe::Recording& recording);

// The attempt that was seen, as far as it was recorded; nullopt: it names no object, or is a call.
std::optional<ir::ObjectCheck> CheckOf(const generalize::Seen& seen);

// The rules that `name` means: a label, "LINE", or "FILE:LINE"; empty: none.
std::vector<uint32_t> RulesNamed(const ir::Domain& domain, const std::string& name);

}  // namespace ravelin::driver
