// Where two policies differ in what they permit, with a witness for each difference.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

// What `one` permits and `other` refuses: files and programs as sets of paths, calls with arguments of zero, everything else by one
// attempt for each rule.  kTooLarge where an automaton would be.
Result<std::vector<std::string>> PermittedBeyond(const ir::Domain& one, const ir::Domain& other);

}  // namespace ravelin::driver
