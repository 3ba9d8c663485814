// Any bytes as a program in both byte orders: what the reader accepts must run, print and read back the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backends/seccomp/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ravelin;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool big_endian : {false, true}) {
    const auto program = seccomp::DecodeProgram(bytes, big_endian);
    if (!program) continue;
    (void)seccomp::RunProgram(*program, ir::Event{}, big_endian);
    (void)seccomp::IsConstantAllow(*program, 0xC000003E, 0);
    const std::string listing = seccomp::FormatListing(*program);  // leaves out the jumps that only jump instructions use
    const auto again = seccomp::ReadListing(listing);
    if (!again || seccomp::FormatListing(*again) != listing) std::abort();
  }
  return 0;
}
