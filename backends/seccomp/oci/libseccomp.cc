// The only file that speaks to libseccomp.
#include <fmt/format.h>

#include "backends/seccomp/oci/decide.h"
#include "backends/seccomp/oci/oci.h"

#ifdef RAVELIN_WITH_LIBSECCOMP
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#endif

namespace ravelin::seccomp {

#ifdef RAVELIN_WITH_LIBSECCOMP
namespace {

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

constexpr uint32_t kApiLevel = 6;           // what the kernel here offers must not change what is built
constexpr size_t kLinearRules = 8;          // runc: a binary tree (optimization level 2) above this many rules
constexpr uint32_t kBinaryTree = 2;

uint32_t ScmpAction(ir::Action action) {
  switch (action.kind) {
    case ir::ActionKind::kKillProcess: return SCMP_ACT_KILL_PROCESS;
    case ir::ActionKind::kKillThread: return SCMP_ACT_KILL_THREAD;
    case ir::ActionKind::kTrap: return SCMP_ACT_TRAP;
    case ir::ActionKind::kErrno: return SCMP_ACT_ERRNO(action.data);
    case ir::ActionKind::kNotify: return SCMP_ACT_NOTIFY;
    case ir::ActionKind::kTrace: return SCMP_ACT_TRACE(action.data);
    case ir::ActionKind::kLog: return SCMP_ACT_LOG;
    case ir::ActionKind::kAllow: return SCMP_ACT_ALLOW;
  }
  return SCMP_ACT_KILL_PROCESS;
}

uint32_t ScmpArch(kernel::Arch arch) {
  switch (arch) {
    case kernel::Arch::kX86_64: return SCMP_ARCH_X86_64;
    case kernel::Arch::kX32: return SCMP_ARCH_X32;
    case kernel::Arch::kI386: return SCMP_ARCH_X86;
    case kernel::Arch::kAarch64: return SCMP_ARCH_AARCH64;
    case kernel::Arch::kArm: return SCMP_ARCH_ARM;
    case kernel::Arch::kRiscv64: return SCMP_ARCH_RISCV64;
    case kernel::Arch::kPpc64le: return SCMP_ARCH_PPC64LE;
    case kernel::Arch::kS390x: return SCMP_ARCH_S390X;
  }
  return SCMP_ARCH_NATIVE;
}

scmp_compare ScmpOp(OciOp op) {
  switch (op) {
    case OciOp::kNe: return SCMP_CMP_NE;
    case OciOp::kLt: return SCMP_CMP_LT;
    case OciOp::kLe: return SCMP_CMP_LE;
    case OciOp::kEq: return SCMP_CMP_EQ;
    case OciOp::kGe: return SCMP_CMP_GE;
    case OciOp::kGt: return SCMP_CMP_GT;
    case OciOp::kMaskedEq: return SCMP_CMP_MASKED_EQ;
  }
  return SCMP_CMP_EQ;
}

std::string Because(int error) { return fmt::format("libseccomp {} refuses it ({})", LibseccompVersion(), std::strerror(-error)); }

Result<void> AddRule(void* filter, const OciRule& rule, uint32_t action) {
  for (const std::string& name : rule.names) {
    const int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // runtimes leave out what their library does not know
    for (const std::vector<OciArg>& when : Alternatives(rule)) {
      std::vector<scmp_arg_cmp> compare;
      for (const OciArg& arg : when) compare.push_back({arg.index, ScmpOp(arg.op), arg.value, arg.value_two});
      const int error = seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(compare.size()), compare.data());
      if (error != 0) return Fail(ErrorCode::kUnsupported, fmt::format("a rule for `{}`: {}", name, Because(error)));
    }
  }
  return {};
}

Result<std::string> Export(void* filter) {
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) return Fail(ErrorCode::kEnvironment, fmt::format("no memory file: {}", std::strerror(errno)));
  const int error = seccomp_export_bpf(filter, file);
  std::string bytes;
  if (error == 0) {
    bytes.resize(static_cast<size_t>(lseek(file, 0, SEEK_END)));
    const ssize_t got = pread(file, bytes.data(), bytes.size(), 0);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  }
  close(file);
  if (error != 0) return Fail(ErrorCode::kUnsupported, Because(error));
  return bytes;
}

}  // namespace

Result<Program> CompileWithLibseccomp(const OciProfile& profile, kernel::Arch arch, LibseccompOrder order) {
  const auto fallback = OciActionOf(profile.default_action, profile.default_errno);
  if (!fallback) return Fail(ErrorCode::kUnsupported, fmt::format("`{}` is no action", profile.default_action));
  seccomp_api_set(kApiLevel);
  const Filter filter(seccomp_init(ScmpAction(*fallback)));
  if (!filter) return Fail(ErrorCode::kUnsupported, "libseccomp refuses the default action");
  if (ScmpArch(arch) != seccomp_arch_native()) {
    if (const int error = seccomp_arch_add(filter.get(), ScmpArch(arch)); error != 0) return Fail(ErrorCode::kUnsupported, Because(error));
    if (const int error = seccomp_arch_remove(filter.get(), SCMP_ARCH_NATIVE); error != 0) return Fail(ErrorCode::kUnsupported, Because(error));
  }
  const bool tree = order == LibseccompOrder::kAsRuntimes ? profile.rules.size() > kLinearRules : order == LibseccompOrder::kBinaryTree;
  if (tree) seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree);
  for (const OciRule& rule : profile.rules) {
    const auto action = OciActionOf(rule.action, rule.errno_ret);
    if (!action) return Fail(ErrorCode::kUnsupported, fmt::format("`{}` is no action", rule.action));
    if (*action == *fallback) continue;
    if (auto added = AddRule(filter.get(), rule, ScmpAction(*action)); !added) return tl::make_unexpected(std::move(added.error()));
  }
  RAVELIN_TRY(bytes, Export(filter.get()));
  return DecodeProgram(bytes, kernel::IsBigEndian(arch));
}

std::string LibseccompVersion() {
  const scmp_version* version = seccomp_version();
  return version == nullptr ? "" : fmt::format("{}.{}.{}", version->major, version->minor, version->micro);
}

#else

Result<Program> CompileWithLibseccomp(const OciProfile&, kernel::Arch, LibseccompOrder) { return Fail(ErrorCode::kUnsupported, "this build has no libseccomp"); }
std::string LibseccompVersion() { return ""; }

#endif

}  // namespace ravelin::seccomp
