// Attempts on what has no name: limits, identities, name spaces, memory, IPC, keys, modules, the kernel's own affairs.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/kernel/facts.h"
#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

std::string Le64(uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
  return out;
}

// A hard limit below the one that every step has; 0: it is 0 already.
uint64_t LowerLimit(uint64_t resource) {
  static constexpr uint64_t kLower[] = {100000, uint64_t{1} << 40, uint64_t{1} << 40, 1 << 26, 1 << 20, uint64_t{1} << 40, 10, 100, 4096, uint64_t{1} << 40, 1 << 20, 10, 4096, 0, 0, uint64_t{1} << 40};
  return resource < std::size(kLower) ? kLower[resource] : 0;
}

class Planner {
 public:
  explicit Planner(const ir::Domain& domain) : domain_(domain) {}

  std::vector<Probe> Run() {
    Identities();
    Limits();
    NameSpaces();
    Kernel();
    Communication();
    return std::move(probes_);
  }

 private:
  Probe& Add(const char* kind, std::string shown, std::vector<Call> calls, const Value& of = {}) {
    Probe probe;
    probe.kind = kind;
    probe.calls = std::move(calls);
    probe.any_end = true;
    probe.rule = of.rule;
    probe.inside = of.inside;
    probe.shown = std::move(shown);
    probes_.push_back(std::move(probe));
    return probes_.back();
  }

  void Identities() {
    for (const Value& value : ValuesNear(domain_, "setid", "value", {0, 1, 33, 1000, 65534})) {
      if (value.value >= 0xffffffff) continue;
      for (const auto& [call, capability] : {std::pair("setuid", "setuid"), {"setgid", "setgid"}, {"setresuid", "setuid"}, {"setresgid", "setgid"}}) {
        const bool three = std::string_view(call) != capability;
        Call one = CallOf(call, three ? std::vector<Operand>{Number(value.value), Number(value.value), Number(value.value)} : std::vector<Operand>{Number(value.value)}, Object{});
        // Whoever is it already needs no capability.
        if (value.value != 0) one = Also(std::move(one), {Ask("capability", capability)});
        Add("setid", fmt::format("{}({})", call, value.value), {std::move(one)}, value);
      }
    }
  }

  void Limits() {
    std::vector<uint64_t> all;
    for (uint64_t resource = 0; resource < 16; ++resource) all.push_back(resource);
    for (const Value& resource : ValuesNear(domain_, "rlimit", "resource", all)) {
      const uint64_t lower = LowerLimit(resource.value);
      if (resource.value > 15) continue;
      Add("rlimit", fmt::format("rlimit {{ get }} {}", resource.value), {CallOf("getrlimit", {Number(resource.value), Page()}, Object{{{"resource", resource.value}}, {}})}, resource);
      if (lower != 0) Add("rlimit", fmt::format("rlimit {{ set }} {}", resource.value), {CallOf("prlimit64", {Number(0), Number(resource.value), Bytes(Le64(lower) + Le64(lower)), Number(0)}, Object{})}, resource);
    }
  }

  void NameSpaces() {
    for (const auto& [name, flag] : {std::pair<const char*, uint64_t>("user", 0x10000000), {"mount", 0x20000}, {"net", 0x40000000}, {"pid", 0x20000000}, {"ipc", 0x8000000}, {"uts", 0x4000000}, {"cgroup", 0x2000000}, {"time", 0x80}}) {
      Call call = CallOf("unshare", {Number(flag)}, Object{});
      if (std::string_view(name) != "user") call = Also(std::move(call), {Ask("capability", "sys_admin")});
      Add("namespace", fmt::format("namespace {{ {} }}", name), {std::move(call)});
    }
    const Object outside = {{}, {{"peer", "outside"}}};
    Call enter = Also(CallOf("setns", {ResultOf(0), Number(0x4000000)}, Object{}), {Ask("ptrace", "read", outside), Ask("capability", "sys_admin")});
    Add("namespace", "namespace { enter } of another process", {CallOf("pidfd_open", {PeerProcess(), Number(0)}), std::move(enter)}).peer = Peer::kOutside;
  }

