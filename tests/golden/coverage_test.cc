// Every kind of diagnostic is printed in some golden file.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "compiler/base/diag.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

TEST(Coverage, EveryKindIsInAGoldenFile) {
  const std::set<std::string> exempt = {
      "file-too-large",   // needs 32 MB: tests/unit/syntax/robust_test.cc
      "proof-failed",     // needs a faulty compiler: tests/unit/prove/planted_test.cc
      "oci-miscompiled",  // needs a faulty libseccomp
  };
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(RAVELIN_SOURCE_DIR) + "/tests/golden")) {
    if (entry.path().extension() == ".out") all += source::ReadFile(entry.path().string()).value_or("");
  }
  for (const diag::Kind kind : diag::AllKinds()) {
    const std::string name(diag::KindName(kind));
    EXPECT_EQ(all.find("[" + name + "]") != std::string::npos, exempt.count(name) == 0) << name;
  }
}

}  // namespace
}  // namespace ravelin
