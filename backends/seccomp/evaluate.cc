// Running a filter, as the kernel's interpreter does, and its cache of constant allows.
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "backends/seccomp/program.h"
#include "compiler/base/check.h"

namespace ravelin::seccomp {
namespace {

uint32_t Word(const ir::Event& event, bool big_endian, uint32_t offset) {
  if (offset == kOffsetNumber) return event.number;
  if (offset == kOffsetArch) return event.audit_arch;
  const uint64_t value = offset < kOffsetArgs ? event.instruction_pointer : event.args[(offset - kOffsetArgs) / 8];
  const bool high = (offset % 8 == 4) != big_endian;
  return static_cast<uint32_t>(high ? value >> 32 : value);
}

uint32_t Alu(int op, uint32_t a, uint32_t b) {
  switch (op) {
    case BPF_ADD: return a + b;
    case BPF_SUB: return a - b;
    case BPF_MUL: return a * b;
    case BPF_DIV: return b == 0 ? 0 : a / b;
    case BPF_AND: return a & b;
    case BPF_OR: return a | b;
    case BPF_XOR: return a ^ b;
    case BPF_LSH: return a << (b & 31);
    case BPF_RSH: return a >> (b & 31);
    default: return 0 - a;  // BPF_NEG
  }
}

bool Holds(int op, uint32_t a, uint32_t b) {
  switch (op) {
    case BPF_JEQ: return a == b;
    case BPF_JGE: return a >= b;
    case BPF_JGT: return a > b;
    default: return (a & b) != 0;  // BPF_JSET
  }
}

}  // namespace

Run RunProgram(const Program& program, const ir::Event& event, bool big_endian, bool want_path) {
  Run run;
  uint32_t a = 0;
  uint32_t x = 0;
  uint32_t memory[BPF_MEMWORDS] = {};
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const Instruction& i = program[pc];
    ++run.executed;
    if (want_path) run.path.push_back(static_cast<uint32_t>(pc));
    const uint32_t operand = BPF_SRC(i.code) == BPF_X ? x : i.k;
    switch (BPF_CLASS(i.code)) {
      case BPF_LD: a = BPF_MODE(i.code) == BPF_ABS ? Word(event, big_endian, i.k) : BPF_MODE(i.code) == BPF_LEN ? 64 : BPF_MODE(i.code) == BPF_MEM ? memory[i.k] : i.k; break;
      case BPF_LDX: x = BPF_MODE(i.code) == BPF_LEN ? 64 : BPF_MODE(i.code) == BPF_MEM ? memory[i.k] : i.k; break;
      case BPF_ST: memory[i.k] = a; break;
      case BPF_STX: memory[i.k] = x; break;
      case BPF_ALU:
        if (BPF_OP(i.code) == BPF_DIV && operand == 0) return run;  // the kernel ends the program with 0
        a = Alu(BPF_OP(i.code), a, operand);
        break;
      case BPF_MISC: (BPF_MISCOP(i.code) == BPF_TAX ? x : a) = BPF_MISCOP(i.code) == BPF_TAX ? a : x; break;
      case BPF_JMP:
        if (BPF_OP(i.code) == BPF_JA) {
          pc += i.k;
        } else {
          pc += Holds(BPF_OP(i.code), a, operand) ? i.jt : i.jf;
        }
        break;
      default: run.value = BPF_RVAL(i.code) == BPF_A ? a : i.k; return run;
    }
  }
  RAVELIN_CHECK(false, "a checked filter ended without a return");
  return run;
}

// kernel/seccomp.c seccomp_is_const_allow(): an emulator that gives up on anything but these opcodes.
bool IsConstantAllow(const Program& program, uint32_t audit_arch, uint32_t number) {
  uint32_t a = 0;
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const Instruction& i = program[pc];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (i.k != kOffsetNumber && i.k != kOffsetArch) return false;
        a = i.k == kOffsetNumber ? number : audit_arch;
        break;
      case BPF_RET | BPF_K: return i.k == SECCOMP_RET_ALLOW;
      case BPF_JMP | BPF_JA: pc += i.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K:
      case BPF_JMP | BPF_JGE | BPF_K:
      case BPF_JMP | BPF_JGT | BPF_K:
      case BPF_JMP | BPF_JSET | BPF_K: pc += Holds(BPF_OP(i.code), a, i.k) ? i.jt : i.jf; break;
      case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
      default: return false;
    }
  }
  return false;
}

}  // namespace ravelin::seccomp
