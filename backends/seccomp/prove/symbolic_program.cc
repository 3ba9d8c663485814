#include <fmt/format.h>
#include <linux/filter.h>

#include <array>
#include <map>

#include "backends/seccomp/prove/symbolic.h"

namespace ravelin::seccomp {
namespace {

using ir::Diagrams;
using ir::IntervalSet;

// What a register holds: a constant, or a word of the input under a mask.
struct Value {
  bool constant = true;
  uint32_t k = 0;       // the constant, or the word's offset
  uint32_t mask = 0xffffffff;
  auto operator<=>(const Value&) const = default;
};
struct State {
  size_t pc = 0;
  Value a, x;
  std::map<uint32_t, Value> memory;
  auto operator<=>(const State&) const = default;
};

// The kernel's reading of a return value: an unknown action kills the process, an errno is at most 4095.
uint32_t Normal(uint32_t value) {
  auto action = ir::FromSeccompReturn(value);
  if (!action) return 0x80000000u;
  if (action->kind == ir::ActionKind::kErrno && action->data > 4095) action->data = 4095;
  return ir::ToSeccompReturn(*action);
}

class Executor {
 public:
  Executor(const Program& program, bool big_endian, std::optional<uint32_t> arch, Diagrams& d) : program_(program), big_endian_(big_endian), arch_(arch), d_(d) {}

  std::optional<Diagrams::Node> Run(State s, int depth) {
    if (depth > 5000) return Give(s.pc, "branches are nested too deep");
    std::vector<State> on_the_way;
    std::optional<Diagrams::Node> result;
    while (!result) {
      const auto known = memo_.find(s);
      if (known != memo_.end()) {
        result = known->second;
        break;
      }
      if (memo_.size() > 1'000'000) return Give(s.pc, "too many states");
      on_the_way.push_back(s);
      const Instruction& i = program_[s.pc];
      const bool from_x = BPF_SRC(i.code) == BPF_X;
      const Value operand = from_x ? s.x : Value{true, i.k, 0xffffffff};
      switch (BPF_CLASS(i.code)) {
        case BPF_RET:
          if (BPF_RVAL(i.code) == BPF_A && !s.a.constant) return Give(s.pc, "the returned value depends on the input");
          result = d_.Terminal(Normal(BPF_RVAL(i.code) == BPF_A ? s.a.k : i.k));
          continue;
        case BPF_LD: s.a = Load(i, s); break;
        case BPF_LDX: s.x = BPF_MODE(i.code) == BPF_MEM ? s.memory[i.k] : Value{true, BPF_MODE(i.code) == BPF_LEN ? 64u : i.k, 0xffffffff}; break;
        case BPF_ST: s.memory[i.k] = s.a; break;
        case BPF_STX: s.memory[i.k] = s.x; break;
        case BPF_MISC:
          if (BPF_MISCOP(i.code) == BPF_TAX) s.x = s.a; else s.a = s.x;
          break;
        case BPF_ALU:
          if (!Arithmetic(i, operand, s)) return Give(s.pc, "arithmetic on the input");
          break;
        case BPF_JMP: {
          if (BPF_OP(i.code) == BPF_JA) {
            s.pc += i.k;
            break;
          }
          if (!operand.constant) return Give(s.pc, "a comparison of two words of the input");
          if (s.a.constant) {
            s.pc += Compare(i, s.a.k, operand.k) ? i.jt : i.jf;
            break;
          }
          State yes = s;
          State no = s;
          yes.pc += 1u + i.jt;
          no.pc += 1u + i.jf;
          const auto when_yes = Run(std::move(yes), depth + 1);
          const auto when_no = when_yes ? Run(std::move(no), depth + 1) : std::nullopt;
          if (!when_no) return std::nullopt;
          result = d_.Choose(Condition(i, s.a, operand.k), *when_yes, *when_no);
          continue;
        }
        default: return Give(s.pc, "an opcode that is not understood");
      }
      ++s.pc;
    }
    for (State& state : on_the_way) memo_.emplace(std::move(state), *result);
    return result;
  }
  const std::string& why() const { return why_; }

 private:
  std::optional<Diagrams::Node> Give(size_t pc, std::string_view what) {
    if (why_.empty()) why_ = fmt::format("instruction {}: {}", pc, what);
    return std::nullopt;
  }

  Value Load(const Instruction& i, State& s) const {
    if (BPF_MODE(i.code) == BPF_MEM) return s.memory[i.k];
    if (BPF_MODE(i.code) != BPF_ABS) return {true, BPF_MODE(i.code) == BPF_LEN ? 64u : i.k, 0xffffffff};
    if (i.k == kOffsetArch && arch_) return {true, *arch_, 0xffffffff};
    return {false, i.k, 0xffffffff};
  }

  static bool Arithmetic(const Instruction& i, const Value& operand, State& s) {
    if (!operand.constant) return false;
    const int op = BPF_OP(i.code);
    if (!s.a.constant) {
      if (op != BPF_AND) return false;
      s.a.mask &= operand.k;
      return true;
    }
    switch (op) {
      case BPF_AND: s.a.k &= operand.k; return true;
      case BPF_OR: s.a.k |= operand.k; return true;
      case BPF_XOR: s.a.k ^= operand.k; return true;
      case BPF_ADD: s.a.k += operand.k; return true;
      case BPF_SUB: s.a.k -= operand.k; return true;
      default: return false;
    }
  }

  static bool Compare(const Instruction& i, uint32_t a, uint32_t k) {
    switch (BPF_OP(i.code)) {
      case BPF_JEQ: return a == k;
      case BPF_JGE: return a >= k;
      case BPF_JGT: return a > k;
      default: return (a & k) != 0;
    }
  }

  Diagrams::Node Condition(const Instruction& i, const Value& a, uint32_t k) {
    uint16_t base = Diagrams::kNumber;
    if (a.k == kOffsetArch) base = Diagrams::kArch;
    if (a.k >= kOffsetIp) {
      const uint16_t field = a.k < kOffsetArgs ? Diagrams::kIp : Diagrams::ArgBase(static_cast<int>((a.k - kOffsetArgs) / 8));
      const bool high = (a.k % 8 == 4) != big_endian_;
      base = static_cast<uint16_t>(field + (high ? 0 : 32));
    }
    const uint64_t most = 0xffffffff;
    switch (BPF_OP(i.code)) {
      case BPF_JEQ: return d_.MaskedIn(base, 32, a.mask, IntervalSet::Single(k));
      case BPF_JGE: return d_.MaskedIn(base, 32, a.mask, IntervalSet::Range(k, most));
      case BPF_JGT: return d_.MaskedIn(base, 32, a.mask, IntervalSet::Range(uint64_t{k} + 1, most));
      default: return d_.MaskedIn(base, 32, a.mask & k, IntervalSet::Range(1, most));
    }
  }

  const Program& program_;
  bool big_endian_;
  std::optional<uint32_t> arch_;
  Diagrams& d_;
  std::map<State, Diagrams::Node> memo_;
  std::string why_;
};

}  // namespace

Result<Diagrams::Node> SymbolicProgram(const Program& program, bool big_endian, std::optional<uint32_t> arch, Diagrams& diagrams) {
  if (auto checked = CheckProgram(program); !checked) return tl::make_unexpected(std::move(checked.error()).In("the program is not valid"));
  Executor executor(program, big_endian, arch, diagrams);
  const auto node = executor.Run(State{}, 0);
  if (!node) return Fail(ErrorCode::kUnsupported, executor.why());
  return *node;
}

}  // namespace ravelin::seccomp
