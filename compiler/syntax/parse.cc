#include "compiler/syntax/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "compiler/base/check.h"
#include "compiler/syntax/build_ast.h"
#include "compiler/syntax/statements.h"

namespace ravelin::syntax {
namespace {

using Parser = ravelin_grammar::RavelinParser;

// Longest chain of operators in one statement: the tree is as deep as the chain is long.
constexpr size_t kMaxOperators = 1000;

// Words that begin a statement, for "did you mean".
const std::vector<std::string_view> kStatementWords = {"policy", "module", "import", "allow", "deny", "audit", "quiet", "complain", "never", "narrow", "default", "use", "resource", "set", "let", "when", "unknown", "architectures", "attach", "layers", "reference", "accept", "raw", "foreign", "language", "test", "permit", "refuse"};

// The first mistake of a statement; the others follow from it.
class FirstError : public antlr4::BaseErrorListener {
 public:
  void syntaxError(antlr4::Recognizer*, antlr4::Token* token, size_t, size_t, const std::string& message, std::exception_ptr) override {
    if (seen) return;
    seen = true;
    offending = token;
    text = message;
  }
  bool seen = false;
  antlr4::Token* offending = nullptr;
  std::string text;
};

class FileParser {
 public:
  FileParser(const source::SourceManager& sources, source::FileId file, diag::Sink& sink) : text_(sources.Text(file)), file_(file), sink_(sink) {}

