// What a kernel is known to do otherwise (differences.tsv).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "profiler/kernels/job.h"
#include "profiler/probe/probe.h"

namespace ravelin::probe {

struct Difference {
  std::string name;
  std::string judge;  // a driver; "": any
  std::vector<std::string> layers;  // one of them is in the set; empty: any
  std::string does;   // "permits", "refuses": the kernel, against what is expected; "": either
  std::string words;
  std::string reason;
};
std::span<const Difference> Differences();

// The one that explains what came of the attempt under these layers, which was not expected; nullptr: none.
const Difference* DifferenceOf(const Probe& probe, kernels::DriverKind judge, const std::vector<std::string>& layers, Expected came);

}  // namespace ravelin::probe
