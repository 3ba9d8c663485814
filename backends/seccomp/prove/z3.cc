// The second opinion: the same question put to Z3, the program encoded anew as bit-vector terms.
#include "backends/seccomp/prove/prove.h"
#include "backends/seccomp/prove/symbolic.h"

#ifdef RAVELIN_WITH_Z3
#include <fmt/format.h>
#include <linux/filter.h>
#include <z3++.h>

#include <map>
#endif

namespace ravelin::seccomp {

#ifdef RAVELIN_WITH_Z3
namespace {

constexpr unsigned kTimeoutMilliseconds = 120'000;

// The input of a filter as Z3 constants.
struct Input {
  explicit Input(z3::context& c) : arch(c.bv_const("arch", 32)), number(c.bv_const("nr", 32)), ip(c.bv_const("ip", 64)) {
    for (int i = 0; i < 6; ++i) args.push_back(c.bv_const(fmt::format("arg{}", i).c_str(), 64));
  }
  z3::expr arch;
  z3::expr number;
  z3::expr ip;
  std::vector<z3::expr> args;
};

class Z3Logic : public Logic {
 public:
  Z3Logic(z3::context& context, const Input& input) : context_(context), input_(input) {}
  Term Bool(bool value) override { return Add(context_.bool_val(value)); }
  Term Answer(uint32_t value) override { return Add(context_.bv_val(value, 32)); }
  Term Choose(Term condition, Term yes, Term no) override {
    const z3::expr& c = terms_[condition];
    if (c.is_true() || yes == no) return yes;
    if (c.is_false()) return no;
    return Add(z3::ite(c, terms_[yes], terms_[no]).simplify());
  }
  Term MaskedIn(int arg, int bits, uint64_t mask, const ir::IntervalSet& set) override {
    const auto width = static_cast<unsigned>(bits);
    const z3::expr word = input_.args[static_cast<size_t>(arg)].extract(width - 1, 0) & context_.bv_val(mask, width);
    z3::expr in = context_.bool_val(false);
    const uint64_t most = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    for (const ir::Interval& i : set.intervals()) {
      if (i.lo > most) break;
      in = in || (z3::uge(word, context_.bv_val(i.lo, width)) && z3::ule(word, context_.bv_val(std::min(i.hi, most), width)));
    }
    return Add(in.simplify());
  }
  Term ByNumber(const std::vector<NumberRange>& ranges) override {
    z3::expr out = terms_[ranges.back().term];
    for (auto it = ranges.rbegin() + 1; it != ranges.rend(); ++it) out = z3::ite(z3::ule(input_.number, context_.bv_val(static_cast<unsigned>(it->hi), 32)), terms_[it->term], out);
    return Add(out);
  }
  const z3::expr& at(Term term) const { return terms_[term]; }

 private:
  Term Add(z3::expr term) {
    terms_.push_back(std::move(term));
    return static_cast<Term>(terms_.size() - 1);
  }
  z3::context& context_;
  const Input& input_;
  std::vector<z3::expr> terms_;
};

// The program from an instruction on, for a value of the accumulator, by the instruction set of seccomp (kernel/seccomp.c:
// seccomp_check_filter).  X and the scratch memory are followed too.
class ProgramTerms {
 public:
  ProgramTerms(z3::context& context, const Input& input, const Program& program, bool big_endian) : c_(context), input_(input), program_(program), big_endian_(big_endian) {}

  z3::expr Value() { return From(0, {c_.bv_val(0, 32), c_.bv_val(0, 32), {}}); }

 private:
  struct State {
    z3::expr a;
    z3::expr x;
    std::map<uint32_t, z3::expr> memory;
  };

  z3::expr Load(uint32_t offset) {
    if (offset == kOffsetNumber) return input_.number;
    if (offset == kOffsetArch) return input_.arch;
    const z3::expr& field = offset < kOffsetArgs ? input_.ip : input_.args[(offset - kOffsetArgs) / 8];
    const bool second = offset % 8 != 0;
    return second == big_endian_ ? field.extract(31, 0) : field.extract(63, 32);
  }

  z3::expr Alu(uint16_t operation, const z3::expr& a, const z3::expr& b) {
    const z3::expr zero = c_.bv_val(0, 32);
    switch (operation) {
      case BPF_ADD: return a + b;
      case BPF_SUB: return a - b;
      case BPF_MUL: return a * b;
      case BPF_DIV: return z3::ite(b == zero, zero, z3::udiv(a, b));
      case BPF_AND: return a & b;
      case BPF_OR: return a | b;
      case BPF_XOR: return a ^ b;
      case BPF_LSH: return z3::shl(a, b & c_.bv_val(31, 32));
      case BPF_RSH: return z3::lshr(a, b & c_.bv_val(31, 32));
      case BPF_NEG: return -a;
      default: return zero;
    }
  }

  z3::expr From(uint32_t pc, State state) {
    std::string key = fmt::format("{}:{}:{}", pc, Z3_get_ast_id(c_, state.a), Z3_get_ast_id(c_, state.x));
    for (const auto& [slot, value] : state.memory) key += fmt::format(":{}={}", slot, Z3_get_ast_id(c_, value));
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    const z3::expr out = Step(pc, std::move(state));
    known_.emplace(std::move(key), out);
    return out;
  }

