// Canonical source text.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/ast/ast_text.h"
#include "compiler/ast/print_expr.h"

namespace ravelin::ast {
namespace {

constexpr size_t kWidth = 100;

const char* VerbWord(Verb verb) {
  switch (verb) {
    case Verb::kAllow:
      return "allow";
    case Verb::kDeny:
      return "deny";
    case Verb::kAudit:
      return "audit";
    case Verb::kQuiet:
      return "quiet";
    case Verb::kComplain:
      return "complain";
    case Verb::kNever:
      return "never";
    case Verb::kNarrow:
      return "narrow";
  }
  return "";
}

// A statement as words: a line may be broken before a word that may begin one, or inside brackets.
struct Line {
  std::string head;              // up to a long set's brace, or everything
  std::vector<std::string> set;  // items of the set that may be spread over lines
  std::string tail;              // after the closing brace
  bool has_set = false;
  std::vector<std::string> continued;  // clauses that may move to lines of their own (`with`, `because`, `on`)
};

class Formatter {
 public:
  Formatter(const File& file, std::string_view text) : file_(file), text_(text), print_(text) {}

  std::string Run() {
    if (file_.language) Statement(file_.language_span, Plain(fmt::format("language {}", *file_.language)));
    for (const TopItem& item : file_.order) {
      if (item.kind == TopKind::kShared) {
        Item(file_.shared, file_.shared.order[item.index]);
      } else if (item.kind == TopKind::kModule) {
        const Module& module = file_.modules[item.index];
        std::string head = "module " + module.name.text;
        for (size_t i = 0; i < module.parameters.size(); ++i) {
          const Parameter& p = module.parameters[i];
          head += (i == 0 ? "(" : ", ") + p.name.text + (p.default_value ? " = " + print_.Expr(*p.default_value) : "");
        }
        if (!module.parameters.empty()) head += ")";
        Braces(head, module.body, module.span, module.close);
      } else if (item.kind == TopKind::kTest) {
        TestBlock(file_.tests[item.index]);
      } else {
        const Policy& policy = file_.policies[item.index];
        Braces("policy " + policy.name.text, policy.body, policy.span, policy.close);
      }
    }
    CommentsBefore(static_cast<uint32_t>(text_.size()));
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    return std::move(out_);
  }

 private:
  static Line Plain(std::string text) {
    Line line;
    line.head = std::move(text);
    return line;
  }

  std::string Indent() const { return std::string(2 * depth_, ' '); }
  std::string_view Slice(Span span) const { return text_.substr(span.begin, span.end - span.begin); }
  bool HasText() const { return !text_.empty(); }

  // A blank line of the source between what was written last and `begin` is kept, as one.
  void Gap(uint32_t begin) {
    if (!HasText() || out_.empty() || fresh_block_) {
      fresh_block_ = false;
      return;
    }
    size_t newlines = 0;
    for (uint32_t i = last_; i < begin && i < text_.size(); ++i) newlines += text_[i] == '\n' ? 1 : 0;
    if (newlines > 1) out_ += '\n';
  }

  void WriteComment(const Comment& comment) {
    // The lines of a block comment keep their places relative to one another.
    std::string_view body = Slice(comment.span);
    size_t at = 0;
    bool first = true;
    while (at <= body.size()) {
      size_t end = std::min(body.find('\n', at), body.size());
      std::string_view line = body.substr(at, end - at);
      while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
      if (!first) out_ += '\n';
      if (first) out_ += Indent();
      out_ += line;
      first = false;
      at = end + 1;
    }
    out_ += '\n';
  }

  void CommentsBefore(uint32_t offset) {
    while (next_ < file_.comments.size() && file_.comments[next_].span.begin < offset) {
      const Comment& comment = file_.comments[next_++];
      Gap(comment.span.begin);
      WriteComment(comment);
      last_ = comment.span.end;
    }
  }

  // Comments on the line where a statement ends stay there.
  std::string Trailing(uint32_t end) {
    std::string out;
    while (next_ < file_.comments.size()) {
      const Span& span = file_.comments[next_].span;
      const std::string_view between = text_.substr(end, span.begin > end ? span.begin - end : 0);
      if (span.begin < end || between.find('\n') != std::string_view::npos || between.find_first_not_of(" \t\r;") != std::string_view::npos) break;
      std::string_view body = Slice(span);
      while (!body.empty() && (body.back() == ' ' || body.back() == '\t' || body.back() == '\r')) body.remove_suffix(1);
      if (body.find('\n') != std::string_view::npos) break;
      out += "  ";
      out += body;
      end = span.end;
      last_ = end;
      ++next_;
    }
    return out;
  }

  bool CommentInside(Span span) const { return next_ < file_.comments.size() && file_.comments[next_].span.begin < span.end && file_.comments[next_].span.begin > span.begin; }

