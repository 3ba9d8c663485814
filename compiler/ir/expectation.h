// An expectation of a `test` block: attempts, and whether they are permitted (docs/semantics.md, chapter 10).
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

struct Expectation {
  size_t domain = 0;  // index into Policy::domains
  bool permit = false;
  // The attempts of the line: a union of boxes, written as rules.  `operations` are those that were named; attributes
  // that are absent may have any value.  texts hold one literal each (no pattern).  Facet `syscall`: `calls`.
  std::vector<Rule> attempts;
  std::optional<Action> action;  // after `with`
  Provenance from;
};

}  // namespace ravelin::ir
