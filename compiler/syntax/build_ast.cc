#include "compiler/syntax/build_ast.h"

#include <fmt/format.h>

#include <set>

namespace ravelin::syntax {
namespace {

using ast::ExprKind;
using ast::Op;
using Parser = ravelin_grammar::RavelinParser;

const std::set<std::string>& ClauseWords() {
  static const std::set<std::string> words = {"on", "from", "to", "as", "family", "type", "protocol", "port", "address", "path", "abstract", "set", "peer", "request",
                                              "fstype", "flags", "command", "bus", "name", "interface", "member", "resource", "of", "with", "because"};
  return words;
}

bool IsBareWord(const std::string& word) { return word == "tcp" || word == "udp" || word == "unix" || word == "netlink" || word == "owner" || word == "subset" || word == "unscrubbed_danger"; }

Op OpOf(size_t type) {
  switch (type) {
    case Parser::EQ:
      return Op::kEq;
    case Parser::NE:
      return Op::kNe;
    case Parser::LT:
      return Op::kLt;
    case Parser::LE:
      return Op::kLe;
    case Parser::GT:
      return Op::kGt;
    case Parser::GE:
      return Op::kGe;
    case Parser::IN:
      return Op::kIn;
    case Parser::ANDAND:
      return Op::kAnd;
    case Parser::OROR:
      return Op::kOr;
    case Parser::AMP:
      return Op::kBitAnd;
    case Parser::PIPE:
      return Op::kBitOr;
    case Parser::CARET:
      return Op::kBitXor;
    case Parser::SHL:
      return Op::kShl;
    case Parser::SHR:
      return Op::kShr;
    case Parser::TILDE:
      return Op::kBitNot;
    case Parser::MINUS:
      return Op::kMinus;
    default:
      return Op::kNone;
  }
}

ast::Verb VerbOf(const std::string& word) {
  if (word == "allow") return ast::Verb::kAllow;
  if (word == "deny") return ast::Verb::kDeny;
  if (word == "audit") return ast::Verb::kAudit;
  if (word == "quiet") return ast::Verb::kQuiet;
  if (word == "complain") return ast::Verb::kComplain;
  if (word == "never") return ast::Verb::kNever;
  return ast::Verb::kNarrow;
}

template <typename T>
void Push(ast::Block& block, std::vector<T>& list, ast::StatementKind kind, T value) {
  block.order.push_back({kind, static_cast<uint32_t>(list.size())});
  list.push_back(std::move(value));
}

}  // namespace

source::Span AstBuilder::SpanOf(antlr4::ParserRuleContext* context) const {
  const source::Span begin = span_(*context->getStart());
  // A statement's last child is the end of input; it ends with the child before.
  const antlr4::Token* stop = nullptr;
  for (size_t i = context->children.size(); i-- > 0 && stop == nullptr;) {
    auto* leaf = dynamic_cast<antlr4::tree::TerminalNode*>(context->children[i]);
    if (leaf != nullptr && leaf->getSymbol()->getType() != antlr4::Token::EOF) stop = leaf->getSymbol();
    if (auto* inner = dynamic_cast<antlr4::ParserRuleContext*>(context->children[i])) stop = inner->getStop();
  }
  return {begin.file, begin.begin, stop == nullptr ? begin.end : std::max(begin.end, span_(*stop).end)};
}

ast::Expr AstBuilder::Number(const antlr4::Token& token) {
  ast::Expr out;
  out.kind = ExprKind::kNumber;
  out.text = token.getText();
  out.span = span_(token);
  std::string digits;
  for (const char c : out.text) {
    if (c != '_') digits += c;
  }
  int base = 10;
  size_t at = 0;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o' || digits[1] == 'b')) {
    base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8
                                                    : 2;
    at = 2;
  }
  uint64_t scale = 1;
  if (base == 10 && !digits.empty()) {
    const char suffix = digits.back();
    scale = suffix == 'K' ? 1u << 10 : suffix == 'M' ? 1u << 20
                                   : suffix == 'G'   ? 1u << 30
                                                     : 1;
    if (scale != 1) digits.pop_back();
  }
  unsigned __int128 value = 0;
  bool good = at < digits.size();
  for (; at < digits.size(); ++at) {
    const char c = digits[at];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                   : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                            : 99;
    if (digit >= base) good = false;
    value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
    if (value >> 64 != 0) good = false;
    if (!good) break;
  }
  value *= scale;
  if (!good || value >> 64 != 0) {
    sink_.Report(diag::Kind::kBadNumber, out.span, fmt::format("`{}` is no number of at most 64 bits", out.text)).Help("numbers are `42`, `0x2a`, `0o52`, `0b101010`, with `_` between digits and K, M or G after decimal ones");
    value = 0;
  }
  out.number = static_cast<uint64_t>(value);
  return out;
}

