#include "compiler/syntax/statements.h"

#include <algorithm>
#include <map>

#include "RavelinLexer.h"

namespace ravelin::syntax {
namespace {

using ravelin_grammar::RavelinLexer;

const std::map<std::string, size_t>& LeadingWords() {
  static const std::map<std::string, size_t> words = {
      {"language", RavelinLexer::LANGUAGE}, {"import", RavelinLexer::IMPORT}, {"module", RavelinLexer::MODULE}, {"policy", RavelinLexer::POLICY}, {"attach", RavelinLexer::ATTACH}, {"layers", RavelinLexer::LAYERS}, {"architectures", RavelinLexer::ARCHITECTURES}, {"foreign", RavelinLexer::FOREIGN}, {"reference", RavelinLexer::REFERENCE}, {"use", RavelinLexer::USE}, {"resource", RavelinLexer::BINDING}, {"set", RavelinLexer::BINDING}, {"let", RavelinLexer::BINDING}, {"default", RavelinLexer::DEFAULT}, {"unknown", RavelinLexer::UNKNOWN}, {"when", RavelinLexer::WHEN}, {"accept", RavelinLexer::ACCEPT}, {"raw", RavelinLexer::RAW}, {"limit", RavelinLexer::LIMIT}, {"hat", RavelinLexer::HAT}, {"child", RavelinLexer::CHILD}, {"test", RavelinLexer::TEST}, {"permit", RavelinLexer::EXPECT}, {"refuse", RavelinLexer::EXPECT}, {"allow", RavelinLexer::VERB}, {"deny", RavelinLexer::VERB}, {"audit", RavelinLexer::VERB}, {"quiet", RavelinLexer::VERB}, {"complain", RavelinLexer::VERB}, {"never", RavelinLexer::VERB}, {"narrow", RavelinLexer::VERB}};
  return words;
}

size_t TypeOf(const antlr4::Token& token) { return token.getType(); }

void Retype(antlr4::Token& token, size_t type) { dynamic_cast<antlr4::WritableToken&>(token).setType(type); }

bool IsOperator(size_t type) {
  switch (type) {
    case RavelinLexer::EQ:
    case RavelinLexer::NE:
    case RavelinLexer::LE:
    case RavelinLexer::GE:
    case RavelinLexer::LT:
    case RavelinLexer::GT:
    case RavelinLexer::SHL:
    case RavelinLexer::SHR:
    case RavelinLexer::ASSIGN:
    case RavelinLexer::ANDAND:
    case RavelinLexer::OROR:
    case RavelinLexer::AMP:
    case RavelinLexer::PIPE:
    case RavelinLexer::CARET:
    case RavelinLexer::TILDE:
    case RavelinLexer::NOT:
    case RavelinLexer::PLUS:
    case RavelinLexer::MINUS:
    case RavelinLexer::RANGE:
    case RavelinLexer::IN:
      return true;
    default:
      return false;
  }
}

}  // namespace

StatementReader::StatementReader(source::FileId file, std::string_view text, const Scanned& scanned, diag::Sink& sink, std::vector<ast::Comment>& comments)
    : file_(file), text_(text), scanned_(scanned), sink_(sink), comments_(comments), input_(std::string(text.substr(text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0))) {
  auto lexer = std::make_unique<RavelinLexer>(&input_);
  lexer->removeErrorListeners();
  lexer_ = std::move(lexer);
  Refill();
}

StatementReader::~StatementReader() = default;

source::Span StatementReader::SpanOf(const antlr4::Token& token) const {
  // A byte-order mark was read past: one code point, three bytes.
  const size_t skipped = text_.substr(0, 3) == "\xef\xbb\xbf" ? 1 : 0;
  const auto byte = [&](size_t point) {
    if (scanned_.byte_of.empty()) return static_cast<uint32_t>(std::min(point, text_.size()));
    return scanned_.byte_of[std::min(point + skipped, scanned_.byte_of.size() - 1)];
  };
  if (TypeOf(token) == antlr4::Token::EOF) return {file_, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())};
  return {file_, byte(token.getStartIndex()), byte(token.getStopIndex() + 1)};
}

std::unique_ptr<antlr4::Token> StatementReader::Read() {
  while (true) {
    auto token = lexer_->nextToken();
    const source::Span span = SpanOf(*token);
    switch (TypeOf(*token)) {
      case RavelinLexer::LINE_COMMENT:
      case RavelinLexer::BLOCK_COMMENT: {
        const size_t line = text_.rfind('\n', span.begin == 0 ? 0 : span.begin - 1);
        const size_t begin = line == std::string_view::npos ? 0 : line + 1;
        const bool own_line = begin >= span.begin || text_.substr(begin, span.begin - begin).find_first_not_of(" \t") == std::string_view::npos;
        comments_.push_back({span, own_line});
        continue;
      }
      case RavelinLexer::OPEN_COMMENT:
        sink_.Report(diag::Kind::kUnterminatedComment, span, "the comment is not closed").Help("close it with `*/`");
        while (TypeOf(*token) != antlr4::Token::EOF) token = lexer_->nextToken();
        return token;
      case RavelinLexer::OPEN_STRING:
        sink_.Report(diag::Kind::kUnterminatedString, {span.file, span.begin, span.begin + 1}, "the string is not closed on its line").Help("close it with `\"`");
        return token;
      default:
        return token;
    }
  }
}

