#include "profiler/binary/x86.h"

#ifdef RAVELIN_HAS_ZYDIS

#include <Zydis/Zydis.h>

namespace ravelin::binary {
namespace {

int RegisterOf(ZydisRegister one) {
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, one);
  return whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15 ? static_cast<int>(whole - ZYDIS_REGISTER_RAX) : kNoRegister;
}

bool IsWide(ZydisRegister one) { return ZydisRegisterGetClass(one) == ZYDIS_REGCLASS_GPR32 || ZydisRegisterGetClass(one) == ZYDIS_REGCLASS_GPR64; }

Instruction::Kind KindOf(const ZydisDecodedInstruction& code) {
  switch (code.meta.category) {
    case ZYDIS_CATEGORY_CALL: return Instruction::Kind::kCall;
    case ZYDIS_CATEGORY_UNCOND_BR: return Instruction::Kind::kJump;
    case ZYDIS_CATEGORY_COND_BR: return Instruction::Kind::kBranch;
    case ZYDIS_CATEGORY_RET: return Instruction::Kind::kEnd;
    default: break;
  }
  if (code.mnemonic == ZYDIS_MNEMONIC_SYSCALL) return Instruction::Kind::kSyscall;
  if (code.mnemonic == ZYDIS_MNEMONIC_HLT || code.mnemonic == ZYDIS_MNEMONIC_UD2 || code.mnemonic == ZYDIS_MNEMONIC_INT3) return Instruction::Kind::kEnd;
  return Instruction::Kind::kOther;
}

// mov, xor of a register with itself; push and pop of small numbers are followed as writes of something unknown.
void Moves(const ZydisDecodedInstruction& code, const ZydisDecodedOperand* operands, Instruction& out) {
  if (code.operand_count_visible < 2 || operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER || !IsWide(operands[0].reg.value)) return;
  const int to = RegisterOf(operands[0].reg.value);
  if (to == kNoRegister) return;
  if (code.mnemonic == ZYDIS_MNEMONIC_MOV && operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    out.kind = Instruction::Kind::kConstant;
    out.reg = to;
    out.value = operands[1].imm.value.u & 0xffffffff;
  } else if (code.mnemonic == ZYDIS_MNEMONIC_MOV && operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && RegisterOf(operands[1].reg.value) != kNoRegister) {
    out.kind = Instruction::Kind::kCopy;
    out.reg = to;
    out.from = RegisterOf(operands[1].reg.value);
  } else if (code.mnemonic == ZYDIS_MNEMONIC_XOR && operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == operands[1].reg.value) {
    out.kind = Instruction::Kind::kConstant;
    out.reg = to;
  }
}

}  // namespace

std::optional<Instruction> DecodeInstruction(std::string_view bytes, uint64_t address) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder out;
    ZydisDecoderInit(&out, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return out;
  }();
  ZydisDecodedInstruction code;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &code, operands))) return std::nullopt;
  Instruction out;
  out.size = code.length;
  out.kind = KindOf(code);
  const bool jumps = out.kind == Instruction::Kind::kCall || out.kind == Instruction::Kind::kJump || out.kind == Instruction::Kind::kBranch;
  for (uint8_t i = 0; i < code.operand_count; ++i) {
    const ZydisDecodedOperand& one = operands[i];
    if (one.type == ZYDIS_OPERAND_TYPE_REGISTER && (one.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 && RegisterOf(one.reg.value) != kNoRegister) out.written |= 1u << RegisterOf(one.reg.value);
    if (one.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT) continue;
    if (one.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !one.imm.is_relative) out.immediate = one.imm.value.u;
    if (one.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && jumps && one.imm.is_relative) {
      ZyanU64 target = 0;
      if (ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&code, &one, address, &target))) out.target = target;
    }
    if (one.type == ZYDIS_OPERAND_TYPE_MEMORY && one.mem.base == ZYDIS_REGISTER_RIP) {
      ZyanU64 target = 0;
      if (ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&code, &one, address, &target))) out.address = target;
      out.through_memory = jumps;
    }
  }
  if (!jumps) Moves(code, operands, out);
  return out;
}

bool HasDisassembler() { return true; }

}  // namespace ravelin::binary

#else

namespace ravelin::binary {

std::optional<Instruction> DecodeInstruction(std::string_view, uint64_t) { return std::nullopt; }
bool HasDisassembler() { return false; }

}  // namespace ravelin::binary

#endif
