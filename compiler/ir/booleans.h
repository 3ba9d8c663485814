// Rules that are in force while a boolean of the SELinux policy is on.
#pragma once

#include <set>
#include <string>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

std::set<std::string> BooleansOf(const Policy& policy);

// The policy while exactly these booleans are on.  The rules of the others stay where they are, with their names of objects, and
// speak of no operation.
Policy WithBooleans(const Policy& policy, const std::set<std::string>& on);
Domain WithBooleans(Domain domain, const std::set<std::string>& on);

}  // namespace ravelin::ir
