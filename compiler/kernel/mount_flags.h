// The flags of mount(2) as security modules that see flags are asked for them.
#pragma once

#include <cstdint>
#include <optional>

namespace ravelin::kernel {

// linux-source-6.1 security/apparmor/lsm.c apparmor_sb_mount and mount.c: the first command among remount, bind, a change of propagation
// and a move decides, and of the other flags only those are looked at that go with it.  nullopt: the flags are no attempt (two changes of
// propagation at once).
std::optional<uint32_t> AskedMountFlags(uint64_t flags);

}  // namespace ravelin::kernel