ast::Expr AstBuilder::String(const antlr4::Token& token) {
  ast::Expr out;
  out.kind = ExprKind::kString;
  out.span = span_(token);
  const std::string text = token.getText();
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      out.text += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'n') {
      out.text += '\n';
    } else if (c == 't') {
      out.text += '\t';
    } else if (c == '"' || c == '\\') {
      out.text += c;
    } else if (c == 'x' && i + 3 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 && std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0) {
      out.text += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      sink_.Report(diag::Kind::kBadEscape, out.span, fmt::format("`\\{}` is no escape sequence", c)).Help("escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\xHH`; for a pattern's backslash write `\\\\`");
    }
  }
  return out;
}

ast::Expr AstBuilder::Expr(Parser::ExprContext* context) {
  ast::Expr out;
  out.span = SpanOf(context);
  if (auto* c = dynamic_cast<Parser::NumberContext*>(context)) return Number(*c->NUMBER()->getSymbol());
  if (auto* c = dynamic_cast<Parser::StringContext*>(context)) return String(*c->STRING()->getSymbol());
  if (auto* c = dynamic_cast<Parser::GroupContext*>(context)) return Expr(c->expr());
  if (auto* c = dynamic_cast<Parser::NameContext*>(context)) {
    out.kind = ExprKind::kName;
    out.text = c->NAME()->getText();
  } else if (auto* v = dynamic_cast<Parser::VersionContext*>(context)) {
    out.kind = ExprKind::kVersion;
    out.text = v->VERSION()->getText();
  } else if (auto* call = dynamic_cast<Parser::CallContext*>(context)) {
    out.kind = ExprKind::kCall;
    out.text = call->NAME()->getText();
    for (Parser::ArgumentContext* argument : call->argument()) {
      ast::Expr value = Expr(argument->expr());
      if (argument->NAME() != nullptr) {
        ast::Expr assign;
        assign.kind = ExprKind::kAssign;
        assign.text = argument->NAME()->getText();
        assign.span = SpanOf(argument);
        assign.children.push_back(std::move(value));
        value = std::move(assign);
      }
      out.children.push_back(std::move(value));
    }
  } else if (auto* set = dynamic_cast<Parser::SetContext*>(context)) {
    out.kind = ExprKind::kSet;
    for (Parser::ExprContext* child : set->expr()) out.children.push_back(Expr(child));
  } else if (auto* range = dynamic_cast<Parser::RangeContext*>(context)) {
    out.kind = ExprKind::kRange;
    for (Parser::ExprContext* child : range->expr()) out.children.push_back(Expr(child));
  } else if (auto* unary = dynamic_cast<Parser::UnaryContext*>(context)) {
    out.kind = ExprKind::kUnary;
    out.op = OpOf(unary->op->getType());
    out.children.push_back(Expr(unary->expr()));
  } else if (auto* negation = dynamic_cast<Parser::Not_Context*>(context)) {
    out.kind = ExprKind::kUnary;
    out.op = Op::kNot;
    out.children.push_back(Expr(negation->expr()));
  } else if (auto* binary = dynamic_cast<Parser::BinaryContext*>(context)) {
    out.kind = ExprKind::kBinary;
    out.op = OpOf(binary->op->getType());
    for (Parser::ExprContext* child : binary->expr()) out.children.push_back(Expr(child));
  }
  return out;
}