  // A statement with comments between its words keeps its lines; only indentation and trailing blanks change.
  void Verbatim(Span span) {
    std::string_view body = Slice(span);
    bool first = true;
    while (!body.empty()) {
      const size_t end = std::min(body.find('\n'), body.size());
      std::string_view line = body.substr(0, end);
      while (!line.empty() && std::string_view(" \t\r").find(line.back()) != std::string_view::npos) line.remove_suffix(1);
      while (!line.empty() && std::string_view(" \t\r").find(line.front()) != std::string_view::npos) line.remove_prefix(1);
      const bool closes = !line.empty() && (line.front() == '}' || line.front() == ')');
      if (!line.empty()) out_ += Indent() + (first || closes ? "" : "  ");
      out_ += line;
      if (end < body.size()) out_ += '\n';
      body.remove_prefix(std::min(body.size(), end + 1));
      first = false;
    }
    while (next_ < file_.comments.size() && file_.comments[next_].span.begin < span.end) ++next_;
  }

  void Statement(Span span, const Line& line) {
    if (HasText()) {
      CommentsBefore(span.begin);
      Gap(span.begin);
    } else {
      fresh_block_ = false;
    }
    if (HasText() && CommentInside(span)) {
      Verbatim(span);
    } else {
      Write(line);
    }
    last_ = span.end;
    if (HasText()) out_ += Trailing(span.end);
    out_ += '\n';
  }

  void Write(const Line& line) {
    std::string flat = line.head;
    if (line.has_set) flat += fmt::format("{{ {} }}", fmt::join(line.set, ", "));
    flat += line.tail;
    for (const std::string& more : line.continued) flat += " " + more;
    if (Indent().size() + flat.size() <= kWidth) {
      out_ += Indent() + flat;
      return;
    }
    const std::string first = line.has_set ? line.head + fmt::format("{{ {} }}", fmt::join(line.set, ", ")) + line.tail : line.head + line.tail;
    if (!line.has_set || Indent().size() + first.size() <= kWidth) {
      out_ += Indent() + first;
    } else {
      out_ += Indent() + line.head + "{\n";
      std::string row;
      for (size_t i = 0; i < line.set.size(); ++i) {
        const std::string item = line.set[i] + (i + 1 < line.set.size() ? "," : "");
        if (!row.empty() && Indent().size() + 3 + row.size() + item.size() > kWidth) {
          out_ += Indent() + "  " + row + "\n";
          row.clear();
        }
        row += (row.empty() ? "" : " ") + item;
      }
      out_ += Indent() + "  " + row + "\n" + Indent() + "}" + line.tail;
    }
    for (const std::string& more : line.continued) {
      const size_t used = out_.size() - (out_.rfind('\n') == std::string::npos ? 0 : out_.rfind('\n') + 1);
      out_ += used + 1 + more.size() <= kWidth ? " " + more : "\n" + Indent() + "    " + more;
    }
  }

  void Braces(const std::string& head, const Block& block, Span span, Span close) {
    Open(head, span);
    Body(block, close.begin);
    Closing("}", close);
  }

  void TestBlock(const Test& test) {
    Open("test " + test.policy.text, test.span);
    for (const Expectation& expectation : test.expectations) {
      Line line = RuleLine(expectation.event);
      line.head.insert(0, expectation.permit ? "permit " : "refuse ");
      Statement(expectation.event.span, line);
    }
    if (HasText()) CommentsBefore(test.close.begin);
    --depth_;
    Closing("}", test.close);
  }

  void Open(const std::string& head, Span span) {
    if (HasText()) {
      CommentsBefore(span.begin);
      Gap(span.begin);
    } else if (!out_.empty() && !fresh_block_) {
      out_ += '\n';
    }
    const size_t brace = HasText() ? OpeningBrace(span) : 0;
    out_ += Indent() + head + " {";
    last_ = static_cast<uint32_t>(brace);
    if (HasText()) out_ += Trailing(last_);
    out_ += '\n';
    fresh_block_ = true;
    ++depth_;
  }

  // The end of the `{` of a block's head: the first brace outside of comments and strings that ends a line's statement.
  size_t OpeningBrace(Span span) const {
    size_t comment = next_;
    int depth = 0;
    bool in_string = false;
    for (size_t i = span.begin; i < text_.size(); ++i) {
      while (comment < file_.comments.size() && file_.comments[comment].span.end <= i) ++comment;
      if (!in_string && comment < file_.comments.size() && file_.comments[comment].span.begin <= i) {
        i = file_.comments[comment].span.end - 1;
        continue;
      }
      const char c = text_[i];
      if (in_string) {
        if (c == '\\') ++i;
        if (c == '"') in_string = false;
        continue;
      }
      if (c == '"') in_string = true;
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '{' && depth == 0) {
        if (!SetFollows(i)) return i + 1;
        // `in { a, b }` inside a condition
        i = std::min(text_.find('}', i), text_.size() - 1);
      }
    }
    return span.end;
  }
  bool SetFollows(size_t brace) const {
    size_t i = brace;
    while (i > 0 && std::string_view(" \t\r\n").find(text_[i - 1]) != std::string_view::npos) --i;
    return i >= 2 && text_.substr(i - 2, 2) == "in" && (i == 2 || (isalnum(static_cast<unsigned char>(text_[i - 3])) == 0 && text_[i - 3] != '_'));
  }

