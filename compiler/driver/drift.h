// Where two policies differ in what they permit, with a witness for each difference.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

// What `one` permits and `other` refuses: files and programs as sets of paths, calls by all their registers, everything else by one
// attempt for each rule.  kTooLarge where an automaton would be.
Result<std::vector<std::string>> PermittedBeyond(const ir::Domain& one, const ir::Domain& other);

// --- the parts
// Of one rule of `one` on neither files nor calls.
std::vector<std::string> ObjectsBeyond(const ir::Domain& one, const ir::Rule& rule, const ir::Domain& other);
// "openat2", or with the arguments that make the difference: "prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)".
std::vector<std::string> CallsBeyond(const ir::Domain& one, const ir::Domain& other);
// Paths on which somebody may do the operation.
Result<ir::PathSet> PathsPermitted(const ir::Domain& domain, ir::FacetId facet, int operation);

}  // namespace ravelin::driver