AstBuilder::Parts AstBuilder::Split(const std::vector<Parser::ItemContext*>& items, size_t label_at) {
  Parts parts;
  std::string open;  // "with", "because"
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i]->expr() == nullptr) continue;
    ast::Expr expr = Expr(items[i]->expr());
    const bool word = expr.kind == ExprKind::kName && i != label_at;
    if (word && IsBareWord(expr.text) && open != "with") {
      parts.clauses.push_back({{expr.text, expr.span}, {}, {}, expr.span});
      open.clear();
      continue;
    }
    const bool kill = open == "with" && parts.action && parts.action->kind == ExprKind::kName && parts.action->text == "kill";
    if (word && ClauseWords().count(expr.text) != 0 && !kill) {
      open = expr.text;
      if (open != "with" && open != "because") parts.clauses.push_back({{expr.text, expr.span}, {}, {}, expr.span});
      continue;
    }
    if (open == "with") {
      if (kill) {
        parts.action->kind = ExprKind::kCall;
        parts.action->span.end = expr.span.end;
        parts.action->children.push_back(std::move(expr));
        open.clear();
      } else if (parts.action) {
        sink_.Report(diag::Kind::kSyntaxError, expr.span, "one action is enough");
      } else {
        parts.action = std::move(expr);
      }
    } else if (open == "because") {
      if (expr.kind != ExprKind::kString || parts.because) sink_.Report(diag::Kind::kSyntaxError, expr.span, "`because` takes one string");
      parts.because = std::move(expr);
    } else if (!open.empty()) {
      ast::Clause& clause = parts.clauses.back();
      if (i > 0 && items[i - 1]->PLUS() != nullptr && !clause.values.empty()) clause.joined.push_back(clause.values.size());
      clause.span.end = expr.span.end;
      clause.values.push_back(std::move(expr));
    } else if (!parts.clauses.empty()) {
      sink_.Report(diag::Kind::kSyntaxError, expr.span, "this belongs to no clause");
    } else {
      parts.subjects.push_back(std::move(expr));
    }
  }
  return parts;
}

std::vector<ast::Name> AstBuilder::Names(const std::vector<ast::Expr>& exprs) {
  std::vector<ast::Name> names;
  for (const ast::Expr& expr : exprs) {
    if (expr.kind == ExprKind::kName) {
      names.push_back({expr.text, expr.span});
    } else {
      sink_.Report(diag::Kind::kSyntaxError, expr.span, "a name is needed here");
    }
  }
  return names;
}

