#include "profiler/probe/random.h"

#include <fmt/format.h>

#include <random>
#include <vector>

namespace ravelin::probe {
namespace {

// All operations that AppArmor asks `w` for: together they can be refused.
constexpr const char* kWrites = "write, append, truncate, create, create_dir, create_fifo, create_socket, create_char, create_block, create_symlink, delete, rename, setattr";

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  std::string Run() {
    out_ = "language 1\npolicy random {\n  layers { seccomp, apparmor, selinux }\n";
    Line(fmt::format("default deny with errno({})", Pick({"EPERM", "EACCES", "ENOTTY"})));
    Line("allow syscall exit_group");
    if (Once(4)) Line("default allow " + Pick({"file", "exec", "network", "capability", "signal", "ptrace", "mount", "rlimit", "setid"}));
    Repeat(2, 5, &Maker::File);
    Repeat(0, 2, &Maker::Exec);
    Repeat(1, 3, &Maker::Network);
    Repeat(1, 5, &Maker::Other);
    Repeat(2, 5, &Maker::Syscall);
    return out_ + "}\n";
  }

 private:
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  bool Once(size_t in) { return Below(in) == 0; }
  std::string Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }
  void Line(const std::string& text) { out_ += "  " + text + "\n"; }
  void Repeat(size_t least, size_t most, void (Maker::*make)()) {
    for (size_t i = least + Below(most - least + 1); i > 0; --i) (this->*make)();
  }
  // Some of a list, at least one, in its order.
  std::string Some(const std::vector<std::string>& from) {
    std::string out;
    while (out.empty()) {
      for (const std::string& one : from) {
        if (Below(from.size()) < 2) out += (out.empty() ? "" : ", ") + one;
      }
    }
    return out;
  }

  // Patterns over few names, so that the sets of rules meet.
  std::string Pattern() {
    std::string out = Pick({"/srv", "/srv/a", "/srv/b", "/opt", "/var/lib/p", "/data"});
    for (size_t parts = Below(2) + 1; parts > 0; --parts) out += "/" + Pick({"a", "b", "ab", "*", "a*", "*b", "?", "[ab]", "[^a]", "{a,b}", "{a,ab}c", "x.d", "[a-c]?"});
    return out + (Once(3) ? Pick({"/**", "/*", "**", "{,.d}", "/a"}) : "");
  }
  std::string Paths() { return "\"" + Pattern() + "\"" + (Once(3) ? ", \"" + Pattern() + "\"" : ""); }

  void File() {
    const std::string verb = Once(5) ? "deny" : "allow";
    std::string operations = verb == "deny" ? Pick({"read, list", "read", kWrites, "list", std::string("read, list, lock, ") + kWrites})
                                            : Some({"read", "list", "write", "append", "truncate", "create", "create_dir", "create_fifo", "create_socket", "create_symlink", "create_char", "delete", "rename", "setattr", "utimes", "xattr", "lock", "map_exec", "watch", "getattr", "traverse"});
    if (verb == "allow" && Once(8)) {
      Line(fmt::format("allow file {{ ioctl, read }} command {{ {} }} on path({})", Pick({"0x5401", "FIONREAD", "0x1234, 0x1235", "FIONBIO, 0x40086602"}), Paths()));
      return;
    }
    if (verb == "allow" && Once(8)) {
      Line(fmt::format("allow file {{ link }} on path({}) to path({})", Paths(), Paths()));
      return;
    }
    Line(fmt::format("{} file {{ {} }}{} on path({})", verb, operations, verb == "allow" && Once(6) ? " owner" : "", Paths()));
  }

  void Exec() { Line(fmt::format("{} exec path({})", Once(6) ? "deny" : "allow", Paths())); }

  void Network() {
    const std::string operations = Some({"create", "bind", "listen", "accept", "connect", "send", "receive", "getopt", "setopt", "shutdown"});
    std::string rule = fmt::format("allow network {{ {} }}", operations);
    if (Once(3)) {
      rule += Pick({" tcp", " udp"});
    } else {
      if (!Once(4)) rule += " family " + Pick({"AF_UNIX", "AF_INET", "AF_INET, AF_INET6", "AF_NETLINK", "AF_ALG", "AF_PACKET", "AF_UNIX, AF_INET"});
      if (Once(2)) rule += " type " + Pick({"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW, SOCK_SEQPACKET", "SOCK_STREAM, SOCK_DGRAM"});
    }
    if (Once(3)) rule += Pick({" port 80", " port 8080", " port { 443, 8000 }", " port 5353"});
    Line(rule);
  }

