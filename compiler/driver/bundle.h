// OCI bundles: a folder with config.json, what a container's runtime is given.
#pragma once

#include <optional>
#include <string>

#include "compiler/base/result.h"
#include "compiler/driver/verify.h"

namespace ravelin::driver {

// Where `workload.root` is a bundle: its root, and of its config.json the process (arguments where the workload has none, environment,
// working directory, user) and the mounts that bring files (bind) or hide them (tmpfs).  Namespaces, limits, capabilities and devices are
// the runtime's, and the guest's are its own.  Another folder is left as it is.  kMalformed says what is wrong with config.json.
Result<void> ApplyBundle(Workload& workload);

}  // namespace ravelin::driver
