// What a kernel is known to do otherwise (differences.tsv).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "profiler/kernels/job.h"
#include "profiler/probe/attempt.h"

namespace ravelin::probe {

struct Difference {
  std::string name;
  std::string judge;  // a driver; "": any
  std::string layer;  // "": any
  std::string words;
  std::string reason;
};
std::span<const Difference> Differences();

// The one that explains what came of the attempt under these layers; nullptr: none.
const Difference* DifferenceOf(const Probe& probe, kernels::DriverKind judge, const std::vector<std::string>& layers);

}  // namespace ravelin::probe
