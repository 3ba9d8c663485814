// The standard library on every architecture.
#include <gtest/gtest.h>

#include "tests/support/compiled.h"

namespace ravelin {
namespace {

// i386's mmap takes its arguments in memory: the library's rule for it permits nothing there, and is no mistake.
TEST(Library, ServesEveryArchitectureAlone) {
  for (const kernel::Arch arch : kernel::kFilterArches) {
    const auto front = testing::ReadText("language 1\npolicy p {\n  architectures { " + std::string(kernel::ArchName(arch)) + " }\n  use std::base\n  default deny\n}\n");
    EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  }
}

}  // namespace
}  // namespace ravelin
