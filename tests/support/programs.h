// Filters for tests.
#pragma once

#include "backends/seccomp/codegen.h"
#include "compiler/ir/policy.h"

namespace ravelin::testing {

// The generated filter of a domain; fails the test when there is none.
seccomp::Generated FilterOf(const ir::Domain& domain, const seccomp::CodegenOptions& options = {});

// What the filter answers, as an action.
ir::Action Answer(const seccomp::Program& program, const ir::Event& event, bool big_endian = false);

// A whole policy round the given lines: x86_64, refused with EPERM unless they say otherwise.
std::string Policy(const std::string& lines, const std::string& fallback = "default deny syscall with errno(EPERM)");

}  // namespace ravelin::testing
