// What a filter costs.
#pragma once

#include <map>
#include <string>

#include "backends/seccomp/codegen.h"

namespace ravelin::seccomp {

// Instructions are counted from the load of the architecture to the return, both included; arguments are zero.
struct CostReport {
  size_t instructions = 0;
  double uniform = 0;           // mean over the known calls of the first architecture
  double weighted = 0;          // under `frequencies`; 0 without
  double uncached = 0;          // mean over the known calls that the kernel's cache does not serve
  double uniform_optimum = 0;   // what the best tree of comparisons would need for `uniform` (optimum.h)
  double weighted_optimum = 0;  // and for `weighted`; 0 without
  size_t longest = 0;
  size_t constant_allows = 0;   // calls that are permitted whatever their arguments
  size_t cacheable = 0;         // of those, the ones that the kernel caches (Linux >= 5.11)
};
CostReport ReportCost(const FilterSpec& spec, const Program& program, const std::map<std::string, double>& frequencies);

}  // namespace ravelin::seccomp
