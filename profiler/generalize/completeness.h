// How complete observations are: the chance that the next run does something that was not learned.
//
// One run is left out, the others are generalised anew, and the run is asked whether all of it is covered; so for each run.  The share of runs that
// bring something new is the estimate, its upper bound that of Clopper and Pearson.  Runs that show the same are one sample.
#pragma once

#include <string>
#include <vector>

#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {

inline constexpr size_t kFewestRuns = 5;  // below, nothing is said of the next run

struct FacetCompleteness {
  std::string facet;      // "system call", "argument", "path", "exec", "network", "capability"; "any" is all together
  size_t runs = 0;        // that count as samples
  size_t singletons = 0;  // things that one run alone showed
  size_t surprised = 0;   // runs that the others do not cover
  double chance = 0;      // surprised / runs
  double bound = 1;       // with 95% confidence the chance is at most this
};

struct Completeness {
  size_t runs = 0;      // all
  size_t replicas = 0;  // of these, runs that show what another one shows
  std::vector<FacetCompleteness> facets;
  std::string Words() const;  // one or two lines for people
};
Result<Completeness> JudgeCompleteness(const observe::Recording& recording, const Options& options);

// The greatest probability under which `successes` of `trials` or fewer have a chance of at least `1 - confidence`.
double UpperBound(size_t successes, size_t trials, double confidence = 0.95);
// How many further runs without anything new bring the bound down to `wanted`.
size_t RunsNeeded(size_t clean_runs, double wanted, double confidence = 0.95);

}  // namespace ravelin::generalize