  void Body(const Block& block, uint32_t end) {
    for (const struct Statement& statement : block.order) Item(block, statement);
    if (HasText()) CommentsBefore(end);
    --depth_;
  }

  void Closing(const std::string& text, Span close) {
    fresh_block_ = false;
    out_ += Indent() + text;
    last_ = close.end;
    if (HasText()) out_ += Trailing(close.end);
    out_ += '\n';
  }

  void WhenBlock(const When& when, const std::string& head) {
    // Comments before the branch belong above it.
    const uint32_t then_end = ThenEnd(when);
    if (head == "when ") {
      Open(head + print_.Expr(when.condition), when.span);
    } else {
      OpenElse(head + print_.Expr(when.condition), when.span);
    }
    Body(when.then_block, then_end);
    if (!when.has_else) return Closing("}", {when.span.file, when.span.end - 1, when.span.end});
    fresh_block_ = false;
    const Block& other = when.else_block;
    const bool chain = other.order.size() == 1 && other.order[0].kind == StatementKind::kWhen && IsElseWhen(other.whens[0]);
    if (chain) {
      WhenBlock(other.whens[0], "} else when ");
      return;
    }
    OpenElse("} else", {when.span.file, then_end + 1, when.span.end});
    Body(other, when.span.end - 1);
    Closing("}", {when.span.file, when.span.end - 1, when.span.end});
  }

  void OpenElse(const std::string& head, Span span) {
    out_ += Indent() + head + " {";
    if (HasText()) {
      last_ = static_cast<uint32_t>(OpeningBrace(span));
      out_ += Trailing(last_);
    }
    out_ += '\n';
    fresh_block_ = true;
    ++depth_;
  }

  // `else when` has no brace of its own around the inner `when`.
  bool IsElseWhen(const When& inner) const {
    if (!HasText()) return true;
    size_t i = inner.span.begin;
    while (i > 0 && std::string_view(" \t\r\n").find(text_[i - 1]) != std::string_view::npos) --i;
    return i >= 4 && text_.substr(i - 4, 4) == "else";
  }

  uint32_t ThenEnd(const When& when) const { return when.then_end.IsValid() ? when.then_end.begin : when.span.end > 0 ? when.span.end - 1
                                                                                                                      : 0; }

  Line RuleLine(const Rule& rule) const {
    Line line;
    if (!rule.label.empty()) line.head = rule.label.text + ": ";
    for (const Verb verb : rule.verbs) line.head += std::string(VerbWord(verb)) + " ";
    line.head += rule.kind.text;
    for (size_t i = 0; i < rule.subjects.size(); ++i) {
      const struct Expr& subject = rule.subjects[i];
      std::string& to = line.has_set ? line.tail : line.head;
      to += i == 0 ? " " : ", ";
      if (subject.kind == ExprKind::kSet && !line.has_set && rule.subjects.size() == 1) {
        line.has_set = true;
        for (const struct Expr& item : subject.children) line.set.push_back(print_.Expr(item));
      } else {
        to += print_.Expr(subject);
      }
    }
    for (const Clause& clause : rule.clauses) {
      std::string text = clause.keyword.text;
      for (size_t i = 0; i < clause.values.size(); ++i) text += (i == 0 ? " " : ", ") + print_.Expr(clause.values[i]);
      // A line begins with a word that goes on with a statement, and with no other.
      if (clause.keyword.text == "on" || (!line.continued.empty() && clause.keyword.text == "as")) {
        line.continued.push_back(text);
      } else if (!line.continued.empty()) {
        line.continued.back() += " " + text;
      } else {
        line.tail += " " + text;
      }
    }
    if (rule.action) line.continued.push_back("with " + print_.Action(*rule.action));
    if (rule.because) line.continued.push_back("because " + print_.Expr(*rule.because));
    if (line.has_set && line.set.empty()) {
      line.head += "{}";
      line.has_set = false;
    }
    return line;
  }

  void Because(Line& line, const std::optional<struct Expr>& because) const {
    if (because) line.continued.push_back("because " + print_.Expr(*because));
  }

  std::string Exprs(const std::vector<struct Expr>& values) const {
    std::string out;
    for (size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ", ") + print_.Expr(values[i]);
    return out;
  }

