#include "tests/support/random_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/kernel/view.h"

namespace ravelin::testing {
namespace {

using kernel::Arch;
using kernel::ArgType;

class Maker {
 public:
  explicit Maker(std::mt19937_64& random) : random_(random) {}

  RandomPolicy Run() {
    RandomPolicy out;
    out.arch = kernel::kFilterArches[Below(3) == 0 ? Below(kernel::kFilterArches.size()) : 0];
    arch_ = out.arch;
    both_ = arch_ == Arch::kX86_64 && Below(4) == 0;
    std::string body = fmt::format("  architectures {{ {}{} }}\n", kernel::ArchName(arch_), both_ ? ", i386" : "");
    body += Below(8) == 0 ? "  default allow syscall\n" : fmt::format("  default deny syscall with {}\n", Pick<std::string>({"errno(EPERM)", "errno(ENOSYS)", "kill process", "trap", "kill thread"}));
    if (Below(4) == 0) body += "  unknown syscall with errno(ENOSYS)\n";
    if (Below(6) == 0) body += "  foreign architecture with errno(ENOSYS)\n";
    const size_t syscall_rules = 1 + Below(6);
    const auto calls = SomeCalls();
    for (size_t i = 0; i < syscall_rules; ++i) body += SyscallRule(calls);
    out.kinds.insert("syscall");
    const size_t facet_rules = 2 + Below(3);
    std::set<std::string> defaults;
    for (size_t i = 0; i < facet_rules; ++i) {
      const std::string facet = Pick(kFacets);
      out.kinds.insert(facet);
      if (defaults.insert(facet).second) body += fmt::format("  default {} {}\n", Below(5) == 0 ? "allow" : "deny", facet);
      body += FacetRule(facet);
    }
    out.text = "language 1\npolicy random {\n  layers { seccomp + apparmor }\n" + body + "}\n";
    return out;
  }

 private:
  const std::vector<std::string> kFacets = {"file", "exec", "memory", "network", "setid", "signal", "ptrace", "mount", "namespace", "bpf", "perf", "io_uring", "keyring", "module", "system", "personality", "ipc", "rlimit"};

  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  template <typename T>
  T Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  static bool SameParameters(const kernel::Syscall& a, const kernel::Syscall& b) {
    return a.params.size() == b.params.size() && std::equal(a.params.begin(), a.params.end(), b.params.begin(), [](const auto& x, const auto& y) { return x.name == y.name && (x.type == ArgType::kPtr) == (y.type == ArgType::kPtr) && y.type != ArgType::kU16; });
  }

  std::vector<const kernel::Syscall*> SomeCalls() {
    std::vector<const kernel::Syscall*> all;
    for (const kernel::Syscall& call : kernel::Syscalls(arch_)) {
      const bool tests = std::any_of(call.params.begin(), call.params.end(), [](const auto& p) { return p.type != ArgType::kPtr; });
      const kernel::Syscall* other = both_ ? kernel::FindSyscall(Arch::kI386, call.name) : nullptr;
      if (both_ && (other == nullptr || !SameParameters(call, *other))) continue;
      if (tests && call.signature_known && !ir::IsX32Number(arch_, call.number)) all.push_back(&call);
    }
    std::vector<const kernel::Syscall*> out;
    for (size_t i = 0; i < 1 + Below(3); ++i) out.push_back(Pick(all));
    return out;
  }

  uint64_t Value(int bits) {
    static const std::vector<uint64_t> kEdges = {0, 1, 2, 3, 7, 8, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000, 0xffffffffffffffff};
    uint64_t value = Below(2) == 0 ? Pick(kEdges) : Below(2) == 0 ? Below(64) : random_() >> Below(60);
    if (bits < 64) value &= (uint64_t{1} << bits) - 1;
    if (both_) value &= 0x7fffffff;  // what fits the parameter on either architecture
    return value;
  }

  static int Width(ArgType type) { return type == ArgType::kU16 ? 16 : type == ArgType::kI32 || type == ArgType::kU32 ? 32 : 64; }

  // A constant that the order of the parameter's type has room for.
  std::string Constant(const kernel::Param& param, bool wide) {
    const int bits = wide ? 64 : Width(param.type);
    const uint64_t value = Value(bits);
    const bool is_signed = !wide && (param.type == ArgType::kI32 || param.type == ArgType::kI64);
    if (is_signed && (value >> (bits - 1) & 1) != 0) {
      const uint64_t magnitude = bits == 64 ? ~value + 1 : ((uint64_t{1} << bits) - value);
      return fmt::format("-{}", magnitude);
    }
    return Below(2) == 0 ? fmt::format("{:#x}", value) : fmt::format("{}", value);
  }

