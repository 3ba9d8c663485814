// Calls as people read them.
#pragma once

#include <array>
#include <string>

#include "compiler/ir/predicate.h"
#include "compiler/kernel/facts.h"

namespace ravelin::driver {

// "socket(38, 3, 0)" with constants' names where the parameter has a family.
// `texts`: what pointers pointed to, shown in their place.
std::string ShowCall(kernel::Arch arch, const kernel::Syscall& call, const ir::Args& args, const std::array<std::string, 6>& texts = {});

// A value of an attribute as a policy would write it: "AF_INET", "443".
std::string AttributeText(kernel::Arch arch, const std::string& attribute, uint64_t value);

}  // namespace ravelin::driver
