#include "compiler/kernel/mount_flags.h"

#include <bit>

namespace ravelin::kernel {
namespace {

// include/uapi/linux/mount.h; what the kernel keeps for itself is left out (AA_MS_IGNORE_MASK).
constexpr uint32_t kRemount = 0x20, kBind = 0x1000, kMove = 0x2000, kRecursive = 0x4000, kSilent = 0x8000, kPropagation = 0x1e0000;
constexpr uint32_t kMagicMask = 0xffff0000, kMagic = 0xc0ed0000, kInternal = 0x70400000;

}  // namespace

std::optional<uint32_t> AskedMountFlags(uint64_t flags) {
  auto asked = static_cast<uint32_t>(flags);
  if ((asked & kMagicMask) == kMagic) asked &= ~kMagicMask;
  asked &= ~kInternal;
  if ((asked & kRemount) != 0) return asked;
  if ((asked & kBind) != 0) return asked & (kBind | kRecursive);
  if ((asked & kPropagation) != 0) {
    if (std::popcount(asked & kPropagation) != 1) return std::nullopt;
    return asked & (kPropagation | kRecursive | kSilent);
  }
  return (asked & kMove) != 0 ? kMove : asked;
}

}  // namespace ravelin::kernel