void StatementReader::Refill() {
  newline_before_ = false;
  ahead_ = Read();
  while (TypeOf(*ahead_) == RavelinLexer::NEWLINE) {
    newline_before_ = true;
    ahead_ = Read();
  }
}

// Whether the statement goes on across a newline.
bool StatementReader::Continues(const StatementTokens& so_far) {
  const size_t last = TypeOf(*so_far.tokens.back());
  if (last == RavelinLexer::COMMA || IsOperator(last)) return true;
  const size_t next = TypeOf(*ahead_);
  if (next == RavelinLexer::ANDAND || next == RavelinLexer::OROR || next == RavelinLexer::COMMA) return true;
  if (next != RavelinLexer::NAME) return false;
  const std::string word = ahead_->getText();
  return word == "with" || word == "because" || word == "on" || word == "as" || word == "of";
}

// Whether a bracket was left open: what comes begins another statement, or closes the block.  Nothing that is right has either here.
bool StatementReader::LeftOpen(const StatementTokens& so_far, bool in_parentheses) {
  const size_t last = TypeOf(*so_far.tokens.back());
  if (last == RavelinLexer::OPEN_STRING) return true;
  if (!newline_before_ || last == RavelinLexer::COMMA || last == RavelinLexer::LPAREN || last == RavelinLexer::LBRACE || last == RavelinLexer::IN || IsOperator(last)) return false;
  const size_t next = TypeOf(*ahead_);
  if (next == RavelinLexer::RBRACE) return in_parentheses;
  return next == RavelinLexer::NAME && LeadingWords().count(ahead_->getText()) != 0;
}

source::Span StatementReader::PeekBlock() {
  if (TypeOf(*ahead_) != RavelinLexer::LBRACE) return {};
  const source::Span span = SpanOf(*ahead_);
  Refill();
  return span;
}

StatementTokens StatementReader::Next() {
  StatementTokens out;
  while (TypeOf(*ahead_) == RavelinLexer::SEMI) Refill();
  const size_t first = TypeOf(*ahead_);
  if (first == antlr4::Token::EOF) {
    out.ending = Ending::kEnd;
    out.span = SpanOf(*ahead_);
    return out;
  }
  if (first == RavelinLexer::RBRACE || first == RavelinLexer::ELSE) {
    out.ending = first == RavelinLexer::ELSE ? Ending::kElse : Ending::kClosesBlock;
    out.span = SpanOf(*ahead_);
    Refill();
    return out;
  }
  bool opens_block = false;
  bool may_lead = true;  // the next word may be one that begins a statement
  size_t depth = 0;
  std::vector<bool> parentheses;  // one for each open bracket
  while (true) {
    const size_t type = TypeOf(*ahead_);
    if (type == antlr4::Token::EOF || type == RavelinLexer::SEMI) break;
    if (depth == 0 && (type == RavelinLexer::RBRACE || type == RavelinLexer::ELSE)) break;
    if (depth > 0 && LeftOpen(out, parentheses.back())) break;
    if (depth == 0 && newline_before_ && !out.tokens.empty() && !Continues(out)) break;
    if (type == RavelinLexer::NAME && may_lead) {
      const auto word = LeadingWords().find(ahead_->getText());
      if (word != LeadingWords().end() && (out.tokens.empty() || word->second == RavelinLexer::VERB)) {
        Retype(*ahead_, word->second);
        may_lead = word->second == RavelinLexer::VERB || word->second == RavelinLexer::DEFAULT;
        opens_block = word->second == RavelinLexer::POLICY || word->second == RavelinLexer::MODULE || word->second == RavelinLexer::WHEN || word->second == RavelinLexer::TEST;
      } else {
        may_lead = out.tokens.empty();  // perhaps a label
      }
    } else if (type == RavelinLexer::COLON && out.tokens.size() == 1 && TypeOf(*out.tokens.front()) != RavelinLexer::VERB) {
      Retype(*out.tokens.front(), RavelinLexer::NAME);  // a label, whatever its word means elsewhere
      opens_block = false;
      may_lead = true;
    } else if (type != RavelinLexer::COLON) {
      may_lead = false;
    }
    const bool set_follows = !out.tokens.empty() && (TypeOf(*out.tokens.back()) == RavelinLexer::IN || IsOperator(TypeOf(*out.tokens.back())));
    if (opens_block && depth == 0 && type == RavelinLexer::LBRACE && !set_follows) {
      Retype(*ahead_, RavelinLexer::LBLOCK);
      out.tokens.push_back(std::move(ahead_));
      out.ending = Ending::kOpensBlock;
      Refill();
      return out;
    }
    if (type == RavelinLexer::LPAREN || type == RavelinLexer::LBRACE) parentheses.push_back(type == RavelinLexer::LPAREN);
    if ((type == RavelinLexer::RPAREN || type == RavelinLexer::RBRACE) && !parentheses.empty()) parentheses.pop_back();
    depth = parentheses.size();
    out.tokens.push_back(std::move(ahead_));
    Refill();
  }
  return out;
}

}  // namespace ravelin::syntax