  void Other() {
    switch (Below(12)) {
      case 0: return Line(fmt::format("allow capability {{ {} }}", Some({"chown", "setuid", "setgid", "net_bind_service", "sys_admin", "sys_chroot", "kill", "net_raw", "sys_nice", "sys_time", "mknod", "ipc_lock", "sys_resource", "sys_ptrace", "dac_read_search", "syslog", "bpf"})));
      case 1: return Line(fmt::format("{} signal {{ {} }}{}{}", "allow", Pick({"send", "receive", "send, receive"}), Once(3) ? "" : " set " + Pick({"{ TERM }", "{ HUP, KILL }", "{ USR1, USR2, CHLD }", "{ STOP, CONT }"}), Once(2) ? " peer outside" : ""));
      case 2: return Line(fmt::format("allow ptrace {{ {} }}{}", Pick({"read", "trace", "trace, read", "tracedby, readby, trace, read"}), Once(2) ? " peer outside" : ""));
      case 3: return Line(fmt::format("allow setid {{ {} }}{}", Pick({"uid", "gid", "uid, gid", "groups"}), Once(2) ? "" : " to " + Pick({"33", "1000", "0"})));
      case 4: return Line(fmt::format("allow rlimit {{ {} }}{}", Pick({"get", "set", "get, set"}), Once(2) ? "" : " resource " + Pick({"RLIMIT_NOFILE", "RLIMIT_CORE", "{ RLIMIT_STACK, RLIMIT_AS }"})));
      case 5: return Line(fmt::format("allow namespace {{ {} }}", Some({"user", "mount", "net", "pid", "ipc", "uts"})));
      case 6: return Line("allow memory { exec }");
      case 7: return Line(fmt::format("allow ipc {{ {} }}", Some({"sysv_shm", "sysv_sem", "sysv_msg", "mqueue"})));
      case 8: return Line("allow personality" + Pick({"", " to 0", " to 8"}));
      case 9: return Line(fmt::format("allow mount {{ {} }}{}", Pick({"mount", "umount", "mount, umount", "bind", "remount", "move"}), Once(2) ? "" : " on \"" + Pick({"/mnt/*", "/srv/m", "/ravelin-mount"}) + "\""));
      case 10: return Line(Pick({"allow bpf { use }", "allow io_uring { use }", "allow module { unload }", "allow system { hostname, time }", "allow system { syslog }", "allow system { quota, kexec }", "allow perf { open }"}));
      default: return Line(fmt::format("allow keyring {{ {} }}", Pick({"use", "add", "use, add"})));
    }
  }

  void Syscall() {
    const std::string verb = Once(5) ? "deny" : "allow";
    const std::string refusal = verb == "deny" && Once(3) ? Pick({" with errno(ENOSYS)", " with kill process", " with trap"}) : "";
    const std::string condition = Pick({"getpid", "getuid", "dup", "lseek(whence in { 0, 2 })", "lseek(offset >= 0, offset < 4096)", "madvise(advice == 4)", "prctl(option == 15)", "prctl(option in { 3, 4, 38 })", "fcntl(cmd == 3)", "fcntl(cmd & 0x400 == 0x400)", "socket(domain == AF_UNIX, type & 0xf == 1)", "clone(flags & 0x7e020000 == 0)",
                                          "ioctl(request == 0x5413)", "ioctl(request in { 0x5401, 0x541b })", "mmap(prot & 4 == 0)", "personality(persona in { 0, 0xffffffff })", "kill(sig == 0)", "getpriority(which == 0)", "epoll_create1(flags == 0)", "alarm(seconds > 5)", "umask(mask <= 022)"});
    Line(fmt::format("{} syscall {}{}", verb, condition, refusal));
  }

  std::mt19937_64 random_;
  std::string out_;
};

}  // namespace

std::string RandomPolicy(uint64_t seed) { return Maker(seed).Run(); }

}  // namespace ravelin::probe
