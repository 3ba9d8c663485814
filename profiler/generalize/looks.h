// How complete observations are, asked after every run: a bound that stays valid however often one looks, and whenever one stops.
//
// Run t is asked whether the runs before it, generalised, cover it.  Its chance to bring something new only falls as runs are added (what
// is granted grows), so a stretch of k runs without anything new has a chance of at most (1 - p)^k where p is the chance at its end.  A new stretch begins
// after each run that brought something; the j-th may err with a part of 1 / ((j + 1)(j + 2)) of what is left to err, which sums to all of it over j = 0, 1, ...
// So p <= 1 - (error / ((j + 1)(j + 2)))^(1/k) holds at all times at once with the confidence that is asked for.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "profiler/generalize/completeness.h"

namespace ravelin::generalize {

// The bound after `surprises` runs that brought something new, and `clean` in a row since then that did not.
double BoundAtAnyTime(size_t surprises, size_t clean, double confidence = 0.95);
// How many in a row bring the bound down to `wanted`.
size_t CleanRunsNeeded(size_t surprises, double wanted, double confidence = 0.95);

// What the runs said one after another, in the order in which they were made.
struct Looks {
  size_t runs = 0;
  size_t replicas = 0;              // that show what an earlier one shows
  size_t replicas_in_a_row = 0;     // of these, the last ones
  std::vector<bool> surprised;      // of the samples: it brought something new
  size_t surprises = 0;
  size_t clean = 0;                 // since the last of them
  double bound = 1;
  std::set<std::string> last_news;  // what the last run that brought something brought
  std::vector<std::string> incomplete;
};

// Grows with the recording: runs that were judged before are not judged again.
class Looking {
 public:
  explicit Looking(Options options) : options_(std::move(options)) {}
  Result<Looks> At(const observe::Recording& recording);

 private:
  Options options_;
  std::vector<std::string> judged_;  // identities
  std::set<std::set<std::string>> shown_;
  std::vector<std::string> samples_;
  Looks looks_;
};

// Why going on is of no use; "" where it may be.  `wanted` is the bound that is asked for.
std::string WhyNotReached(const Looks& looks, double wanted);

}  // namespace ravelin::generalize
