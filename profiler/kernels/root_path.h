// Paths of a root that is a folder of this machine.
#pragma once

#include <string>

namespace ravelin::kernels {

// Symbolic links followed inside of the root ("" for this machine's), `.` and `..` gone.  A last component that does not exist is kept as it
// stands; "" where something before it does not exist.
std::string ResolveIn(const std::string& root, std::string path);

}  // namespace ravelin::kernels
