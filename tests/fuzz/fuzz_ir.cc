// Any text as the printed form of the IR: what is read prints the same again, and lowers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "backends/seccomp/lower.h"
#include "compiler/ir/ir_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ravelin;
  const auto policy = ir::ReadJson(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!policy) return 0;
  const std::string printed = ir::DumpJson(*policy);
  const auto again = ir::ReadJson(printed);
  if (!again || ir::DumpJson(*again) != printed) std::abort();
  for (const ir::Domain& domain : policy->domains) (void)seccomp::Lower(domain);
  return 0;
}
