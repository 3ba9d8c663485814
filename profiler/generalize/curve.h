// How many distinct things are met in how many runs: the curve that flattens as observations become complete.
#pragma once

#include <string>
#include <vector>

#include "profiler/observe/fact.h"

namespace ravelin::generalize {

struct Curve {
  std::string facet;            // "file", "syscall", ...
  std::vector<double> things;   // [k - 1]: distinct things in k of the runs, the mean over every choice of k
};
// One curve for each facet of which something was seen, in the order of their names.  Empty: there are no runs.
std::vector<Curve> CurvesOf(const observe::Recording& recording);

}  // namespace ravelin::generalize
