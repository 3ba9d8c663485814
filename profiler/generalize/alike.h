// Names that share a label under SELinux, which rules therefore cannot tell apart: they are granted the same.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "profiler/generalize/paths.h"

namespace ravelin::generalize {

// Before paths are generalised: what others make in folders of the workload's, then what is renamed.
void JoinLabels(std::map<std::string, PathUse>& uses);
// After it: patterns of one folder by which the same kind is made; and rules over names that were joined before (`uses`) say so.
void JoinLabels(const std::vector<PathUse>& uses, std::vector<PathRule>& rules);

}  // namespace ravelin::generalize
