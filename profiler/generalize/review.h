// What a reviewer decided of rules that were learned.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "profiler/generalize/paths.h"

namespace ravelin::generalize {

enum class Decision {
  kAccept,
  kNarrow,  // of a pattern: the paths that were used, and no other
  kDeny,    // refused, with a rule that says so
};
// By what is decided about: the pattern of a path rule, or the statement of another rule.  What is not in it is accepted.
using Decisions = std::map<std::string, Decision>;

// The rules with narrowed patterns as literals and without those that are denied, which are returned.  A denied pattern keeps its
// operations.  kTooLarge where a pattern needs too large an automaton.  `used` gets the decisions that were about one of them.
Result<std::vector<PathRule>> Apply(const Decisions& decisions, const std::vector<PathUse>& uses, std::vector<PathRule>& rules, std::set<std::string>& used);

}  // namespace ravelin::generalize
