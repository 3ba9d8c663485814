// The expectations of `test` blocks against the oracle (docs/semantics.md, chapter 10).
#pragma once

#include <vector>

#include "compiler/driver/frontend.h"

namespace ravelin::driver {

struct Verdict {
  bool passed = true;
  std::string instead;  // where it failed: which attempt was decided how, by what; one line
};

// One verdict for each of `front.tests`; `front.sink` must hold no errors.
std::vector<Verdict> JudgeTests(const Frontend& front);

}  // namespace ravelin::driver
