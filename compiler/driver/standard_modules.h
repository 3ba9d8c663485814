// The standard library's modules, as what may be proposed in the place of learned rules.
#pragma once

#include <vector>

#include "compiler/driver/load.h"
#include "compiler/resolve/target.h"
#include "profiler/generalize/modules.h"

namespace ravelin::driver {

// Those that grant files and, beside them, nothing but system calls whatever their arguments and commands of ioctl(2); without a parameter, or with one that is a
// folder.  In the order of their names.
std::vector<generalize::Module> StandardModules(const LoadOptions& options, const resolve::Target& target);

}  // namespace ravelin::driver
