// Any bytes as a program in both byte orders: what the reader accepts must run, print and read back the same.
#include <linux/filter.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backends/seccomp/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ravelin;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool big_endian : {false, true}) {
    auto program = seccomp::DecodeProgram(bytes, big_endian);
    if (!program) continue;
    (void)seccomp::RunProgram(*program, ir::Event{}, big_endian);
    (void)seccomp::IsConstantAllow(*program, 0xC000003E, 0);
    for (seccomp::Instruction& one : *program) {  // only jumps read these, and a listing shows them for jumps alone
      if (BPF_CLASS(one.code) != BPF_JMP || BPF_OP(one.code) == BPF_JA) one.jt = one.jf = 0;
    }
    const auto again = seccomp::ReadListing(seccomp::FormatListing(*program));
    if (!again || *again != *program) std::abort();
  }
  return 0;
}