  void Kernel() {
    Add("memory", "memory { exec } by mmap", {CallOf("mmap", {Number(0), Number(4096), Number(7), Number(0x22), Number(~uint64_t{0}), Number(0)}, Object{})});
    Add("memory", "memory { exec } by mprotect", {CallOf("mmap", {Number(0), Number(4096), Number(3), Number(0x22), Number(~uint64_t{0}), Number(0)}), CallOf("mprotect", {ResultOf(0), Number(4096), Number(5)}, Object{})});
    Add("module", "module { load }", {Also(CallOf("init_module", {Page(), Number(4096), Text("")}, Object{}), {Ask("capability", "sys_module")})});
    Add("module", "module { unload }", {Also(CallOf("delete_module", {Text("no-such-module"), Number(0)}, Object{}), {Ask("capability", "sys_module")})});
    Add("system", "system { hostname }", {Also(CallOf("sethostname", {Text("guest"), Number(5)}, Object{}), {Ask("capability", "sys_admin")})});
    Add("system", "system { time }", {Also(CallOf("settimeofday", {Number(0), Number(0)}, Object{}), {Ask("capability", "sys_time")})});
    Add("system", "system { acct }", {Also(CallOf("acct", {Number(0)}, Object{}), {Ask("capability", "sys_pacct")})});
    Add("system", "system { reboot }", {Also(CallOf("reboot", {Number(0), Number(0), Number(0), Number(0)}, Object{}), {Ask("capability", "sys_boot")})});
    Add("system", "system { kexec }", {Also(CallOf("kexec_load", {Number(0), Number(0), Number(0), Number(0)}, Object{}), {Ask("capability", "sys_boot")})});  // takes away what was loaded: nothing
    Add("system", "system { quota }", {CallOf("quotactl", {Number(0x80000100), Number(0), Number(0), Number(0)}, Object{})});  // Q_SYNC of every file system
    Add("system", "system { swap }", {Also(CallOf("swapon", {Number(0), Number(0)}, Object{}), {Ask("capability", "sys_admin")})});
    Add("system", "system { syslog }", {CallOf("syslog", {Number(10), Number(0), Number(0)}, Object{})});  // the size of the buffer
    Add("io_uring", "io_uring { use }", {CallOf("io_uring_setup", {Number(1), Page()}, Object{})});
    const std::string array = std::string("\2\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0", 16) + std::string(32, '\0');
    Add("bpf", "bpf { use } BPF_MAP_CREATE", {CallOf("bpf", {Number(0), Bytes(array), Number(48)}, Object{})});
    Add("bpf", "bpf { use } BPF_PROG_LOAD", {CallOf("bpf", {Number(5), Page(), Number(48)}, Object{})});
    // struct perf_event_attr: PERF_TYPE_SOFTWARE, 64 bytes, PERF_COUNT_SW_DUMMY; disabled, exclude_kernel, exclude_hv.
    const std::string dummy = std::string("\1\0\0\0\x40\0\0\0\x09", 9) + std::string(31, '\0') + "\x61" + std::string(23, '\0');
    Add("perf", "perf { open }", {CallOf("perf_event_open", {Bytes(dummy), Number(0), Number(~uint64_t{0}), Number(~uint64_t{0}), Number(0)}, Object{})});
    // To no profile's name: out of confinement.  The file is one's own below /proc, by whichever number.
    const std::string to = "unconfined";
    Call ask = CallOf("openat", {Number(static_cast<uint64_t>(-100)), Text("/proc/self/attr/current"), Number(1), Number(0)}, File("/proc/1000/attr/current", 0, true));
    Call change = Also(CallOf("write", {ResultOf(0), Text("changeprofile " + to), Number(14 + to.size())}), {Ask("domain", "change", {{}, {{"to", to}}})});
    Add("domain", "domain { change } to " + to, {std::move(ask), std::move(change)});
    for (const uint64_t value : {0, 8, 0x20000}) Add("personality", fmt::format("personality {:#x}", value), {CallOf("personality", {Number(value)}, Object{})});
  }

  void Communication() {
    for (const auto& [name, call, size] : {std::tuple<const char*, const char*, uint64_t>("sysv_shm", "shmget", 4096), {"sysv_sem", "semget", 1}}) {
      Add("ipc", fmt::format("ipc {{ {} }}", name), {CallOf(call, {Number(0), Number(size), Number(01600)}, Object{})});
    }
    Add("ipc", "ipc { sysv_msg }", {CallOf("msgget", {Number(0), Number(01600)}, Object{})});
    Add("ipc", "ipc { mqueue }", {CallOf("mq_open", {Text("ravelin"), Number(0102), Number(0600), Number(0)}, Object{})});
    Add("keyring", "keyring { use } KEYCTL_GET_KEYRING_ID", {CallOf("keyctl", {Number(0), Number(static_cast<uint64_t>(-2)), Number(1)}, Object{})});
    const Operand own = Number(static_cast<uint64_t>(-2));  // KEY_SPEC_PROCESS_KEYRING
    for (const auto& [name, command] : {std::pair<const char*, uint64_t>("SETPERM", 5), {"DESCRIBE", 6}, {"CLEAR", 7}, {"READ", 11}}) {
      const Operand last = command == 5 ? Number(0x3f3f0000) : Number(0);
      Add("keyring", fmt::format("keyring {{ use }} KEYCTL_{}", name), {CallOf("keyctl", {Number(0), own, Number(1)}, Object{}), CallOf("keyctl", {Number(command), own, last, Number(0)}, Object{})});
    }
    Add("keyring", "keyring { request }", {CallOf("request_key", {Text("user"), Text("ravelin"), Number(0), own}, Object{})});
    Add("keyring", "keyring { add }", {CallOf("add_key", {Text("user"), Text("ravelin"), Page(), Number(1), Number(static_cast<uint64_t>(-2))}, Object{})});
  }

  const ir::Domain& domain_;
  std::vector<Probe> probes_;
};

}  // namespace

std::vector<Value> ValuesNear(const ir::Domain& domain, std::string_view facet, const std::string& attribute, const std::vector<uint64_t>& always) {
  std::vector<Value> out;
  const auto add = [&](uint64_t value, std::optional<uint32_t> rule, bool inside) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Value& one) { return one.value == value; });
    if (!known) out.push_back({value, rule, inside});
  };
  const ir::FacetId id = ir::FacetOf(facet);
  for (const bool inside : {true, false}) {
    for (const ir::Rule& rule : domain.rules) {
      const auto at = rule.integers.find(attribute);
      if (rule.facet != id || rule.effect == ir::Effect::kNever || at == rule.integers.end()) continue;
      for (const ir::Interval& interval : at->second.intervals()) {
        const std::vector<uint64_t> values = inside ? std::vector<uint64_t>{interval.lo, interval.hi} : std::vector<uint64_t>{interval.lo - 1, interval.hi + 1};
        for (const uint64_t value : values) {
          if (at->second.Contains(value) == inside) add(value, rule.id, inside);
        }
      }
    }
  }
  for (const uint64_t value : always) add(value, std::nullopt, false);
  return out;
}

std::vector<Probe> SystemProbes(const ir::Domain& domain) { return Planner(domain).Run(); }

}  // namespace ravelin::probe
