// What the dynamic loader opens for a program before it runs.
//
// Followed as ld.so(8) does: DT_RPATH or DT_RUNPATH of the object, the folders of /etc/ld.so.conf and what it includes, then the usual ones; not: what
// LD_LIBRARY_PATH, the capabilities of the processor (glibc-hwcaps) or dlopen(3) bring.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ravelin::binary {

// A path of the system, links followed, and where its content can be read on this machine; nothing where there is no such file.
struct Place {
  std::string path;
  std::string file;
};
using Find = std::function<std::optional<Place>(const std::string& path)>;
// Over roots that lie over one another, the first of them on top.
Find FindIn(const std::vector<std::string>& roots);

// The program's interpreter and libraries, each once, in the order in which they are met; of a script its interpreter and what that needs.  What cannot be found or
// read is left out.
std::vector<std::string> NeedsOf(const std::string& program, const Find& find);

}  // namespace ravelin::binary