  std::string Test(const kernel::Syscall& call) {
    std::vector<size_t> usable;
    for (size_t i = 0; i < call.params.size(); ++i) {
      if (call.params[i].type != ArgType::kPtr) usable.push_back(i);
    }
    const size_t index = Pick(usable);
    const kernel::Param& param = call.params[index];
    const bool wide = Below(8) == 0;
    std::string operand = Below(6) == 0 ? fmt::format("argument({})", index) : param.name;
    if (wide) operand = fmt::format("wide({})", operand);
    switch (Below(4)) {
      case 0: return fmt::format("{} & {:#x} {} {:#x}", operand, Value(wide ? 64 : Width(param.type)) | 1, Below(2) == 0 ? "==" : "!=", Below(2));
      case 1: {
        std::string set;
        for (size_t i = 0; i < 1 + Below(5); ++i) set += (set.empty() ? "" : ", ") + Constant(param, wide);
        return fmt::format("{} in {{ {} }}", operand, set);
      }
      default: return fmt::format("{} {} {}", operand, Pick<std::string>({"==", "!=", "<", "<=", ">", ">="}), Constant(param, wide));
    }
  }

  std::string Condition(const kernel::Syscall& call, int depth) {
    const size_t shape = depth == 0 ? 0 : Below(5);
    if (shape == 1) return fmt::format("({} && {})", Condition(call, depth - 1), Condition(call, depth - 1));
    if (shape == 2) return fmt::format("({} || {})", Condition(call, depth - 1), Condition(call, depth - 1));
    if (shape == 3) return fmt::format("!({})", Condition(call, depth - 1));
    return Test(call);
  }

  std::string SyscallRule(const std::vector<const kernel::Syscall*>& calls) {
    const kernel::Syscall& call = *Pick(calls);
    std::string what = call.name;
    if (Below(6) != 0) {
      what += "(";
      for (size_t i = 0; i < 1 + Below(2); ++i) what += (i == 0 ? "" : ", ") + Condition(call, 3);
      what += ")";
    }
    switch (Below(8)) {
      case 0: return fmt::format("  deny syscall {}\n", what);
      case 1: return fmt::format("  audit syscall {}\n", what);
      case 2: return fmt::format("  complain syscall {}\n", what);
      case 3: return fmt::format("  allow syscall {} with log\n", what);
      case 4: return fmt::format("  deny syscall {} with {}\n", what, Pick<std::string>({"kill process", "trap(7)", "notify", "trace(9)"}));
      default: return fmt::format("  allow syscall {}\n", what);
    }
  }

  std::string Numbers(std::initializer_list<uint64_t> usual) {
    std::string out;
    const std::vector<uint64_t> from(usual);
    for (size_t i = 0; i < 1 + Below(3); ++i) out += (out.empty() ? "" : ", ") + std::to_string(Pick(from));
    return out;
  }

  std::string FacetRule(const std::string& facet) {
    const kernel::FacetInfo& info = *kernel::FindFacet(facet);
    std::string operations;
    for (size_t i = 0; i < 1 + Below(3); ++i) operations += (operations.empty() ? "" : ", ") + info.operations[Below(info.operations.size())];
    std::string text = facet == "exec" || info.operations.size() == 1 ? facet : fmt::format("{} {{ {} }}", facet, operations);
    if (facet == "exec") text += Below(2) == 0 ? " \"/usr/bin/*\"" : " \"/**\"";
    if (facet == "file" && Below(2) == 0) text += " on path(\"/srv/**\")";
    if (facet == "file" && operations == "ioctl" && Below(2) == 0) text += fmt::format(" command {{ {} }}", Numbers({0x5401, 0x5413, 0x541b, 21505, 0xffffffff}));
    if (facet == "network") {
      if (Below(2) == 0) text += fmt::format(" family {}", Numbers({1, 2, 10, 16, 38, 40}));
      if (Below(3) == 0) text += fmt::format(" type {}", Numbers({1, 2, 3, 5}));
      if (Below(4) == 0) text += fmt::format(" protocol {}", Numbers({0, 6, 9, 17}));
      if (Below(4) == 0) text += fmt::format(" port {}", Numbers({53, 80, 443}));
    }
    if (facet == "setid" && Below(2) == 0) text += fmt::format(" to {}", Numbers({0, 33, 1000, 65534, 0xffffffff}));
    if (facet == "signal" && Below(2) == 0) text += fmt::format(" set {}", Numbers({0, 1, 9, 15, 31}));
    if (facet == "signal" && Below(2) == 0) text += " peer outside";
    if (facet == "ptrace" && Below(2) == 0) text += fmt::format(" request {}", Numbers({0, 3, 16, 0x4200, 0x4206}));
    if (facet == "mount" && Below(2) == 0) text += fmt::format(" flags {}", Numbers({0, 1, 0x1000, 0x1001, 0x20}));
    if ((facet == "bpf" || facet == "keyring") && Below(2) == 0) text += fmt::format(" command {}", Numbers({0, 1, 5, 8, 15}));
    if (facet == "personality" && Below(2) == 0) text += fmt::format(" to {}", Numbers({0, 8, 0x20000, 0xffffffff}));
    if (facet == "rlimit" && Below(2) == 0) text += fmt::format(" resource {}", Numbers({0, 3, 7, 13}));
    switch (Below(8)) {
      case 0: return fmt::format("  deny {}\n", text);
      case 1: return fmt::format("  audit {}\n", text);
      case 2: return fmt::format("  complain {}\n", text);
      case 3: return fmt::format("  narrow {}\n", text);
      default: return fmt::format("  allow {}\n", text);
    }
  }

