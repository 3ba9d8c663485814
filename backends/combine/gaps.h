// Where what a layer set enforces differs from the policy (docs/semantics.md, chapter 7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/combine/effective.h"

namespace ravelin::combine {

// One way in which a layer set, or a single layer, permits more or less than the policy.
struct Gap {
  // That the difference comes from; nullopt: a facet's default, or (narrower) the file systems of the objects, whatever rule names them.
  std::optional<uint32_t> rule;
  ir::FacetId facet = 0;
  int operation = 0;
  bool wider = true;
  std::vector<std::string> layers;
  std::string reason;      // the same for gaps of one kind: what the layers do not see
  ir::BoxMember witness;   // attributes of one attempt that is decided differently
  std::optional<Carrier> carrier;
};

// Gaps of a layer set, in the order of facets, operations and rules.  One member alone is a set of one.
// kTooLarge where an automaton would be.
Result<std::vector<Gap>> FindGaps(Effective& effective, const std::vector<std::string>& layers);

// Those of the attempts in a box alone, of one operation.
Result<std::vector<Gap>> FindGapsAt(Effective& effective, const std::vector<std::string>& layers, ir::FacetId facet, int operation, const ir::Box& at);

enum class Verdict { kExact, kWider, kNarrower, kBoth, kUnsupported };
std::string_view VerdictText(Verdict verdict);
// How one layer alone keeps each rule, by rule id; rules of the syscall facet and `never` are not judged here (kExact).
Result<std::vector<Verdict>> Verdicts(Effective& effective, const std::string& layer);

}  // namespace ravelin::combine
