// Paths of a root that is a folder of this machine, or several that lie over one another.
#pragma once

#include <string>
#include <vector>

namespace ravelin::kernels {

// Symbolic links followed inside of the roots ("" for this machine's; the first is on top), `.` and `..` gone.  A last component that does not exist is kept as it
// stands; "" where something before it does not exist.
std::string ResolveIn(const std::vector<std::string>& roots, std::string path);
// Where a path that was resolved lies on this machine; "" where no root has it.
std::string HostPath(const std::vector<std::string>& roots, const std::string& path);

}  // namespace ravelin::kernels
