// The first files of a virtual machine: its init and the modules that it needs to see the host.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/vm.h"

namespace ravelin::kernels {

// A cpio archive (Documentation/driver-api/early-userspace/buffer-format.rst, "newc") with `init` as /init and, as /modules/NNN-NAME, the
// modules `wanted` ("9p") behind those that they depend on.  Names that the kernel has built in, or has not at all, are left out; of the
// latter `missing` is told.
Result<std::string> MakeInitramfs(const KernelImage& kernel, std::string_view init, const std::vector<std::string>& wanted, std::vector<std::string>& missing);

}  // namespace ravelin::kernels
