// A virtual machine: a distribution's own kernel, unmodified, under qemu (packages qemu-system-x86 and linux-image-amd64).
//
// For what User-Mode Linux has not: system calls by int 0x80, newer kernels, Landlock, several processors.  The processor is emulated unless
// Machine::kvm says that this machine's can be used, so that a boot takes seconds.  SELinux is not judged: what is seen of this host has no labels there.
#pragma once

#include <string>

#include "profiler/kernels/job.h"

namespace ravelin::kernels {

struct KernelImage {
  std::string path;     // "/boot/vmlinuz-6.1.0-56-amd64"
  std::string release;  // "6.1.0-56-amd64", from its header
  std::string modules;  // folder of its modules: /lib/modules/RELEASE, or the same beside the image's folder (an unpacked package)
};
// `path`: a bzImage; "": the newest /boot/vmlinuz-* that has its modules.
Result<KernelImage> FindKernelImage(const std::string& path);

Result<Outcome> RunVm(const Job& job);

// Boots once with /dev/kvm and a short limit: some hosts offer one that hangs.  "" where it works, else why not.
std::string WhyNoKvm(const std::string& kernel_image);

}  // namespace ravelin::kernels
