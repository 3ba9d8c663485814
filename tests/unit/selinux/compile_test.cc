// Policies to SELinux modules: what is emitted for each facet, and that the proof accepts exactly that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/selinux/selinux.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Source(const std::string& lines) { return "language 1\npolicy web {\n  layers { seccomp + selinux }\n  default deny\n" + lines + "\n}\n"; }

selinux::Artifact Compiled(const std::string& text, selinux::Form form = selinux::Form::kStandalone) {
  const auto front = testing::ReadText(text);
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  auto artifact = selinux::Compile(front->policy, {form, "", {}});
  EXPECT_TRUE(artifact.has_value()) << artifact.error().message;
  if (!artifact) return {};
  EXPECT_TRUE(artifact->proof.proved) << text;
  for (const auto& d : artifact->proof.differences) ADD_FAILURE() << d.text;
  for (const auto& i : artifact->proof.inconclusive) ADD_FAILURE() << i;
  return std::move(*artifact);
}

// The part of the CIL that is the module's.
std::string Rules(const selinux::Artifact& artifact) { return artifact.cil.substr(artifact.cil.find("; SELinux policy")); }

// Clause 9.1: exactly what permitted events ask, and nothing else.
TEST(Selinux, ReadingFilesAsksForReadOpenAndTraversal) {
  const auto artifact = Compiled(Source("  allow file { read } on path(\"/srv/www/**\")"));
  const std::string rules = Rules(artifact);
  EXPECT_THAT(rules, HasSubstr("(allow web_t web_srv_www_t (file (map open read)))"));
  EXPECT_THAT(rules, HasSubstr("(allow web_t web_rest_files (dir (search)))"));
  EXPECT_THAT(rules, HasSubstr("(filecon \"/srv/www/.+\" any (system_u object_r web_srv_www_t ((s0) (s0))))"));
  EXPECT_THAT(rules, Not(HasSubstr("(file (write")));
  EXPECT_THAT(artifact.file_contexts, HasSubstr("/srv/www/.+\tsystem_u:object_r:web_srv_www_t:s0\n"));
}

}  // namespace
}  // namespace ravelin
