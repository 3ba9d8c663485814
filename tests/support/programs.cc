#include "tests/support/programs.h"

#include <gtest/gtest.h>

#include "backends/seccomp/lower.h"

namespace ravelin::testing {

seccomp::Generated FilterOf(const ir::Domain& domain, const seccomp::CodegenOptions& options) {
  auto filter = seccomp::Generate(seccomp::Lower(domain), options);
  EXPECT_TRUE(filter.has_value()) << (filter ? "" : filter.error().message);
  return filter ? std::move(*filter) : seccomp::Generated();
}

ir::Action Answer(const seccomp::Program& program, const ir::Event& event, bool big_endian) {
  const auto action = ir::FromSeccompReturn(seccomp::RunProgram(program, event, big_endian).value);
  EXPECT_TRUE(action.has_value());
  return action.value_or(ir::Action{ir::ActionKind::kKillProcess, 0});
}

std::string Policy(const std::string& lines, const std::string& fallback) { return "language 1\npolicy test {\n  layers { seccomp + apparmor }\n  " + fallback + "\n" + lines + "\n}\n"; }

}  // namespace ravelin::testing
