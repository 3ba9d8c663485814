// Expressions as source text.
#pragma once

#include <string>
#include <string_view>

#include "compiler/ast/ast.h"

namespace ravelin::ast {

class ExprPrinter {
 public:
  // `text`: the source of the tree, from which strings are taken as they were written; empty: they are escaped anew.
  explicit ExprPrinter(std::string_view text) : text_(text) {}
  std::string Expr(const ast::Expr& expr) const { return Print(expr, 0); }
  // After `with`: `kill process`, `errno(EPERM)`.
  std::string Action(const ast::Expr& expr) const;

 private:
  std::string Print(const ast::Expr& expr, int outer) const;
  std::string String(const ast::Expr& expr) const;
  std::string_view text_;
};

}  // namespace ravelin::ast
