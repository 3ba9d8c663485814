// `when` conditions: boolean expressions over the target and module parameters.
#pragma once

#include <optional>

#include "compiler/base/diag.h"
#include "compiler/resolve/scope.h"
#include "compiler/resolve/target.h"

namespace ravelin::resolve {

// nullopt after a diagnostic.
std::optional<bool> EvaluateCondition(const ast::Expr& expr, const Scope& scope, const Target& target, diag::Sink& sink);

}  // namespace ravelin::resolve
