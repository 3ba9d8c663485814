// Text to syntax tree.  ANTLR lives behind this header only.
//
// Any bytes are survived: a linear pre-scan checks UTF-8, NULs, bidirectional controls, nesting (256 levels) and
// finds places where the text can be cut into pieces of bounded size, so that memory follows the tree and not the
// tokens; recovery goes on at the next statement, so one run reports every mistake.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diag.h"
#include "compiler/base/source.h"

namespace ravelin::syntax {

inline constexpr int kMaxNesting = 256;
inline constexpr size_t kMaxSourceBytes = size_t{32} << 20;

// Always returns a tree; statements with errors are left out of it and reported to `sink`.
ast::File Parse(const source::SourceManager& sources, source::FileId file, diag::Sink& sink);

// A single expression, as in `ravelin explain POLICY 'socket(AF_ALG, SOCK_STREAM, 0)'`.
std::optional<ast::Expr> ParseExpression(const source::SourceManager& sources, source::FileId file, diag::Sink& sink);

// One line of a test block (`permit` or `refuse` in front may be left out), as in `ravelin explain POLICY 'file read "/etc/shadow"'`.
std::optional<ast::Expectation> ParseExpectation(const source::SourceManager& sources, source::FileId file, diag::Sink& sink);

// ANTLR tool and runtime of this build, for --version and manifests: "antlr 4.7.2 / runtime 4.9".
std::string ParserVersion();

}  // namespace ravelin::syntax
