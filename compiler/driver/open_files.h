// How much of a file system a policy opens, for reviews.
#pragma once

#include <string>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

struct OpenFiles {
  size_t files = 0;    // regular files below the root, on its own file system
  size_t read = 0;     // of these, files that an allow rule lets some process read
  size_t written = 0;  // ... or write, append to or truncate
};

// `root` stands for `/` of the policy: "/" or the folder of an unpacked system.  Links are not followed.
Result<OpenFiles> CountOpenFiles(const ir::Domain& domain, const std::string& root);

}  // namespace ravelin::driver