void AstBuilder::AddWords(Parser::WordsContext* context, ast::Block& block) {
  const std::string word = context->keyword->getText();
  const source::Span span = SpanOf(context);
  // A label may be any word, `from` as well.
  Parts parts = Split(context->item(), word == "accept" ? 1 : std::string::npos);
  const auto wrong = [&](std::string_view message) { sink_.Report(diag::Kind::kSyntaxError, span, std::string(message)); };
  const auto first_is = [&](std::string_view name) { return !parts.subjects.empty() && parts.subjects[0].kind == ExprKind::kName && parts.subjects[0].text == name; };
  if (word == "import") {
    if (parts.subjects.size() != 1 || parts.subjects[0].kind != ExprKind::kString) return wrong("write `import \"file.rav\"`");
    Push(block, block.imports, ast::StatementKind::kImport, ast::Import{parts.subjects[0], span});
  } else if (word == "attach" || word == "architectures") {
    Push(block, block.properties, ast::StatementKind::kProperty, ast::Property{word == "attach" ? ast::PropertyKind::kAttach : ast::PropertyKind::kArchitectures, parts.subjects, {}, span});
  } else if (word == "limit") {
    if (parts.subjects.size() != 2 || parts.subjects[0].kind != ExprKind::kName || !parts.clauses.empty()) return wrong("write `limit RLIMIT_NOFILE 1024`");
    Push(block, block.properties, ast::StatementKind::kProperty, ast::Property{ast::PropertyKind::kLimit, parts.subjects, {}, span});
  } else if (word == "hat" || word == "child") {
    const bool good = parts.subjects.empty() && parts.clauses.size() == 1 && parts.clauses[0].keyword.text == "of" && parts.clauses[0].values.size() == 1 && parts.clauses[0].values[0].kind == ExprKind::kName;
    if (!good) return wrong(word == "hat" ? "write `hat of POLICY`" : "write `child of POLICY`");
    Push(block, block.properties, ast::StatementKind::kProperty, ast::Property{word == "hat" ? ast::PropertyKind::kHat : ast::PropertyKind::kChild, parts.clauses[0].values, {}, span});
  } else if (word == "reference") {
    if (!first_is("kernel") || parts.subjects.size() != 2) return wrong("write `reference kernel 6.1`");
    parts.subjects.erase(parts.subjects.begin());
    Push(block, block.properties, ast::StatementKind::kProperty, ast::Property{ast::PropertyKind::kReferenceKernel, parts.subjects, {}, span});
  } else if (word == "foreign" || word == "unknown") {
    const bool foreign = word == "foreign";
    if (!first_is(foreign ? "architecture" : "syscall") || parts.subjects.size() != 1 || !parts.action) return wrong(foreign ? "write `foreign architecture with ACTION`" : "write `unknown syscall with ACTION`");
    ast::Default d;
    d.of = foreign ? ast::DefaultOf::kForeignArchitecture : ast::DefaultOf::kUnknownSyscall;
    d.action = parts.action;
    d.because = parts.because;
    d.span = span;
    Push(block, block.defaults, ast::StatementKind::kDefault, std::move(d));
  } else if (word == "accept") {
    const bool of_other = parts.subjects.size() == 4 && (parts.subjects[1].text == "default" || parts.subjects[1].text == "limit" || parts.subjects[1].text == "filesystem");
    const bool good = first_is("gap") && (parts.subjects.size() == 3 || of_other) && !parts.clauses.empty() && parts.clauses.size() <= 2 && parts.clauses[0].keyword.text == "on" && parts.clauses.back().keyword.text == (parts.clauses.size() == 2 ? "of" : "on") &&
                      (parts.subjects.back().text == "wider" || parts.subjects.back().text == "narrower");
    if (!good) return wrong("write `accept gap LABEL wider on seccomp of file { create } because \"...\"` (or `narrower`; `default FACET` for LABEL where no rule speaks of it, `limit RESOURCE` for a limit, `filesystem FACET` for what is labelled by its file system)");
    const auto names = Names(parts.subjects);
    if (names.size() != parts.subjects.size()) return;
    ast::Name of = names[1];
    if (of_other) of = {names[1].text + " " + names[2].text, names[2].span};
    ast::AcceptGap gap{of, names.back(), {}, {}, parts.because, span};
    const ast::Clause& on = parts.clauses[0];
    const auto layers = Names(on.values);
    if (layers.size() != on.values.size()) return;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (std::find(on.joined.begin(), on.joined.end(), i) == on.joined.end()) gap.layer_sets.emplace_back();
      gap.layer_sets.back().push_back(layers[i]);
    }
    if (parts.clauses.size() == 2) {
      const std::vector<ast::Expr>& bound = parts.clauses[1].values;
      for (const ast::Expr& one : bound) {
        if (one.kind == ExprKind::kName) {
          gap.bound.push_back({{one.text, one.span}, std::nullopt});
        } else if (one.kind == ExprKind::kSet && !gap.bound.empty() && !gap.bound.back().second) {
          gap.bound.back().second = Names(one.children);
        } else {
          return wrong("after `of` stand facets with their operations: `of file { create, delete }`");
        }
      }
      if (bound.empty()) return wrong("after `of` stand facets with their operations: `of file { create, delete }`");
    }
    Push(block, block.gaps, ast::StatementKind::kAcceptGap, std::move(gap));
  } else {
    if (parts.subjects.size() != 2 || parts.subjects[0].kind != ExprKind::kName || parts.subjects[1].kind != ExprKind::kString) return wrong("write `raw apparmor \"...\"`");
    Push(block, block.raws, ast::StatementKind::kRaw, ast::Raw{{parts.subjects[0].text, parts.subjects[0].span}, parts.subjects[1], parts.because, span});
  }
}

void AstBuilder::AddRule(Parser::Rule_Context* context, ast::Block& block) {
  ast::Rule rule;
  rule.span = SpanOf(context);
  if (context->COLON() != nullptr) rule.label = NameOf(context->NAME(0)->getSymbol());
  for (auto* verb : context->VERB()) rule.verbs.push_back(VerbOf(verb->getText()));
  if (rule.verbs.size() > 2) sink_.Report(diag::Kind::kSyntaxError, rule.span, "a rule has at most two verbs");
  rule.kind = NameOf(context->NAME().back()->getSymbol());
  Parts parts = Split(context->item());
  rule.subjects = std::move(parts.subjects);
  rule.clauses = std::move(parts.clauses);
  rule.action = std::move(parts.action);
  rule.because = std::move(parts.because);
  Push(block, block.rules, ast::StatementKind::kRule, std::move(rule));
}