  ast::File Run() {
    out_.file = file_;
    out_.language_span = {file_, 0, 0};
    if (text_.size() > kMaxSourceBytes) {
      sink_.Report(diag::Kind::kFileTooLarge, {file_, 0, 0}, fmt::format("the file has {} bytes, more than {}", text_.size(), kMaxSourceBytes));
      return std::move(out_);
    }
    const Scanned scanned = Prescan(file_, text_, sink_);
    if (!scanned.readable) return std::move(out_);
    StatementReader reader(file_, text_, scanned, sink_, out_.comments);
    reader_ = &reader;
    AstBuilder builder([&](const antlr4::Token& token) { return reader.SpanOf(token); }, sink_);
    builder_ = &builder;
    blocks_.emplace_back();
    blocks_.back().block = &out_.shared;
    while (true) {
      StatementTokens statement = reader.Next();
      if (statement.ending == Ending::kEnd) break;
      if (statement.ending == Ending::kClosesBlock) {
        if (after_else_) DanglingElse(statement.span);
        CloseImplied();
        Close(statement.span);
      } else if (statement.ending == Ending::kElse) {
        if (after_else_) DanglingElse(statement.span);
        Else(statement.span);
      } else {
        if (!after_else_) CloseImplied();
        else_may_follow_ = false;
        Handle(std::move(statement), std::exchange(after_else_, false));
      }
      if (stop_) return std::move(out_);
    }
    if (after_else_) DanglingElse({file_, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())});
    CloseImplied();
    if (blocks_.size() > 1) {
      sink_.Report(diag::Kind::kSyntaxError, {file_, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())}, "a block is not closed: `}` is missing").Note(blocks_.back().opened, "opened here");
      while (blocks_.size() > 1) Close({file_, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())});
    }
    if (!out_.language) MissingLanguage();
    return std::move(out_);
  }

 private:
  enum class Kind { kTop, kModule, kPolicy, kTest, kThen, kElse };
  // Blocks under construction are owned here and moved into their parents when they close: parents' vectors may grow.
  struct Open {
    Kind kind = Kind::kTop;
    ast::Block* block = nullptr;
    source::Span opened;
    std::unique_ptr<ast::Block> own;
    std::unique_ptr<ast::When> when;
    ast::Name name;
    std::vector<ast::Parameter> parameters;
    std::vector<ast::Expectation> expectations;  // of a test
    bool implied = false;  // the block of `else when`, which has no braces of its own
  };

  // `else when` blocks end where the chain does.
  void CloseImplied() {
    while (blocks_.back().implied) {
      const uint32_t end = blocks_.back().block->whens.empty() ? blocks_.back().opened.end : blocks_.back().block->whens.back().span.end;
      Close({file_, end, end});
    }
  }

  void MissingLanguage() {
    if (reported_language_) return;
    reported_language_ = true;
    sink_.Report(diag::Kind::kMissingLanguage, {file_, 0, 0}, "the file does not begin with a language line").Help("write `language 1` in its first line");
  }

  // Parses the tokens of one statement; null after a diagnostic.
  Parser::StatementContext* ParseTokens(TokenList tokens) {
    Check(tokens);
    if (too_deep_) return nullptr;
    const source::Span end = reader_->SpanOf(*tokens.back());
    source_ = std::make_unique<antlr4::ListTokenSource>(std::move(tokens));
    stream_ = std::make_unique<antlr4::CommonTokenStream>(source_.get());
    if (!parser_) {
      parser_ = std::make_unique<Parser>(stream_.get());
      parser_->removeErrorListeners();
    } else {
      parser_->setTokenStream(stream_.get());
    }
    // Local context decides all but never and costs half; where it finds a mistake, full context has the last word.
    FirstError local;
    if (Parser::StatementContext* tree = Statement(antlr4::atn::PredictionMode::SLL, local); !local.seen) return tree;
    stream_->seek(0);
    parser_->reset();
    FirstError listener;
    if (Parser::StatementContext* tree = Statement(antlr4::atn::PredictionMode::LL, listener); !listener.seen) return tree;
    Report(listener, end);
    return nullptr;
  }

  Parser::StatementContext* Statement(antlr4::atn::PredictionMode mode, FirstError& listener) {
    parser_->getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(mode);
    parser_->addErrorListener(&listener);
    Parser::StatementContext* tree = parser_->statement();
    parser_->removeErrorListeners();
    return tree;
  }

  void Check(const TokenList& tokens) {
    size_t operators = 0;
    for (const auto& token : tokens) {
      const size_t type = token->getType();
      const bool op = type >= Parser::EQ && type <= Parser::MINUS && type != Parser::ASSIGN && type != Parser::PLUS;
      if (type == Parser::COMMA) operators = 0;
      operators += op ? 1 : 0;
      if (operators <= kMaxOperators) continue;
      too_deep_ = true;
      sink_.Report(diag::Kind::kNestingTooDeep, reader_->SpanOf(*token), fmt::format("more than {} operators in one expression", kMaxOperators)).Help("use a set: `in { a, b, ... }`");
      return;
    }
    too_deep_ = false;
  }

  void Report(const FirstError& error, source::Span end) {
    const bool at_end = error.offending == nullptr || error.offending->getType() == antlr4::Token::EOF;
    const source::Span span = at_end ? source::Span{end.file, end.end, end.end} : reader_->SpanOf(*error.offending);
    if (!at_end && error.offending->getType() == Parser::OPEN_STRING) return;  // reported when it was read
    const std::string found = at_end ? "the end of the statement" : fmt::format("`{}`", error.offending->getText());
    auto& d = sink_.Report(diag::Kind::kSyntaxError, span, fmt::format("{} is not expected here", found));
    if (at_end) return;
    const std::string word = error.offending->getText();
    if (word == "=") d.Help("use `==` to compare");
    if (word == "'") d.Help("strings stand in double quotes");
    if (error.offending->getType() == Parser::NAME) {
      const std::string hint = diag::DidYouMean(word, kStatementWords);
      if (hint == fmt::format("did you mean `{}`?", word)) {
        d.Help("a statement begins on a line of its own");
        return;
      }
      if (!hint.empty()) d.Help(hint);
    }
  }

  void Handle(StatementTokens statement, bool after_else) {
    const source::Span first = reader_->SpanOf(*statement.tokens.front());
    const size_t type = statement.tokens.front()->getType();
    const std::string word = statement.tokens.front()->getText();
    const bool opens = statement.ending == Ending::kOpensBlock;
    // A misspelt word is likelier than a rule that begins with a name.
    if (type == Parser::NAME && !(statement.tokens.size() > 1 && statement.tokens[1]->getType() == Parser::COLON)) {
      auto& d = sink_.Report(diag::Kind::kSyntaxError, first, fmt::format("`{}` begins no statement", word));
      const std::string hint = diag::DidYouMean(word, kStatementWords);
      if (hint == fmt::format("did you mean `{}`?", word)) {
        d.Help("a statement begins on a line of its own");
        return;
      }
      if (!hint.empty()) d.Help(hint);
      return;
    }
    if (!out_.language && type != Parser::LANGUAGE) MissingLanguage();
    Parser::StatementContext* tree = ParseTokens(std::move(statement.tokens));
    if (tree == nullptr) {
      if (opens) OpenDropped(first);
      return;
    }
    if (after_else && dynamic_cast<Parser::WhenContext*>(tree) == nullptr) {
      DanglingElse(first);
      CloseImplied();
    }
    if (auto* language = dynamic_cast<Parser::LanguageContext*>(tree)) return Language(language, first);
    if (auto* module = dynamic_cast<Parser::ModuleContext*>(tree)) return OpenNamed(Kind::kModule, module->NAME()->getSymbol(), first, builder_->Parameters(module));
    if (auto* policy = dynamic_cast<Parser::PolicyContext*>(tree)) return OpenNamed(Kind::kPolicy, policy->NAME()->getSymbol(), first, {});
    if (auto* test = dynamic_cast<Parser::TestContext*>(tree)) return OpenNamed(Kind::kTest, test->NAME()->getSymbol(), first, {});
    if (auto* expect = dynamic_cast<Parser::ExpectContext*>(tree)) {
      if (blocks_.back().kind == Kind::kTest) {
        blocks_.back().expectations.push_back(builder_->Expectation(expect));
      } else if (dropped_ == 0) {
        sink_.Report(diag::Kind::kMisplacedStatement, first, fmt::format("`{}` stands outside of a test", word)).Help("move it into `test POLICY { ... }`");
      }
      return;
    }
    if (InTest()) {
      sink_.Report(diag::Kind::kMisplacedStatement, first, fmt::format("`{}` stands inside a test", word)).Help("a test holds `permit` and `refuse` lines");
      if (opens) OpenDropped(first);
      return;
    }
    if (auto* when = dynamic_cast<Parser::WhenContext*>(tree)) {
      if (after_else) OpenBlock(Kind::kElse, first, {}).implied = true;
      Open& open = OpenBlock(Kind::kThen, first, {});
      open.when = std::make_unique<ast::When>();
      open.when->condition = builder_->Expr(when->expr());
      open.when->span = first;
      return;
    }
    if (Misplaced(type, word, first, tree)) return;
    const size_t before = blocks_.back().block->order.size();
    builder_->AddStatement(tree, *blocks_.back().block);
    if (blocks_.size() == 1) {
      for (size_t i = before; i < out_.shared.order.size(); ++i) out_.order.push_back({ast::TopKind::kShared, static_cast<uint32_t>(i)});
    }
  }

  bool InPolicyOrModule() const {
    return std::any_of(blocks_.begin(), blocks_.end(), [](const Open& open) { return open.kind == Kind::kModule || open.kind == Kind::kPolicy; });
  }

  bool InTest() const { return blocks_.back().kind == Kind::kTest; }

  bool Misplaced(size_t type, const std::string& word, source::Span span, Parser::StatementContext* tree) {
    const bool inside = InPolicyOrModule() || dropped_ > 0;
    auto* rule = dynamic_cast<Parser::Rule_Context*>(tree);
    std::string problem;
    if (!inside && type != Parser::IMPORT && type != Parser::BINDING && !(rule != nullptr && rule->VERB(0)->getText() == "never")) problem = fmt::format("`{}` stands outside of a policy or module", word);
    if (blocks_.size() > 1 && type == Parser::IMPORT) problem = "`import` stands inside a block";
    if (problem.empty()) return false;
    sink_.Report(diag::Kind::kMisplacedStatement, span, problem).Help(type == Parser::IMPORT ? "move it to the top of the file" : "move it into `policy NAME { ... }`");
    return true;
  }

  void Language(Parser::LanguageContext* context, source::Span span) {
    if (out_.language || blocks_.size() > 1) {
      sink_.Report(diag::Kind::kMisplacedStatement, span, "the language is stated once, in the first line");
      return;
    }
    const std::string number = context->NUMBER()->getText();
    out_.language_span = builder_->SpanOf(context);
    out_.language = 1;
    if (number == "1") return;
    sink_.Report(diag::Kind::kUnknownLanguage, out_.language_span, fmt::format("version {} of the language is not known to this program", number)).Help("this program reads `language 1`; a newer one may read the file");
    stop_ = true;
  }

  Open& OpenBlock(Kind kind, source::Span span, ast::Name name) {
    Open open;
    open.kind = kind;
    open.opened = span;
    open.own = std::make_unique<ast::Block>();
    open.name = std::move(name);
    open.block = open.own.get();
    blocks_.push_back(std::move(open));
    else_may_follow_ = false;
    return blocks_.back();
  }

  // A block that is read for its mistakes and for its `}`, and left out of the tree.
  void OpenDropped(source::Span span) {
    OpenBlock(Kind::kThen, span, {}).when = std::make_unique<ast::When>();
    blocks_.back().name.text = "(dropped)";
    ++dropped_;
  }

  void OpenNamed(Kind kind, const antlr4::Token* name, source::Span span, std::vector<ast::Parameter> parameters) {
    const bool nested = blocks_.size() > 1;
    if (nested) {
      sink_.Report(diag::Kind::kMisplacedStatement, span, fmt::format("a {} stands inside another block", kind == Kind::kModule ? "module" : kind == Kind::kTest ? "test" : "policy")).Help("policies, modules and tests stand side by side in a file");
    }
    OpenBlock(kind, span, builder_->NameOf(name)).parameters = std::move(parameters);
  }

  void Close(source::Span span) {
    if (blocks_.size() == 1) {
      sink_.Report(diag::Kind::kSyntaxError, span, "`}` closes nothing");
      return;
    }
    Open open = std::move(blocks_.back());
    blocks_.pop_back();
    else_may_follow_ = false;
    if (open.name.text == "(dropped)") {
      --dropped_;
      return;
    }
    const source::Span whole{file_, open.opened.begin, span.end};
    ast::Block& parent = *blocks_.back().block;
    if (open.kind == Kind::kPolicy || open.kind == Kind::kModule || open.kind == Kind::kTest) {
      if (blocks_.size() > 1) return;  // misplaced, reported when it opened
      if (open.kind == Kind::kTest) {
        out_.order.push_back({ast::TopKind::kTest, static_cast<uint32_t>(out_.tests.size())});
        out_.tests.push_back({open.name, std::move(open.expectations), whole, span});
      } else if (open.kind == Kind::kPolicy) {
        out_.order.push_back({ast::TopKind::kPolicy, static_cast<uint32_t>(out_.policies.size())});
        out_.policies.push_back({open.name, std::move(*open.own), whole, span});
      } else {
        out_.order.push_back({ast::TopKind::kModule, static_cast<uint32_t>(out_.modules.size())});
        out_.modules.push_back({open.name, std::move(open.parameters), std::move(*open.own), whole, span});
      }
      return;
    }
    if (open.kind == Kind::kThen) {
      open.when->then_block = std::move(*open.own);
      open.when->span = whole;
      open.when->then_end = span;
      parent.order.push_back({ast::StatementKind::kWhen, static_cast<uint32_t>(parent.whens.size())});
      if (blocks_.size() == 1) out_.order.push_back({ast::TopKind::kShared, static_cast<uint32_t>(parent.order.size() - 1)});
      parent.whens.push_back(std::move(*open.when));
      else_may_follow_ = true;
      return;
    }
    RAVELIN_CHECK(!parent.whens.empty(), "an else block without its when");
    parent.whens.back().else_block = std::move(*open.own);
    parent.whens.back().has_else = true;
    parent.whens.back().span.end = span.end;
  }

  // `else {` or `else when COND {`
  void Else(source::Span span) {
    const bool follows = std::exchange(else_may_follow_, false);
    if (!follows) sink_.Report(diag::Kind::kSyntaxError, span, "`else` follows no `when` block");
    const source::Span opened = reader_->PeekBlock();
    if (opened.IsValid()) {
      follows ? static_cast<void>(OpenBlock(Kind::kElse, opened, {})) : OpenDropped(opened);
    } else {
      after_else_ = follows;
    }
  }

  void DanglingElse(source::Span span) {
    sink_.Report(diag::Kind::kSyntaxError, span, "`else` is followed by neither a block nor `when`").Help("write `else { ... }` or `else when CONDITION { ... }`");
    after_else_ = false;
  }

  std::string_view text_;
  source::FileId file_;
  diag::Sink& sink_;
  ast::File out_;
  StatementReader* reader_ = nullptr;
  AstBuilder* builder_ = nullptr;
  std::vector<Open> blocks_;
  std::unique_ptr<antlr4::ListTokenSource> source_;
  std::unique_ptr<antlr4::CommonTokenStream> stream_;
  std::unique_ptr<Parser> parser_;
  bool else_may_follow_ = false;  // the last statement of the innermost block is a `when`
  int dropped_ = 0;
  bool after_else_ = false;  // `else` was read, and no `{`
  bool too_deep_ = false;
  bool reported_language_ = false;
  bool stop_ = false;
};

}  // namespace

