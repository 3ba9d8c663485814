// Call frequencies for `--frequencies`: JSON, {"read": 120, ...} or {"workload": {"read": 120, ...}, ...}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::driver {

// Workload name to relative frequency of each call; every workload's frequencies sum to 1.  A flat file is one workload
// without a name.
using Workloads = std::map<std::string, std::map<std::string, double>>;
Result<Workloads> ReadFrequencies(const std::string& path);

// The mean of all workloads (each weighs the same).  A workload called `mix` is a sum of the
// others and takes no part in the mean.
std::map<std::string, double> Mean(const Workloads& workloads);

}  // namespace ravelin::driver
