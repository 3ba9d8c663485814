// The least that any tree of comparisons could cost for a filter's numbers, as a yardstick for what is emitted.
#pragma once

#include <map>
#include <string>

#include "backends/seccomp/filter_spec.h"
#include "backends/seccomp/program.h"

namespace ravelin::seccomp {

// Expected instructions from the load of the architecture to the return over the known calls of the first architecture, under
// `weights` by call name (empty: each call the same).  Trees may test `>=` anywhere and `==` for any of the heaviest values of
// a range, at any place; what an argument test costs is taken from `program`, with zero arguments.  Written apart from
// search_tree.h, whose trees are a subset.
double OptimalCost(const FilterSpec& spec, const Program& program, const std::map<std::string, double>& weights);

}  // namespace ravelin::seccomp