ast::File Parse(const source::SourceManager& sources, source::FileId file, diag::Sink& sink) { return FileParser(sources, file, sink).Run(); }

namespace {

// A text that is one statement's worth of tokens, outside of a file.
class Fragment {
 public:
  Fragment(const source::SourceManager& sources, source::FileId file, diag::Sink& sink) : file_(file), text_(sources.Text(file)), sink_(sink), scanned_(Prescan(file, text_, sink)) {}

  // `read` asks the parser for a tree; nothing where it saw a mistake, which is reported as `this is no WHAT`.
  template <typename Read>
  auto Parse(bool is_expectation, const char* what, const Read& read) -> std::optional<decltype(read(std::declval<Parser&>(), std::declval<AstBuilder&>()))> {
    if (!scanned_.readable) return std::nullopt;
    std::vector<ast::Comment> comments;
    const size_t errors = sink_.ErrorCount();
    StatementReader reader(file_, text_, scanned_, sink_, comments);
    StatementTokens tokens = reader.Next();
    const auto wrong = [&](source::Span span) {
      if (sink_.ErrorCount() == errors) {
        auto& d = sink_.Report(diag::Kind::kSyntaxError, span, fmt::format("this is no {}", what));
        if (is_expectation) d.Help("write it as a line of a test: `file read \"/etc/shadow\"`, `network { connect, send } tcp port 443`");
      }
      return std::nullopt;
    };
    if (tokens.tokens.empty() || tokens.ending != Ending::kLine) return wrong({file_, 0, static_cast<uint32_t>(text_.size())});
    // Outside of a file no word begins a statement: `set` is a name like any other.
    auto* first = dynamic_cast<antlr4::WritableToken*>(tokens.tokens.front().get());
    const bool expects = is_expectation && first->getType() == Parser::EXPECT;
    if (!expects && first->getType() >= Parser::LANGUAGE && first->getType() <= Parser::VERB) first->setType(Parser::NAME);
    if (is_expectation && !expects) {
      auto word = std::make_unique<antlr4::CommonToken>(tokens.tokens.front().get());
      word->setType(Parser::EXPECT);
      word->setText("permit");
      tokens.tokens.insert(tokens.tokens.begin(), std::move(word));
    }
    antlr4::ListTokenSource list(std::move(tokens.tokens));
    antlr4::CommonTokenStream stream(&list);
    Parser parser(&stream);
    parser.removeErrorListeners();
    FirstError listener;
    parser.addErrorListener(&listener);
    AstBuilder builder([&](const antlr4::Token& token) { return reader.SpanOf(token); }, sink_);
    auto tree = read(parser, builder);
    if (listener.seen) return wrong(listener.offending != nullptr ? reader.SpanOf(*listener.offending) : source::Span{file_, 0, 0});
    if (sink_.ErrorCount() != errors) return std::nullopt;
    return tree;
  }

 private:
  source::FileId file_;
  std::string_view text_;
  diag::Sink& sink_;
  Scanned scanned_;
};

}  // namespace

std::optional<ast::Expr> ParseExpression(const source::SourceManager& sources, source::FileId file, diag::Sink& sink) {
  return Fragment(sources, file, sink).Parse(false, "expression", [](Parser& parser, AstBuilder& builder) {
    auto* tree = parser.whole();
    return parser.getNumberOfSyntaxErrors() == 0 ? builder.Expr(tree->expr()) : ast::Expr();
  });
}

std::optional<ast::Expectation> ParseExpectation(const source::SourceManager& sources, source::FileId file, diag::Sink& sink) {
  return Fragment(sources, file, sink).Parse(true, "attempt", [](Parser& parser, AstBuilder& builder) {
    auto* tree = dynamic_cast<Parser::ExpectContext*>(parser.statement());
    return tree != nullptr && parser.getNumberOfSyntaxErrors() == 0 ? builder.Expectation(tree) : ast::Expectation();
  });
}

std::string ParserVersion() { return fmt::format("antlr {} / runtime 4.9", RAVELIN_ANTLR_TOOL); }

}  // namespace ravelin::syntax
