// Conditions on the arguments of a system call, typed by its signature, to predicates on registers.
#pragma once

#include <optional>

#include "compiler/base/diag.h"
#include "compiler/ir/predicate.h"
#include "compiler/kernel/facts.h"
#include "compiler/resolve/scope.h"
#include "compiler/resolve/values.h"

namespace ravelin::resolve {

// `socket(domain in { AF_UNIX }, type & SOCK_TYPE_MASK == SOCK_STREAM)`: the conditions of `call_expr`, joined by and.
// nullopt after a diagnostic.
std::optional<ir::Predicate> BuildPredicate(const ast::Expr& call_expr, const kernel::Syscall& call, kernel::Arch arch, const Scope& scope,
                                            Values& values, diag::Sink& sink);

}  // namespace ravelin::resolve
