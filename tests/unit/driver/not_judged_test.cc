// What a judge of another version says nothing of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/verify.h"
#include "tests/support/compiled.h"

namespace ravelin::driver {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Of(const std::string& layers, const std::string& kernel) {
  const auto front = testing::ReadText("language 1\npolicy p {\n  layers { " + layers + " }\n  default deny\n}\n");
  verify::Report report;
  report.kernel = kernel;
  return NotJudged(*front, 0, report);
}

TEST(NotJudged, NamesTheRowsThatDiffer) {
  EXPECT_THAT(Of("seccomp + selinux", "6.0.1"), Contains(HasSubstr("selinux asks something else there of namespace { user }")));
  EXPECT_THAT(Of("seccomp + selinux", "6.1.5"), Not(Contains(HasSubstr("selinux asks"))));
  EXPECT_THAT(Of("seccomp", "6.0.1"), Not(Contains(HasSubstr("selinux asks")))) << "no layer of the policy";
  EXPECT_THAT(Of("seccomp", "5.10.0"), Contains(HasSubstr("more system calls")));
}

}  // namespace
}  // namespace ravelin::driver
