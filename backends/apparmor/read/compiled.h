// A compiled AppArmor profile, read back from what apparmor_parser writes for the kernel.
//
// Format: linux-source-6.1 security/apparmor/policy_unpack.c (unpack_profile).  Whatever is not understood is an error: a
// section that is skipped could permit anything.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/apparmor/read/dfa.h"
#include "compiler/base/result.h"

namespace ravelin::apparmor {

struct CapabilitySets {  // bit = capability's number
  uint64_t allow = 0;
  uint64_t audit = 0;
  uint64_t quiet = 0;
  uint64_t extended = 0;
};

struct CompiledProfile {
  std::string name;
  std::string namespace_name;
  std::optional<std::string> attachment;  // where it differs from the name and is no pattern
  std::optional<Dfa> attach;              // paths that the profile attaches to
  uint32_t attach_length = 0;
  std::optional<std::string> disconnected;
  bool hat = false;      // flags.flags bit 0 (PACKED_FLAG_HAT)
  uint32_t flags = 0;    // as packed
  uint32_t mode = 0;     // 0 enforce, 1 complain, 2 kill, 3 unconfined
  bool audit_all = false;
  uint32_t path_flags = 0;
  CapabilitySets capabilities;
  uint32_t rlimit_mask = 0;
  std::vector<uint64_t> rlimits;      // of the bits in rlimit_mask, ascending
  std::optional<Dfa> policy;          // everything but files, by class byte
  uint32_t policy_start = Dfa::kStart;
  std::optional<Dfa> files;
  uint32_t files_start = Dfa::kStart;
  std::vector<std::string> transitions;  // exec table: names, several NUL-separated parts where the parser wrote them so
};

// All profiles of one output file, in its order.
Result<std::vector<CompiledProfile>> ReadCompiled(std::span<const uint8_t> bytes);

// --- what a state's accept words say (security/apparmor/include/file.h, policy_compat)
inline constexpr uint32_t kExec = 0x01, kWrite = 0x02, kRead = 0x04, kAppend = 0x08, kLink = 0x10, kLock = 0x20, kMmapExec = 0x40;
struct FilePermissions {
  uint32_t allow = 0;  // kRead | ...
  uint32_t audit = 0;
  uint32_t quiet = 0;
  uint32_t exec_index = 0;  // 7 bits as packed: see ExecKind
};
FilePermissions OwnerPermissions(const Dfa& dfa, uint32_t state);
FilePermissions OtherPermissions(const Dfa& dfa, uint32_t state);

enum class ExecKind { kNone, kInherit, kUnconfined, kProfileByName, kChildByName, kNamed };
struct ExecTransition {
  ExecKind kind = ExecKind::kNone;
  bool unsafe = false;         // the environment is not scrubbed
  bool inherit_else = false;   // falls back to inheriting (pix, cix)
  bool unconfined_else = false;
  std::string target;          // kNamed
};
// kMalformed where the index points out of the table.
Result<ExecTransition> TransitionOf(const CompiledProfile& profile, uint32_t exec_index);

// Permissions of a state of the policy automaton (aa_compute_perms).
uint32_t PolicyAllow(const Dfa& dfa, uint32_t state);
uint32_t PolicyAudit(const Dfa& dfa, uint32_t state);
uint32_t PolicyQuiet(const Dfa& dfa, uint32_t state);

// First bytes of the policy automaton (security/apparmor/include/apparmor.h).
enum class PolicyClass : uint8_t { kMount = 7, kPtrace = 9, kSignal = 10, kNetwork = 14, kLabel = 16 };

}  // namespace ravelin::apparmor
