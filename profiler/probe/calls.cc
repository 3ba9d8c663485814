// System calls by themselves: what a filter decides by their registers.
//
// They reach no object: descriptors and processes that are not there, addresses of nothing.  A condition's own values stand where it
// names them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/ir/grant.h"
#include "compiler/ir/satisfy.h"
#include "compiler/kernel/facts.h"
#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kNoFile = 999, kNoProcess = 0x3ffffff0, kGarbage = 0xdeadbeef00000000;
constexpr size_t kMostOfARule = 12;

// Registers for which a call ends at once and changes nothing that a later attempt needs.
const std::map<std::string, std::map<std::string, uint64_t>>& HarmlessValues() {
  static const std::map<std::string, std::map<std::string, uint64_t>> values = {
      {"select", {{"n", ~uint64_t{0}}}},     // of -1 descriptors
      {"pselect6", {{"n", ~uint64_t{0}}}},
      {"poll", {{"nfds", 0xffffffff}}},      // of more than there can be
      {"ppoll", {{"nfds", 0xffffffff}}},
      {"getrandom", {{"flags", 0xff00}}},    // no such flag
      {"seccomp", {{"op", 0xffff}}},
      {"prctl", {{"option", 0xffff}}},
  };
  return values;
}

uint64_t Harmless(const kernel::Syscall& call, const kernel::Param& param) {
  if (const auto of = HarmlessValues().find(call.name); of != HarmlessValues().end()) {
    if (const auto at = of->second.find(param.name); at != of->second.end()) return at->second;
  }
  const std::string& name = param.name;
  const auto ends = [&](const char* text) { return name.size() >= std::string_view(text).size() && name.compare(name.size() - std::string_view(text).size(), std::string::npos, text) == 0; };
  if (name == "pid" || name == "tgid" || name == "tid" || name == "upid") return kNoProcess;
  if (param.type == kernel::ArgType::kPtr) return 0;
  if (ends("fd") || name == "fildes" || name == "mqdes" || ends("qid") || name == "semid" || name == "shmid") return kNoFile;
  return 0;
}

// Those that end whoever makes them, wait for ever, or take the machine along, whatever their registers.
bool IsHarmful(const std::string& call) {
  static const std::set<std::string> all = {"exit_group", "pause", "vfork", "rt_sigreturn", "sync", "sched_setaffinity"};
  return all.count(call) != 0;
}
bool IsHarmful(const kernel::Syscall& call, const ir::Args& args) {
  const auto low = [&](size_t i) { return args[i] & 0xffffffff; };
  if (IsHarmful(call.name)) return true;
  if (call.name == "reboot") return low(0) == 0xfee1dead;
  if (call.name == "seccomp") return low(0) == 0;
  if (call.name == "prctl") return low(0) == 22;  // PR_SET_SECCOMP
  if (call.name == "exit") return low(0) != 0;
  if (call.name == "poll" || call.name == "ppoll") return low(1) < 100;
  if (call.name == "select" || call.name == "pselect6") return low(0) < 0x80000000;
  if (call.name == "getrandom") return (args[2] & 0xff00) == 0;
  if (call.name == "kill") return low(0) != kNoProcess;  // groups are somebody
  if (call.name == "munmap" || call.name == "mprotect" || call.name == "mremap" || call.name == "pkey_mprotect" || call.name == "madvise") return args[0] != 0;
  if (call.name == "brk") return args[0] != 0;
  if (call.name == "mmap") return args[0] != 0;
  return false;
}

void TestsOf(const ir::Predicate& predicate, std::vector<ir::ArgTest>& out) {
  if (predicate.kind() == ir::PredicateKind::kTest) out.push_back(predicate.test());
  for (const ir::Predicate& term : predicate.terms()) TestsOf(term, out);
}

class Planner {
 public:
  explicit Planner(const ir::Domain& domain) : domain_(domain) {}

