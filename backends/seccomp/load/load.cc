#include "backends/seccomp/load/load.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ravelin::load {
namespace {

// Linux 5.19; older headers lack it.
constexpr unsigned long kWaitKillable = 1UL << 5;

int SetFilter(const Filter& filter, unsigned long flags) {
  sock_fprog program{filter.length, const_cast<sock_filter*>(filter.instructions)};
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace

int SetNoNewPrivileges() { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno; }

Installed Install(const Filter& filter, Listener listener) {
  Installed out;
  if (listener == Listener::kNone) {
    out.error = SetFilter(filter, 0) == 0 ? 0 : errno;
    return out;
  }
  out.listener = SetFilter(filter, SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable);
  if (out.listener < 0 && errno == EINVAL) out.listener = SetFilter(filter, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  out.error = out.listener < 0 ? errno : 0;
  return out;
}

bool ActionAvailable(uint32_t action) { return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0; }

}  // namespace ravelin::load
