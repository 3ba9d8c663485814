// Tokens to statements: newlines that end statements, words that begin them, and braces that open blocks.
#pragma once

#include <antlr4-runtime.h>

#include <memory>
#include <optional>
#include <vector>

#include "compiler/ast/ast.h"
#include "compiler/base/diag.h"
#include "compiler/syntax/prescan.h"

namespace ravelin::syntax {

using TokenList = std::vector<std::unique_ptr<antlr4::Token>>;

enum class Ending { kLine, kOpensBlock, kClosesBlock, kElse, kEnd };
struct StatementTokens {
  TokenList tokens;   // kOpensBlock: up to and with the brace; kClosesBlock, kElse: empty
  Ending ending = Ending::kLine;
  source::Span span;  // of the closing brace, or of `else`
};

// Reads one statement after another; comments go to `comments`.
class StatementReader {
 public:
  StatementReader(source::FileId file, std::string_view text, const Scanned& scanned, diag::Sink& sink, std::vector<ast::Comment>& comments);
  ~StatementReader();
  StatementTokens Next();
  // Takes the `{` that comes next and gives its place; an invalid span when something else comes.
  source::Span PeekBlock();
  source::Span SpanOf(const antlr4::Token& token) const;

 private:
  std::unique_ptr<antlr4::Token> Read();  // next token that is no comment; newlines included
  void Refill();
  bool Continues(const StatementTokens& so_far);
  bool LeftOpen(const StatementTokens& so_far, bool in_parentheses);

  source::FileId file_;
  std::string_view text_;
  const Scanned& scanned_;
  diag::Sink& sink_;
  std::vector<ast::Comment>& comments_;
  antlr4::ANTLRInputStream input_;
  std::unique_ptr<antlr4::Lexer> lexer_;
  std::unique_ptr<antlr4::Token> ahead_;
  bool newline_before_ = false;  // a newline stands before `ahead_`
};

}  // namespace ravelin::syntax
