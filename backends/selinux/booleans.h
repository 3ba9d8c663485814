// Modules of which a part is in force while a boolean is on.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "backends/selinux/module.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

inline constexpr size_t kMaxBooleans = 4;  // every state of all of them is proved

// The module of a policy with booleans, put together of what `lower` makes of it in their states.  kUnsupported names what CIL
// cannot make depend on a boolean: transitions, commands of ioctl.
Result<Module> LowerBooleans(const ir::Policy& policy, const std::set<std::string>& names, const std::function<Result<Module>(const ir::Policy&)>& lower);

// All sets of names.
std::vector<std::set<std::string>> StatesOf(const std::set<std::string>& names);

// The text of a module whose booleans are on by default where the set says so, and off elsewhere.
std::string InState(std::string cil, const std::set<std::string>& names, const std::set<std::string>& on);

}  // namespace ravelin::selinux