  std::mt19937_64& random_;
  Arch arch_ = Arch::kX86_64;
  bool both_ = false;
};

void CollectValues(const ir::Predicate& p, std::vector<std::vector<uint64_t>>& values) {
  if (p.kind() == ir::PredicateKind::kTest) {
    auto& of = values[p.test().arg];
    for (const ir::Interval& i : p.test().values.intervals()) {
      for (const uint64_t v : {i.lo - 1, i.lo, i.lo + 1, i.hi - 1, i.hi, i.hi + 1}) of.push_back(v);
    }
    of.push_back(p.test().mask);
    of.push_back(~p.test().mask);
    for (uint64_t rest = p.test().mask; rest != 0; rest &= rest - 1) of.push_back(rest & -rest);
  }
  for (const ir::Predicate& term : p.terms()) CollectValues(term, values);
}

}  // namespace

RandomPolicy MakePolicy(std::mt19937_64& random) { return Maker(random).Run(); }

std::vector<ir::Event> MakeEvents(const ir::Domain& domain, size_t count, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  std::vector<std::pair<Arch, uint32_t>> interesting;
  std::map<std::pair<Arch, uint32_t>, std::vector<std::vector<uint64_t>>> values;
  for (const ir::Rule& rule : domain.rules) {
    for (const ir::CallMatch& match : rule.calls) {
      auto& of = values.try_emplace({match.arch, match.number}, std::vector<std::vector<uint64_t>>(6)).first->second;
      CollectValues(match.when, of);
      interesting.emplace_back(match.arch, match.number);
    }
    const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
    for (const Arch arch : domain.architectures) {
      for (size_t i = 0; i < facet.operations.size(); ++i) {
        if ((rule.operations >> i & 1) == 0 || facet.name == "syscall") continue;
        for (const std::string& name : kernel::CallsFor(arch, facet.name, facet.operations[i])) {
          const kernel::Syscall* call = kernel::FindSyscall(arch, name);
          auto& of = values.try_emplace({arch, call->number}, std::vector<std::vector<uint64_t>>(6)).first->second;
          for (const kernel::ViewRow& row : kernel::ViewRows(arch, name)) {
            for (size_t p = 0; p < call->params.size(); ++p) {
              for (const kernel::RowTest& test : row.when) {
                if (test.param != call->params[p].name) continue;
                of[p].insert(of[p].end(), {test.value, test.mask, test.value ^ (test.mask & -test.mask), test.value | ~test.mask});
              }
              for (const kernel::Binding& binding : row.bindings) {
                if (binding.param != call->params[p].name) continue;
                for (const auto& [attribute, set] : rule.integers) {
                  for (const ir::Interval& interval : set.intervals()) of[p].insert(of[p].end(), {interval.lo, interval.hi, interval.hi + 1, interval.lo | ~binding.mask});
                }
              }
            }
          }
          interesting.emplace_back(arch, call->number);
        }
      }
    }
  }
  std::vector<ir::Event> events;
  for (size_t i = 0; i < count; ++i) {
    ir::Event event;
    Arch arch = domain.architectures[below(domain.architectures.size())];
    const auto all = kernel::Syscalls(arch);
    event.number = all[below(all.size())].number;
    if (!interesting.empty() && below(8) != 0) std::tie(arch, event.number) = interesting[below(interesting.size())];
    if (below(40) == 0) event.number = static_cast<uint32_t>(random() >> below(40));
    if (below(60) == 0) event.number |= 0x40000000;
    event.audit_arch = below(60) == 0 ? static_cast<uint32_t>(random()) : kernel::AuditArch(arch);
    event.instruction_pointer = random();
    const auto known = values.find({arch, event.number});
    for (size_t a = 0; a < event.args.size(); ++a) {
      uint64_t value = below(3) == 0 ? random() >> below(64) : below(16);
      if (known != values.end() && !known->second[a].empty() && below(6) != 0) {
        value = known->second[a][below(known->second[a].size())];
        if (below(4) == 0) value |= known->second[a][below(known->second[a].size())];
      }
      if (below(6) == 0) value |= random() << 32;  // what a caller may leave in the half that the kernel does not read
      event.args[a] = value;
    }
    events.push_back(event);
  }
  return events;
}

}  // namespace ravelin::testing
