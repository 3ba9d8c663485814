// The two printed forms of a syntax tree.
#pragma once

#include <string>
#include <string_view>

#include "compiler/ast/ast.h"

namespace ravelin::ast {

// Canonical source text: idempotent (Format of the parse of Format's output is that output), keeps every comment,
// two-space indents, one statement a line, blank lines between groups kept (at most one).  `text` is the source that
// `file` was parsed from (comments and blank lines are taken from it); empty for a tree that was made by a program,
// whose File::comments must then be empty.
std::string Format(const File& file, std::string_view text);

// An expression and an action on one line, as Format prints them.
std::string FormatExpr(const Expr& expr);

// The tree as JSON (`ravelin dump --stage=ast`): objects with "node", "span": [begin, end] and the members of ast.h.
std::string DumpJson(const File& file);

}  // namespace ravelin::ast
