// One instruction of x86-64, as far as following calls and constants needs it.  The only place that knows the disassembler.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ravelin::binary {

// General registers by their number in the encoding: 0 rax, 1 rcx, 2 rdx, 6 rsi, 7 rdi, ...; whatever the width.
inline constexpr int kRax = 0;
inline constexpr int kNoRegister = -1;

struct Instruction {
  enum class Kind {
    kOther,
    kSyscall,
    kCall,        // to `target`, where that is known
    kJump,        // the same, and nothing goes on behind it
    kBranch,      // to `target` or on
    kEnd,         // return, trap: nothing goes on behind it
    kConstant,    // `reg` becomes `value`
    kCopy,        // `reg` becomes `from`
  };
  Kind kind = Kind::kOther;
  uint8_t size = 0;
  int reg = kNoRegister;
  int from = kNoRegister;
  uint64_t value = 0;
  uint64_t target = 0;       // 0: not known
  uint64_t immediate = 0;    // a number in it, whatever it does with that
  uint64_t address = 0;      // that it computes or reads relative to itself; 0: none
  bool through_memory = false;  // of a call or jump: by what stands at `address`
  uint32_t written = 0;      // registers that it writes, a bit each
};
// Nothing where the bytes are no instruction, or the program was built without a disassembler.
std::optional<Instruction> DecodeInstruction(std::string_view bytes, uint64_t address);
bool HasDisassembler();

}  // namespace ravelin::binary
