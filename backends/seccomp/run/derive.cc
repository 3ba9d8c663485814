#include <linux/filter.h>
#include <linux/seccomp.h>

#include "backends/seccomp/run/run.h"

namespace ravelin::seccomp {

Program WithExecHandedOver(const Program& program, kernel::Arch arch) {
  const kernel::Syscall* execve = kernel::FindSyscall(arch, "execve");
  const kernel::Syscall* execveat = kernel::FindSyscall(arch, "execveat");
  // Jumps are relative, so the program itself stays as it was proved; it begins by loading what it tests.
  Program out = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kOffsetArch},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, kernel::AuditArch(arch)},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kOffsetNumber},
      {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, execve->number},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, execveat->number},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
  };
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

Program WithRefusalsHandedOver(Program program) {
  for (Instruction& i : program) {
    if (i.code == (BPF_RET | BPF_K) && i.k != SECCOMP_RET_ALLOW) i.k = SECCOMP_RET_USER_NOTIF;
  }
  return program;
}

}  // namespace ravelin::seccomp
