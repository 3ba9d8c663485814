// A classic BPF program as seccomp runs it, and reading, running and printing it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

// struct sock_filter of <linux/filter.h>.
struct Instruction {
  uint16_t code = 0;
  uint8_t jt = 0;
  uint8_t jf = 0;
  uint32_t k = 0;
  bool operator==(const Instruction&) const = default;
};
using Program = std::vector<Instruction>;
inline constexpr size_t kMaxInstructions = 4096;  // BPF_MAXINSNS

// Offsets into struct seccomp_data.  An argument's halves follow the byte order of the architecture that runs the
// filter: the low word comes first on little-endian ones, last on s390x.
inline constexpr uint32_t kOffsetNumber = 0;
inline constexpr uint32_t kOffsetArch = 4;
inline constexpr uint32_t kOffsetIp = 8;
inline constexpr uint32_t kOffsetArgs = 16;

// Bytes of an array of struct sock_filter, in the byte order of the architecture (little-endian unless s390x).
std::string EncodeProgram(const Program& program, bool big_endian);
// Checks everything the kernel checks (seccomp_check_filter, bpf_check_classic): size, opcodes, aligned loads within
// seccomp_data, jumps within the program, last instruction a return.  Survives any bytes.
Result<Program> DecodeProgram(std::string_view bytes, bool big_endian);
Result<void> CheckProgram(const Program& program);

struct Run {
  uint32_t value = 0;     // the returned SECCOMP_RET_*
  size_t executed = 0;    // instructions, the return included
  std::vector<uint32_t> path;  // indices of the executed instructions, in order, when asked for
};
// The program must have passed CheckProgram.
Run RunProgram(const Program& program, const ir::Event& event, bool big_endian, bool want_path = false);

// Takes out what no path leads to, and says where those that stay stood.
std::vector<size_t> RemoveUnreached(Program& program);

// What the kernel's seccomp_is_const_allow() says of (arch, number): such a call never runs the filter (Linux >= 5.11).
bool IsConstantAllow(const Program& program, uint32_t audit_arch, uint32_t number);

// One line an instruction: "  12: jge #0x14c, 13, 40    ; <note>"; parseable by ReadListing.
std::string FormatListing(const Program& program, const std::vector<std::string>& notes = {});
Result<Program> ReadListing(std::string_view text);

}  // namespace ravelin::seccomp
