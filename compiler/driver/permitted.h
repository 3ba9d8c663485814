// What a lowered filter permits of one call, as a predicate.
#pragma once

#include "backends/seccomp/filter_spec.h"
#include "compiler/ir/predicate.h"

namespace ravelin::driver {

ir::Predicate Permitted(const seccomp::CallAnswer& call);
// The answer for a call of an architecture by number; null where no call of its own answers.
const seccomp::CallAnswer* AnswerOf(const seccomp::FilterSpec& spec, kernel::Arch arch, uint32_t number);
// "socket(38, 3, 0)" with constants' names where the parameter has a family.
// `texts`: what pointers pointed to, shown in their place.
std::string ShowCall(kernel::Arch arch, const kernel::Syscall& call, const ir::Args& args, const std::array<std::string, 6>& texts = {});

}  // namespace ravelin::driver
