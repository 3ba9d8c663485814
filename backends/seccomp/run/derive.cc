#include <linux/filter.h>
#include <linux/seccomp.h>

#include "backends/seccomp/run/run.h"
#include "compiler/base/check.h"

namespace ravelin::seccomp {

Program WithCallsHandedOver(const Program& program, kernel::Arch arch, const std::vector<uint32_t>& calls) {
  const size_t count = calls.size();
  RAVELIN_CHECK(count >= 1 && count <= 100, "one jump has to reach over the calls");
  // Jumps are relative, so the program itself stays as it was proved; it begins by loading what it tests.
  Program out = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kOffsetArch},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<uint8_t>(count + 2), kernel::AuditArch(arch)},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kOffsetNumber},
  };
  for (size_t i = 0; i < count; ++i) out.push_back({BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint8_t>(count - 1 - i), static_cast<uint8_t>(i + 1 == count ? 1 : 0), calls[i]});
  out.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF});
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

Program WithExecHandedOver(const Program& program, kernel::Arch arch) {
  return WithCallsHandedOver(program, arch, {kernel::FindSyscall(arch, "execve")->number, kernel::FindSyscall(arch, "execveat")->number});
}

Program WithRefusalsHandedOver(Program program) {
  for (Instruction& i : program) {
    if (i.code == (BPF_RET | BPF_K) && i.k != SECCOMP_RET_ALLOW) i.k = SECCOMP_RET_USER_NOTIF;
  }
  return program;
}

}  // namespace ravelin::seccomp