  z3::expr Step(uint32_t pc, State state) {
    const Instruction& i = program_[pc];
    const z3::expr k = c_.bv_val(i.k, 32);
    const z3::expr zero = c_.bv_val(0, 32);
    const bool from_x = BPF_SRC(i.code) == BPF_X;
    const auto memory = [&] {
      const auto at = state.memory.find(i.k);
      return at == state.memory.end() ? zero : at->second;
    };
    switch (BPF_CLASS(i.code)) {
      case BPF_LD:
        state.a = BPF_MODE(i.code) == BPF_ABS ? Load(i.k) : BPF_MODE(i.code) == BPF_MEM ? memory() : BPF_MODE(i.code) == BPF_LEN ? c_.bv_val(64, 32) : k;
        break;
      case BPF_LDX: state.x = BPF_MODE(i.code) == BPF_MEM ? memory() : BPF_MODE(i.code) == BPF_LEN ? c_.bv_val(64, 32) : k; break;
      case BPF_ST: state.memory.insert_or_assign(i.k, state.a); break;
      case BPF_STX: state.memory.insert_or_assign(i.k, state.x); break;
      case BPF_ALU: state.a = Alu(BPF_OP(i.code), state.a, from_x ? state.x : k).simplify(); break;
      case BPF_MISC: BPF_MISCOP(i.code) == BPF_TAX ? state.x = state.a : state.a = state.x; break;
      case BPF_RET: return BPF_RVAL(i.code) == BPF_A ? state.a : k;
      case BPF_JMP: {
        if (BPF_OP(i.code) == BPF_JA) return From(pc + 1 + i.k, std::move(state));
        const z3::expr right = from_x ? state.x : k;
        z3::expr condition = state.a == right;
        if (BPF_OP(i.code) == BPF_JGT) condition = z3::ugt(state.a, right);
        if (BPF_OP(i.code) == BPF_JGE) condition = z3::uge(state.a, right);
        if (BPF_OP(i.code) == BPF_JSET) condition = (state.a & right) != zero;
        return z3::ite(condition, From(pc + 1 + i.jt, state), From(pc + 1 + i.jf, state));
      }
      default: break;
    }
    return From(pc + 1, std::move(state));
  }

  z3::context& c_;
  const Input& input_;
  const Program& program_;
  bool big_endian_;
  std::map<std::string, z3::expr> known_;
};

uint64_t ValueOf(const z3::model& model, const z3::expr& term) { return model.eval(term, true).get_numeral_uint64(); }

// Equal wherever `where` holds?
ProofResult Ask(z3::context& context, const Input& input, const z3::expr& where, const z3::expr& policy, const z3::expr& program) {
  z3::solver solver(context, "QF_BV");
  z3::params parameters(context);
  parameters.set("timeout", kTimeoutMilliseconds);
  solver.set(parameters);
  solver.add(where && policy != program);
  ProofResult result;
  switch (solver.check()) {
    case z3::unsat: result.proved = true; break;
    case z3::unknown: result.why_not = "Z3 gives up: " + solver.reason_unknown(); break;
    case z3::sat: {
      const z3::model model = solver.get_model();
      Counterexample c;
      c.event.audit_arch = static_cast<uint32_t>(ValueOf(model, input.arch));
      c.event.number = static_cast<uint32_t>(ValueOf(model, input.number));
      c.event.instruction_pointer = ValueOf(model, input.ip);
      for (size_t i = 0; i < 6; ++i) c.event.args[i] = ValueOf(model, input.args[i]);
      c.expected = ir::FromSeccompReturn(static_cast<uint32_t>(ValueOf(model, policy))).value_or(ir::Action{});
      c.actual = static_cast<uint32_t>(ValueOf(model, program));
      result.counterexample = c;
    }
  }
  return result;
}

// An action as the kernel takes it: data only where the action carries some, unknown actions as kill process.
z3::expr Normalize(z3::context& c, const z3::expr& value) {
  const z3::expr action = value & c.bv_val(0xffff0000u, 32);
  z3::expr out = c.bv_val(0x80000000u, 32);
  for (const uint32_t plain : {0x00000000u, 0x7fc00000u, 0x7ffc0000u, 0x7fff0000u}) out = z3::ite(action == c.bv_val(plain, 32), c.bv_val(plain, 32), out);
  for (const uint32_t with_data : {0x00030000u, 0x00050000u, 0x7ff00000u}) out = z3::ite(action == c.bv_val(with_data, 32), value, out);
  return out;
}

}  // namespace

ProofResult ProveWithZ3(const ir::Domain& domain, const Program& program, bool big_endian) {
  ProofResult result;
  if (const auto valid = CheckProgram(program); !valid) {
    result.why_not = "program is not valid: " + valid.error().message;
    return result;
  }
  try {
    z3::context context;
    const Input input(context);
    const z3::expr actual = Normalize(context, ProgramTerms(context, input, program, big_endian).Value());
    z3::expr foreign = context.bool_val(true);
    for (const kernel::Arch arch : domain.architectures) {
      Z3Logic logic(context, input);
      const z3::expr here = input.arch == context.bv_val(kernel::AuditArch(arch), 32);
      const z3::expr policy = logic.at(SymbolicPolicy(domain, arch, logic));
      result = Ask(context, input, here, policy, actual);
      if (!result.proved) return result;
      foreign = foreign && !here;
    }
    return Ask(context, input, foreign, context.bv_val(ir::ToSeccompReturn(domain.foreign.action), 32), actual);
  } catch (const z3::exception& error) {
    result = {};
    result.why_not = std::string("Z3 fails: ") + error.msg();
    return result;
  }
}

#else

ProofResult ProveWithZ3(const ir::Domain&, const Program&, bool) {
  ProofResult result;
  result.why_not = "this build has no Z3";
  return result;
}

#endif

}  // namespace ravelin::seccomp
