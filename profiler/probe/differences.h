// What a kernel is known to do otherwise (differences.tsv).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "profiler/probe/attempt.h"

namespace ravelin::probe {

struct Difference {
  std::string name;
  std::string layer;  // "": any
  std::string words;
  std::string reason;
};
std::span<const Difference> Differences();

// The one that explains what came of the attempt under these layers; nullptr: none.
const Difference* DifferenceOf(const Probe& probe, const std::vector<std::string>& layers);

}  // namespace ravelin::probe
