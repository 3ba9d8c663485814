// The runtime profile (OCI `linux.seccomp`, Docker's and Podman's dialects): writing, reading, judging.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/seccomp/program.h"
#include "backends/seccomp/prove/prove.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

// One comparison as the profile states it: 64-bit, unsigned.
enum class OciOp { kNe, kLt, kLe, kEq, kGe, kGt, kMaskedEq };
struct OciArg {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t value_two = 0;  // kMaskedEq: (arg & value) == value_two
  OciOp op = OciOp::kEq;
};
struct OciFilter {  // includes / excludes
  std::vector<std::string> caps;
  std::vector<std::string> arches;  // Go names: amd64, arm64, ...
  std::string min_kernel;
  bool empty() const { return caps.empty() && arches.empty() && min_kernel.empty(); }
};
struct OciRule {
  std::vector<std::string> names;
  std::string action;  // "SCMP_ACT_ALLOW"
  std::optional<uint32_t> errno_ret;
  std::vector<OciArg> args;
  std::string comment;
  OciFilter includes;
  OciFilter excludes;
  size_t offset = 0;  // of the rule in the text, for diagnostics (best effort)
};
struct OciProfile {
  std::string default_action;
  std::optional<uint32_t> default_errno;
  std::vector<std::string> architectures;  // SCMP_ARCH_*
  std::map<std::string, std::vector<std::string>> arch_map;  // Docker's archMap
  std::vector<OciRule> rules;
};

// Reads any bytes; the error says where (line:column) and what.
Result<OciProfile> ReadOciProfile(std::string_view json);

// The profile whose decisions equal the domain's call decisions on every listed architecture.  Fails with kUnsupported,
// naming the rule, where a profile cannot state it.
Result<std::string> WriteOciProfile(const ir::Domain& domain);

// Decisions of a profile (no includes/excludes left) against Up(A), for each architecture of the domain, all inputs.
ProofResult ProveOciProfile(const ir::Domain& domain, const OciProfile& profile);

// How libseccomp orders its program: as runc and crun ask for (a tree above eight rules), or one of its two ways.
enum class LibseccompOrder { kAsRuntimes, kLinear, kBinaryTree };
// The program that the installed libseccomp makes of the profile for one architecture.
// kUnsupported: this build has no libseccomp, or libseccomp refuses (its message).
Result<Program> CompileWithLibseccomp(const OciProfile& profile, kernel::Arch arch, LibseccompOrder order = LibseccompOrder::kAsRuntimes);
std::string LibseccompVersion();  // "2.5.4", "" without it

}  // namespace ravelin::seccomp
