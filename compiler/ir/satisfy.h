// Whether a predicate can hold, and registers for which it does.
#pragma once

#include <optional>

#include "compiler/ir/predicate.h"

namespace ravelin::ir {

// Exact.  The registers are small values where that is possible; registers that do not matter are 0.
std::optional<Args> FindArgs(const Predicate& predicate);

}  // namespace ravelin::ir
