// How much of a file system a policy opens, for reviews.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

struct OpenFiles {
  size_t files = 0;    // regular files below the root, on its own file system
  size_t read = 0;     // of these, files that an allow rule lets some process read
  size_t written = 0;  // ... or write, append to or truncate
};

struct OpenFile {
  std::string path;  // as the policy sees it
  bool read = false;
  bool written = false;
};
// Those that some process may read or write, in no certain order; `files`, where given, becomes the number of all.
Result<std::vector<OpenFile>> ListOpenFiles(const ir::Domain& domain, const std::string& root, size_t* files = nullptr);

// `root` stands for `/` of the policy: "/" or the folder of an unpacked system.  Links are not followed.
Result<OpenFiles> CountOpenFiles(const ir::Domain& domain, const std::string& root);

}  // namespace ravelin::driver
