// Kernel facts: system-call numbers, arrivals, signatures, symbolic constants and what each call asks.
//
// Every fact is a cell of a table under compiler/kernel/tables (embedded at build time); the head of each
// table names its sources.  This header is the only way to them.  All look-ups are pure and thread-safe; the
// tables are parsed once, on first use, and a malformed table is our own bug (RAVELIN_CHECK).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::kernel {

// Architectures a filter can be compiled for.  kX32 is a numbering of AUDIT_ARCH_X86_64 (bit 30 set), never an
// audit architecture of its own; it has a column so that its numbers can be named and guarded.
enum class Arch : uint8_t { kX86_64, kX32, kI386, kAarch64, kArm, kRiscv64, kPpc64le, kS390x };
inline constexpr int kArchCount = 8;
inline constexpr std::array<Arch, 7> kFilterArches = {Arch::kX86_64, Arch::kI386,    Arch::kAarch64, Arch::kArm,
                                                      Arch::kRiscv64, Arch::kPpc64le, Arch::kS390x};

std::string_view ArchName(Arch arch);                      // "x86_64", "i386", ...
std::optional<Arch> ArchFromName(std::string_view name);   // also "amd64", "arm64", "x86", "SCMP_ARCH_X86_64", ...
uint32_t AuditArch(Arch arch);                             // AUDIT_ARCH_* of <linux/audit.h>
int WordBits(Arch arch);                                   // width of C `long`: 32 or 64
bool IsBigEndian(Arch arch);                               // true for s390x: high word of an argument comes first

// A kernel release, e.g. 6.1.  Ordered.
struct Version {
  uint16_t major = 0;
  uint16_t minor = 0;
  auto operator<=>(const Version&) const = default;
};
std::optional<Version> ParseVersion(std::string_view text);  // "6.1", "6.1.0-47-amd64"
std::string FormatVersion(Version v);

// How the kernel reads one argument register.
enum class ArgType : uint8_t { kI32, kU32, kU16, kI64, kU64, kPtr };
struct Param {
  std::string name;    // the field's usual name, e.g. "domain", "flags"
  ArgType type;        // as THIS architecture's kernel sees it (long is 32 bits wide on a 32-bit architecture)
  std::string family;  // family of symbolic constants that fits it ("AF", "CLONE", ...), or ""
};
struct Syscall {
  std::string name;
  uint32_t number;        // as it stands in seccomp_data.nr (x32: bit 30 included)
  Version since;          // first release in which this architecture has it
  std::string since_source;
  std::vector<Param> params;  // in register order on this architecture; empty when !signature_known
  bool signature_known;
};

// All calls of one architecture, ascending by number.
std::span<const Syscall> Syscalls(Arch arch);
const Syscall* FindSyscall(Arch arch, std::string_view name);
const Syscall* FindSyscall(Arch arch, uint32_t number);
bool IsSyscallName(std::string_view name);  // on any architecture
// Every name known on any architecture, sorted.
std::span<const std::string> SyscallNames();

// Symbolic constants.  `family` groups them ("AF", "SOCK", "CLONE", "O", "PROT", "MAP", "PR", "PER", "ioctl", ...).
struct Constant {
  std::string name;
  std::string family;
  uint64_t value;
};
std::optional<uint64_t> FindConstant(Arch arch, std::string_view name);
std::span<const std::string> ConstantNames();  // sorted, any architecture
// Name of a value within a family, for messages; "" if there is none.
std::string_view ConstantName(Arch arch, std::string_view family, uint64_t value);
// The same where a value is one constant; "O_WRONLY | O_CREAT" or "MAP_PRIVATE | 0x1000000" where a family's values are flags.
std::string ConstantText(Arch arch, std::string_view family, uint64_t value);

std::optional<int> FindErrno(std::string_view name);    // "EPERM" -> 1
std::string_view ErrnoName(int value);                  // 1 -> "EPERM", "" if unknown
std::optional<int> FindCapability(std::string_view name);  // "net_bind_service" and "CAP_NET_BIND_SERVICE" -> 10
std::string_view CapabilityName(int value);
std::span<const std::string> CapabilityNames();
std::optional<int> FindSignal(Arch arch, std::string_view name);  // "TERM", "SIGTERM"
std::span<const std::string> ErrnoNames();
std::span<const std::string> SignalNames();

}  // namespace ravelin::kernel