  Line DefaultLine(const Default& d) const {
    Line line;
    if (d.of == DefaultOf::kUnknownSyscall) {
      line.head = "unknown syscall";
    } else if (d.of == DefaultOf::kForeignArchitecture) {
      line.head = "foreign architecture";
    } else {
      line.head = d.allow ? "default allow" : "default deny";
      for (size_t i = 0; i < d.facets.size(); ++i) line.head += (i == 0 ? " " : ", ") + d.facets[i].text;
    }
    if (d.action) line.continued.push_back("with " + print_.Action(*d.action));
    Because(line, d.because);
    return line;
  }

  Line PropertyLine(const Property& property) const {
    if (property.kind == PropertyKind::kLimit) return Plain(fmt::format("limit {} {}", print_.Expr(property.values[0]), print_.Expr(property.values[1])));
    if (property.kind == PropertyKind::kHat || property.kind == PropertyKind::kChild) return Plain(fmt::format("{} of {}", property.kind == PropertyKind::kHat ? "hat" : "child", print_.Expr(property.values[0])));
    if (property.kind != PropertyKind::kLayers) {
      const char* words[] = {"attach ", "architectures ", "reference kernel "};
      return Plain(words[static_cast<int>(property.kind)] + Exprs(property.values));
    }
    Line line = Plain("layers ");
    line.has_set = true;
    for (const auto& set : property.layer_sets) {
      std::string text;
      for (const Name& name : set) text += (text.empty() ? "" : " + ") + name.text;
      line.set.push_back(text);
    }
    return line;
  }

  Line BindingLine(const Binding& binding) const {
    const char* words[] = {"resource ", "set ", "let "};
    Line line = Plain(words[static_cast<int>(binding.kind)] + binding.name.text + " = ");
    if (binding.values.size() == 1 && binding.values[0].kind == ExprKind::kSet && !binding.values[0].children.empty()) {
      line.has_set = true;
      for (const struct Expr& item : binding.values[0].children) line.set.push_back(print_.Expr(item));
    } else {
      line.head += Exprs(binding.values);
    }
    return line;
  }

  void Item(const Block& block, const struct Statement& statement) {
    switch (statement.kind) {
      case StatementKind::kRule:
        return Statement(block.rules[statement.index].span, RuleLine(block.rules[statement.index]));
      case StatementKind::kDefault:
        return Statement(block.defaults[statement.index].span, DefaultLine(block.defaults[statement.index]));
      case StatementKind::kProperty:
        return Statement(block.properties[statement.index].span, PropertyLine(block.properties[statement.index]));
      case StatementKind::kBinding:
        return Statement(block.bindings[statement.index].span, BindingLine(block.bindings[statement.index]));
      case StatementKind::kImport:
        return Statement(block.imports[statement.index].span, Plain("import " + print_.Expr(block.imports[statement.index].file)));
      case StatementKind::kWhen: {
        const When& when = block.whens[statement.index];
        return WhenBlock(when, "when ");
      }
      case StatementKind::kAcceptGap: {
        const AcceptGap& gap = block.gaps[statement.index];
        std::string layers;
        for (const auto& set : gap.layer_sets) {
          layers += layers.empty() ? "" : ", ";
          for (size_t i = 0; i < set.size(); ++i) layers += (i == 0 ? "" : " + ") + set[i].text;
        }
        Line line = Plain(fmt::format("accept gap {} {} on {}", gap.rule.text, gap.direction.text, layers));
        std::string bound;
        for (const auto& [facet, operations] : gap.bound) {
          bound += " " + facet.text;
          for (size_t i = 0; operations && i < operations->size(); ++i) bound += (i == 0 ? " { " : ", ") + (*operations)[i].text;
          if (operations) bound += operations->empty() ? " { }" : " }";
        }
        if (!bound.empty()) line.continued.push_back("of" + bound);
        Because(line, gap.because);
        return Statement(gap.span, line);
      }
      case StatementKind::kUse: {
        const Use& use = block.uses[statement.index];
        Line line = Plain("use " + use.module.text + (use.arguments.empty() ? "" : "(" + Exprs(use.arguments) + ")"));
        Because(line, use.because);
        return Statement(use.span, line);
      }
      case StatementKind::kRaw: {
        const Raw& raw = block.raws[statement.index];
        Line line = Plain("raw " + raw.mechanism.text + " " + print_.Expr(raw.text));
        Because(line, raw.because);
        return Statement(raw.span, line);
      }
    }
  }

  const File& file_;
  std::string_view text_;
  ExprPrinter print_;
  std::string out_;
  size_t depth_ = 0;
  size_t next_ = 0;    // of the comments
  uint32_t last_ = 0;  // end of what was written last, in the source
  bool fresh_block_ = true;
};

}  // namespace

std::string Format(const File& file, std::string_view text) { return Formatter(file, text).Run(); }

}  // namespace ravelin::ast
