// User-Mode Linux: a kernel that runs as a process (packages user-mode-linux and bubblewrap).
#pragma once

#include <string>

#include "profiler/kernels/job.h"

namespace ravelin::kernels {

Result<Outcome> RunUml(const Job& job);

// "6.1.176", asked of the installed kernel; kNotFound where none is installed.
Result<std::string> UmlRelease();

}  // namespace ravelin::kernels
