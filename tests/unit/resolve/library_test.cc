// The standard library on every architecture.
#include <gtest/gtest.h>

#include <filesystem>

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

// Every set and every module without parameters can be used.
TEST(Library, EveryNameOfItResolves) {
  size_t used = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(RAVELIN_SOURCE_DIR) + "/policies/std")) {
    const std::string name = entry.path().stem().string();
    const std::string text = source::ReadFile(entry.path().string()).value();
    const bool set = text.find("set " + name + " = {") != std::string::npos;
    if (!set && text.find("module " + name + " {") == std::string::npos) continue;
    const auto front = testing::ReadText("language 1\npolicy p {\n  " + std::string(set ? "allow syscall std::" : "use std::") + name + "\n  default deny\n}\n");
    EXPECT_FALSE(front->sink.HasErrors()) << name << testing::Messages(*front);
    ++used;
  }
  EXPECT_GT(used, 40u);
}

// A set whose name is a call's name may hold the call.
TEST(Library, ASetMayHoldTheCallOfItsName) {
  const ir::Domain domain = testing::DomainOf("language 1\nset time = { time, times }\npolicy p {\n  allow syscall { time }\n  default deny\n}\n");
  ASSERT_EQ(domain.rules.size(), 1u);
  EXPECT_EQ(domain.rules[0].calls.size(), 2u);
}

}  // namespace
}  // namespace ravelin
