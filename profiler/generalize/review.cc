#include "profiler/generalize/review.h"

#include "compiler/ir/path_set.h"

namespace ravelin::generalize {
namespace {

// The paths of the pattern that were used for one of its operations, each with those.
Result<std::vector<PathRule>> Narrowed(const PathRule& rule, const std::vector<PathUse>& uses) {
  RAVELIN_TRY(set, ir::PathSet::Parse(rule.pattern));
  std::vector<PathRule> out;
  for (const PathUse& use : uses) {
    if (!set.Contains(use.path)) continue;
    PathRule one{Literal(use.path), {}, {}, "narrowed in review", 1, 0, {}, false};
    for (const auto& [operation, evidence] : use.operations) {
      if (rule.operations.count(operation) == 0) continue;
      one.operations.insert(operation);
      one.evidence.Join(evidence);
    }
    one.owner = rule.owner;
    if (!one.operations.empty()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Result<std::vector<PathRule>> Apply(const Decisions& decisions, const std::vector<PathUse>& uses, std::vector<PathRule>& rules, std::set<std::string>& used) {
  std::vector<PathRule> kept;
  std::vector<PathRule> denied;
  for (PathRule& rule : rules) {
    const auto at = decisions.find(rule.pattern);
    const Decision decision = at == decisions.end() ? Decision::kAccept : at->second;
    if (at != decisions.end()) used.insert(at->first);
    if (decision == Decision::kNarrow) {
      RAVELIN_TRY(narrowed, Narrowed(rule, uses));
      for (PathRule& one : narrowed) kept.push_back(std::move(one));
    } else {
      (decision == Decision::kDeny ? denied : kept).push_back(std::move(rule));
    }
  }
  rules = std::move(kept);
  return denied;
}

}  // namespace ravelin::generalize