ast::Expectation AstBuilder::Expectation(Parser::ExpectContext* context) {
  ast::Expectation out;
  out.permit = context->EXPECT()->getText() == "permit";
  out.event.span = SpanOf(context);
  out.event.kind = NameOf(context->NAME()->getSymbol());
  Parts parts = Split(context->item());
  out.event.subjects = std::move(parts.subjects);
  out.event.clauses = std::move(parts.clauses);
  out.event.action = std::move(parts.action);
  out.event.because = std::move(parts.because);
  return out;
}

std::vector<ast::Parameter> AstBuilder::Parameters(Parser::ModuleContext* context) {
  std::vector<ast::Parameter> out;
  for (Parser::ParameterContext* p : context->parameter()) {
    out.push_back({NameOf(p->NAME()->getSymbol()), p->expr() != nullptr ? std::optional(Expr(p->expr())) : std::nullopt});
  }
  return out;
}

void AstBuilder::AddStatement(Parser::StatementContext* context, ast::Block& block) {
  const source::Span span = SpanOf(context);
  if (auto* rule = dynamic_cast<Parser::Rule_Context*>(context)) return AddRule(rule, block);
  if (auto* words = dynamic_cast<Parser::WordsContext*>(context)) return AddWords(words, block);
  if (auto* binding = dynamic_cast<Parser::BindingContext*>(context)) {
    const std::string word = binding->BINDING()->getText();
    ast::Binding out{word == "resource" ? ast::BindingKind::kResource : word == "set" ? ast::BindingKind::kSet
                                                                                      : ast::BindingKind::kLet,
                     NameOf(binding->NAME()->getSymbol()),
                     {},
                     span};
    for (Parser::ExprContext* value : binding->exprs()->expr()) out.values.push_back(Expr(value));
    Push(block, block.bindings, ast::StatementKind::kBinding, std::move(out));
  } else if (auto* layers = dynamic_cast<Parser::LayersContext*>(context)) {
    ast::Property out{ast::PropertyKind::kLayers, {}, {}, span};
    for (Parser::LayerSetContext* set : layers->layerSet()) {
      std::vector<ast::Name> names;
      for (auto* name : set->NAME()) names.push_back(NameOf(name->getSymbol()));
      out.layer_sets.push_back(std::move(names));
    }
    Push(block, block.properties, ast::StatementKind::kProperty, std::move(out));
  } else if (auto* use = dynamic_cast<Parser::UseContext*>(context)) {
    Parts parts = Split(use->item());
    if (parts.subjects.size() != 1 || (parts.subjects[0].kind != ExprKind::kName && parts.subjects[0].kind != ExprKind::kCall)) {
      sink_.Report(diag::Kind::kSyntaxError, span, "write `use MODULE` or `use MODULE(argument = value)`");
      return;
    }
    Push(block, block.uses, ast::StatementKind::kUse, ast::Use{{parts.subjects[0].text, parts.subjects[0].span}, parts.subjects[0].children, parts.because, span});
  } else if (auto* defaults = dynamic_cast<Parser::DefaultsContext*>(context)) {
    ast::Default out;
    out.span = span;
    const std::string verb = defaults->VERB()->getText();
    if (verb != "allow" && verb != "deny") sink_.Report(diag::Kind::kSyntaxError, span, "a default is `default deny` or `default allow`");
    out.allow = verb == "allow";
    Parts parts = Split(defaults->item());
    for (const ast::Clause& clause : parts.clauses) sink_.Report(diag::Kind::kUnknownClause, clause.span, fmt::format("a default takes no `{}`", clause.keyword.text));
    out.facets = Names(parts.subjects);
    out.action = parts.action;
    out.because = parts.because;
    Push(block, block.defaults, ast::StatementKind::kDefault, std::move(out));
  }
}

}  // namespace ravelin::syntax
