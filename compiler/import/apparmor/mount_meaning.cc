#include "compiler/import/apparmor/mount_meaning.h"

namespace ravelin::import::apparmor {
namespace {

constexpr uint32_t kRemount = 0x20;
constexpr uint32_t kBind = 0x1000;
constexpr uint32_t kMove = 0x2000;
constexpr uint32_t kRecursive = 0x4000;
constexpr uint32_t kPropagation = 0x20000 | 0x40000 | 0x80000 | 0x100000;
constexpr uint32_t kCommands = kRemount | kBind | kMove | kRecursive | kPropagation;

}  // namespace

bool MeansSomething(const MountRule& rule) {
  using Kind = MountRule::Kind;
  if (rule.kind == Kind::kUmount || rule.kind == Kind::kPivotRoot) return true;
  uint32_t flags = rule.flags;
  uint32_t inverse = rule.inverse;
  if (rule.kind == Kind::kRemount) {
    flags |= kRemount;
    inverse = 0;
  } else if ((flags | inverse) == 0) {
    return true;  // any mount
  }
  const bool typed = !rule.fstypes.empty();
  const bool device = rule.source.written;
  if ((flags & kRemount) != 0 && !device && !typed) return true;
  if ((flags & (kBind | kMove)) != 0 && !typed) return true;
  if ((flags & kPropagation) != 0 && !device && !typed) return true;
  return ((flags | inverse) & ~kCommands) != 0;
}

}  // namespace ravelin::import::apparmor