  std::vector<Probe> Run() {
    OtherGates();
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.effect != ir::Effect::kNever) OfRule(rule);
    }
    for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
      for (const ir::ConditionalRow& row : ir::RowsOf(kernel::Arch::kX86_64, call)) {
        if (row.when.IsTrue()) continue;
        Inside(call, row.when, std::nullopt);
        Outside(call, row.when, std::nullopt);
      }
    }
    for (const bool asks : {true, false}) {  // those of the view table first
      for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
        if (asks != kernel::ViewRows(kernel::Arch::kX86_64, call.name).empty()) Add(call, Base(call, {}), std::nullopt, false);
      }
    }
    return std::move(probes_);
  }

 private:
  // The two other tables of calls that a process of x86_64 reaches.
  void OtherGates() {
    constexpr uint32_t kX32 = 0x40000000;
    Plain(CallOf32Bits("getpid"), "int 0x80: getpid()");
    Plain(BareCall(kX32 | kernel::FindSyscall(kernel::Arch::kX86_64, std::string_view("getpid"))->number, {}), "x32: getpid()");
  }
  void Plain(Call call, std::string shown) {
    Probe probe;
    probe.kind = "syscall";
    probe.bare = true;
    probe.calls = {std::move(call)};
    probe.shown = std::move(shown);
    probes_.push_back(std::move(probe));
  }

  void OfRule(const ir::Rule& rule) {
    count_ = 0;
    for (const ir::CallMatch& match : rule.calls) {
      const kernel::Syscall* call = match.arch == kernel::Arch::kX86_64 ? kernel::FindSyscall(match.arch, match.number) : nullptr;
      if (call != nullptr) Bounds(*call, match.when, rule.id);
    }
    if (kernel::Facets()[rule.facet].name == "syscall" || rule.integers.empty()) return;
    for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
      for (const ir::ConditionalRow& row : ir::RowsOf(kernel::Arch::kX86_64, call)) {
        const ir::Predicate granted = ir::GrantOf(call, row, rule);
        if (granted.IsFalse() || granted.IsTrue() || row.row->bindings.empty()) continue;
        Bounds(call, ir::Predicate::And({row.when, granted}), rule.id);
      }
    }
  }

  // Registers that the predicate names, of a solution; harmless ones in the rest.
  ir::Args Base(const kernel::Syscall& call, const std::vector<ir::ArgTest>& tests, const ir::Args& solution = {}) const {
    ir::Args args{};
    for (size_t i = 0; i < args.size(); ++i) {
      const bool named = std::any_of(tests.begin(), tests.end(), [&](const ir::ArgTest& test) { return test.arg == i; });
      args[i] = named ? solution[i] : i < call.params.size() ? Harmless(call, call.params[i]) : 0;
    }
    return args;
  }

  std::optional<ir::Args> Inside(const kernel::Syscall& call, const ir::Predicate& when, std::optional<uint32_t> rule) {
    const auto found = ir::FindArgs(when);
    if (!found) return std::nullopt;
    std::vector<ir::ArgTest> tests;
    TestsOf(when, tests);
    const ir::Args args = Base(call, tests, *found);
    Add(call, args, rule, true);
    return args;
  }

  void Outside(const kernel::Syscall& call, const ir::Predicate& when, std::optional<uint32_t> rule) {
    const auto found = ir::FindArgs(ir::Predicate::Not(when));
    if (!found) return;
    std::vector<ir::ArgTest> tests;
    TestsOf(when, tests);
    Add(call, Base(call, tests, *found), rule, false);
  }

  // From a solution, each register in turn at the bounds of its tests.
  void Bounds(const kernel::Syscall& call, const ir::Predicate& when, uint32_t rule) {
    const auto base = Inside(call, when, rule);
    if (!base) return;
    Outside(call, when, rule);
    std::vector<ir::ArgTest> tests;
    TestsOf(when, tests);
    for (const ir::ArgTest& test : tests) {
      std::set<uint64_t> values;
      for (const ir::Interval& interval : test.values.intervals()) {
        if (values.size() > 8) break;
        for (const uint64_t value : {interval.lo, interval.hi, interval.lo - 1, interval.hi + 1}) values.insert(value & test.mask);
      }
      const auto put = [&](uint64_t value) {
        ir::Args args = *base;
        args[test.arg] = value;
        Add(call, args, rule, when.Holds(args));
      };
      for (const uint64_t value : values) put(((*base)[test.arg] & ~test.mask & (test.bits == 64 ? ~uint64_t{0} : 0xffffffff)) | value);
      put((*base)[test.arg] ^ kGarbage);  // which counts where the kernel reads all of it
      const uint64_t unread = ~test.mask & 0xffffffff;
      if (unread != 0) put((*base)[test.arg] ^ (unread & -unread));  // a bit that is not looked at
    }
  }

  void Add(const kernel::Syscall& call, const ir::Args& args, std::optional<uint32_t> rule, bool inside) {
    if (call.number >= 512 || IsHarmful(call, args) || !done_.insert({call.number, args}).second) return;
    if (rule && ++count_ > kMostOfARule) return;
    Probe probe;
    probe.kind = "syscall";
    probe.bare = true;
    probe.calls = {BareCall(call.number, args)};
    probe.rule = rule;
    probe.inside = inside;
    std::string shown;
    for (size_t i = 0; i < call.params.size() && i < args.size(); ++i) shown += (i == 0 ? "" : ", ") + (args[i] < 4096 ? fmt::format("{}", args[i]) : fmt::format("{:#x}", args[i]));
    probe.shown = fmt::format("{}({})", call.name, shown);
    probes_.push_back(std::move(probe));
  }

  const ir::Domain& domain_;
  std::set<std::pair<uint32_t, ir::Args>> done_;
  size_t count_ = 0;
  std::vector<Probe> probes_;
};

}  // namespace

std::vector<Probe> CallProbes(const ir::Domain& domain) { return Planner(domain).Run(); }

}  // namespace ravelin::probe
