// Each capability by a call that asks for it before anything else, where there is one (linux-source-6.1).
#include <fmt/format.h>

#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kNoFile = 999;

std::string Le64(uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
  return out;
}

class Planner {
 public:
  std::vector<Probe> Run() {
    Simple();
    Memory();
    Others();
    return std::move(probes_);
  }

 private:
  Probe& Add(const char* capability, std::vector<Call> calls) {
    Probe probe;
    probe.kind = "capability";
    calls.back() = Also(std::move(calls.back()), {Ask("capability", capability)});
    probe.calls = std::move(calls);
    probe.any_end = true;
    probe.shown = fmt::format("capability {{ {} }}", capability);
    probes_.push_back(std::move(probe));
    return probes_.back();
  }

  void Simple() {
    const Operand none = Number(0);
    Add("dac_read_search", {CallOf("open_by_handle_at", {Number(kNoFile), none, none})});                   // fs/fhandle.c handle_to_path
    Add("setpcap", {CallOf("prctl", {Number(24), Number(9999)})});                                           // PR_CAPBSET_DROP: commoncap.c cap_prctl_drop
    Add("sys_module", {CallOf("delete_module", {Text("no-such-module"), none}, {})});                        // kernel/module/main.c
    Add("sys_chroot", {CallOf("chroot", {Text("/")}, {{}, {{"on", "/"}}})});                                 // fs/open.c
    Add("sys_pacct", {CallOf("acct", {none}, {})});                                                          // kernel/acct.c
    Add("sys_admin", {CallOf("sethostname", {none, Number(4096)}, {})});                                     // kernel/sys.c
    Add("sys_admin", {CallOf("setdomainname", {none, Number(4096)}, {})});
    Add("sys_admin", {CallOf("swapon", {none, none}, {})});                                       // mm/swapfile.c
    Add("sys_boot", {CallOf("reboot", {none, none, none, none}, {})});                                       // kernel/reboot.c, before the magic
    Add("sys_nice", {CallOf("sched_setscheduler", {none, Number(1), Bytes(std::string("\1\0\0\0", 4))})});   // SCHED_FIFO: kernel/sched/core.c
    Add("sys_nice", {CallOf("setpriority", {none, none, Number(static_cast<uint64_t>(-5))})});              // kernel/sys.c set_one_prio
    Add("sys_time", {CallOf("settimeofday", {none, none}, {})});                                             // kernel/time/time.c
    Add("sys_tty_config", {CallOf("vhangup", {})});                                                          // fs/open.c
    Add("wake_alarm", {CallOf("timerfd_create", {Number(8), none})});                                        // CLOCK_REALTIME_ALARM: fs/timerfd.c
    Add("setuid", {CallOf("setuid", {Number(1)}, {})});
    Add("setgid", {CallOf("setgid", {Number(1)}, {})});
    Add("setgid", {CallOf("setgroups", {none, none}, {})});
    // More than one may have: kernel/sys.c do_prlimit.
    Add("sys_resource", {CallOf("prlimit64", {none, Number(7), Bytes(Le64(5000) + Le64(5000)), none}, {})});
  }

  // More than may be locked, mapped before (mm/mlock.c: what it lacks is memory then).
  void Memory() {
    constexpr uint64_t kSize = 16 << 20;
    Add("ipc_lock", {CallOf("mmap", {Number(0), Number(kSize), Number(3), Number(0x22), Number(~uint64_t{0}), Number(0)}), CallOf("mlock", {ResultOf(0), Number(kSize)})}).refused_with = 12;
    // Its own, which nobody may use (ipc/util.c ipcperms).
    Add("ipc_owner", {CallOf("semget", {Number(0), Number(1), Number(01000)}, {}), CallOf("semctl", {ResultOf(0), Number(0), Number(2), Page()}, {})});  // IPC_STAT
  }

  void Others() {
    // A privileged option of a pair of sockets; both AF_UNIX and loopback.
    for (const uint64_t family : {uint64_t{1}, uint64_t{2}}) {
      const Object socket = {{{"family", family}, {"type", 2}, {"protocol", 0}}, {}};
      Add("net_admin", {CallOf("socket", {Number(family), Number(2), Number(0)}, Object{}), CallOf("setsockopt", {ResultOf(0), Number(1), Number(1), Bytes(std::string("\1\0\0\0", 4)), Number(4)}, socket)});  // SO_DEBUG
    }
    const Object audit = {{{"family", 16}, {"type", 3}, {"protocol", 9}}, {}};
    const std::string group = std::string("\x10\0\0\0\0\0\0\0\1\0\0\0", 12);  // AUDIT_NLGRP_READLOG
    Add("audit_read", {CallOf("socket", {Number(16), Number(3), Number(9)}, Object{}), CallOf("bind", {ResultOf(0), Bytes(group), Number(12)}, audit)});
    // A process of another user: to signal it, to look into it.
    Probe& kill = Add("kill", {Also(CallOf("kill", {PeerProcess(), Number(0)}), {Ask("signal", "send", {{{"signal", 0}}, {{"peer", "outside"}}})})});
    kill.peer = Peer::kOtherUser;
    Probe& look = Add("sys_ptrace", {CallOf("get_robust_list", {PeerProcess(), Page(), Page()}, {{}, {{"peer", "outside"}}})});
    look.peer = Peer::kOtherUser;
    // One of two suffices (kernel/printk/printk.c check_syslog_permissions, kernel/bpf/syscall.c).
    Probe syslog;
    syslog.kind = "capability";
    syslog.calls = {AlsoOneOf(CallOf("syslog", {Number(8), Number(0), Number(99)}, {}), {Ask("capability", "syslog"), Ask("capability", "sys_admin")})};
    syslog.any_end = true;
    syslog.shown = "capability { syslog }";
    probes_.push_back(std::move(syslog));
    // A trie of prefixes: whoever may make the simple kinds of maps needs it for this one (kernel/bpf/lpm_trie.c).
    const std::string trie = std::string("\x0b\0\0\0\x08\0\0\0\4\0\0\0\1\0\0\0\1\0\0\0", 20) + std::string(28, '\0');
    Probe bpf;
    bpf.kind = "capability";
    bpf.calls = {AlsoOneOf(CallOf("bpf", {Number(0), Bytes(trie), Number(48)}, {}), {Ask("capability", "bpf"), Ask("capability", "sys_admin")})};  // BPF_MAP_CREATE
    bpf.any_end = true;
    bpf.shown = "capability { bpf }";
    probes_.push_back(std::move(bpf));
  }

  std::vector<Probe> probes_;
};

}  // namespace

std::vector<Probe> CapabilityProbes() { return Planner().Run(); }

}  // namespace ravelin::probe
