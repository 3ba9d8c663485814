// A parsed statement to its place in the tree.
#pragma once

#include <functional>

#include "RavelinParser.h"
#include "compiler/ast/ast.h"
#include "compiler/base/diag.h"

namespace ravelin::syntax {

class AstBuilder {
 public:
  using SpanFn = std::function<source::Span(const antlr4::Token&)>;
  AstBuilder(SpanFn span, diag::Sink& sink) : span_(std::move(span)), sink_(sink) {}

  ast::Expr Expr(ravelin_grammar::RavelinParser::ExprContext* context);
  ast::Expectation Expectation(ravelin_grammar::RavelinParser::ExpectContext* context);
  // Adds a statement without a block to `block`.
  void AddStatement(ravelin_grammar::RavelinParser::StatementContext* context, ast::Block& block);
  ast::Name NameOf(const antlr4::Token* token) const { return {token->getText(), span_(*token)}; }
  source::Span SpanOf(antlr4::ParserRuleContext* context) const;
  std::vector<ast::Parameter> Parameters(ravelin_grammar::RavelinParser::ModuleContext* context);

 private:
  using Parser = ravelin_grammar::RavelinParser;
  // Items split at the words that take values; `with` and `because` apart.
  struct Parts {
    std::vector<ast::Expr> subjects;
    std::vector<ast::Clause> clauses;
    std::optional<ast::Expr> action;
    std::optional<ast::Expr> because;
  };
  // `label_at`: the item there is a name, whatever it is called.
  Parts Split(const std::vector<Parser::ItemContext*>& items, size_t label_at = std::string::npos);
  std::vector<ast::Name> Names(const std::vector<ast::Expr>& exprs);
  ast::Expr Number(const antlr4::Token& token);
  ast::Expr String(const antlr4::Token& token);
  void AddWords(Parser::WordsContext* context, ast::Block& block);
  void AddRule(Parser::Rule_Context* context, ast::Block& block);

  SpanFn span_;
  diag::Sink& sink_;
};

}  // namespace ravelin::syntax
