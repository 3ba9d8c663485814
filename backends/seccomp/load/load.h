// Installing a filter in the calling thread.  libc only.
#pragma once

#include <cstddef>
#include <cstdint>

struct sock_filter;

namespace ravelin::load {

// What installing needs, in the order of <linux/filter.h>.
struct Filter {
  const sock_filter* instructions = nullptr;
  uint16_t length = 0;
};

enum class Listener { kNone, kWanted };

struct Installed {
  int error = 0;      // errno; 0: installed
  int listener = -1;  // descriptor of the notification listener (close-on-exec) where one was wanted
};

// Gives up new privileges, for this thread and what it starts; there is no way back.  Returns errno, 0 when done.
int SetNoNewPrivileges();

// seccomp(2), SECCOMP_SET_MODE_FILTER.  Needs no privilege after SetNoNewPrivileges.  With a listener, calls that wait for an
// answer can only be interrupted by fatal signals where the kernel has that (Linux >= 5.19).
Installed Install(const Filter& filter, Listener listener);

// True when the kernel knows an action (SECCOMP_RET_*), by SECCOMP_GET_ACTION_AVAIL.
bool ActionAvailable(uint32_t action);

}  // namespace ravelin::load
