#include "compiler/import/cil/pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/paths/regex.h"
#include "backends/selinux/paths/tree.h"

namespace ravelin::import::cil {
namespace {

constexpr int kMaxDepth = 30;

int HexDigit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                           : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                                    : -1; }

class Translator {
 public:
  explicit Translator(std::string_view regex) : text_(regex) {}

  std::optional<std::string> Run() {
    std::string out = Alternatives(0);
    if (at_ < text_.size()) failed_ = true;
    return failed_ ? std::nullopt : std::optional(std::move(out));
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string Alternatives(int depth) {
    if (depth > kMaxDepth) failed_ = true;
    std::string first = Sequence(depth);
    if (failed_ || Peek() != '|') return first;
    std::string out = "{" + first;
    while (!failed_ && Peek() == '|') {
      ++at_;
      out += "," + Sequence(depth);
    }
    return out + "}";
  }

  std::string Sequence(int depth) {
    std::string out;
    while (!failed_ && at_ < text_.size() && Peek() != '|' && Peek() != ')') out += Item(depth, !out.empty() && out.back() == '/');
    return out;
  }

  // One atom with what repeats it.
  std::string Item(int depth, bool after_slash) {
    if (Peek() == '.') {
      ++at_;
      return Repeated("{?,/}", "**", after_slash);
    }
    if (text_.substr(at_, 4) == "[^/]") {
      at_ += 4;
      return Repeated("?", "*", after_slash);
    }
    std::string atom;
    if (Peek() == '(') {
      ++at_;
      if (text_.substr(at_, 2) == "?:") {
        at_ += 2;
      } else if (Peek() == '?') {
        failed_ = true;  // lookahead, and what else begins so
      }
      atom = Alternatives(depth + 1);
      if (Peek() != ')') failed_ = true;
      ++at_;
    } else if (Peek() == '[') {
      atom = Class();
    } else {
      atom = Byte();
    }
    if (Peek() == '?') {
      ++at_;
      return "{," + atom + "}";
    }
    if (Peek() == '*' || Peek() == '+' || Peek() == '{') failed_ = true;
    return atom;
  }

  // `any` is what stands for any number of them, and right behind a slash for one or more.
  std::string Repeated(const std::string& one, const std::string& any, bool after_slash) {
    const char c = Peek();
    if (c == '*' || c == '+') ++at_;
    if (Peek() == '?' || Peek() == '{' || (c != '?' && Peek() == '*')) failed_ = true;
    if (c == '*') return any;  // no path ends in a slash, and none has two in a row
    if (c == '+') return after_slash ? any : one + any;
    return one;
  }

  static std::string Quoted(unsigned char c) {
    if (std::string_view("*?[]{},\\").find(static_cast<char>(c)) != std::string_view::npos) return std::string("\\") + static_cast<char>(c);
    return std::string(1, static_cast<char>(c));
  }

  std::optional<unsigned char> Escaped() {
    ++at_;
    if (at_ >= text_.size()) return std::nullopt;
    const char c = text_[at_++];
    if (c == 'x' && at_ + 1 < text_.size() && HexDigit(text_[at_]) >= 0 && HexDigit(text_[at_ + 1]) >= 0) {
      const int value = HexDigit(text_[at_]) * 16 + HexDigit(text_[at_ + 1]);
      at_ += 2;
      return static_cast<unsigned char>(value);
    }
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return word ? std::nullopt : std::optional(static_cast<unsigned char>(c));
  }

  std::string Byte() {
    if (Peek() == '\\') {
      const auto byte = Escaped();
      if (!byte || *byte == 0) failed_ = true;
      return byte ? Quoted(*byte) : "";
    }
    const char c = Peek();
    if (std::string_view("^$*+?{").find(c) != std::string_view::npos || c == '\0') failed_ = true;
    ++at_;
    return Quoted(static_cast<unsigned char>(c));
  }

  // As a list of single bytes and ranges; a class of one byte is that byte.
  std::string Class() {
    ++at_;
    const bool negated = Peek() == '^';
    if (negated) ++at_;
    std::string inside;
    size_t members = 0;
    unsigned char last = 0;
    for (bool first = true; !failed_ && at_ < text_.size() && (Peek() != ']' || first); first = false) {
      const auto byte = [&]() -> unsigned char {
        if (Peek() == '[' && text_.substr(at_, 2) == "[:") failed_ = true;
        if (Peek() != '\\') return static_cast<unsigned char>(text_[at_++]);
        const auto escaped = Escaped();
        if (!escaped) failed_ = true;
        return escaped.value_or(0);
      };
      const unsigned char lo = byte();
      unsigned char hi = lo;
      if (Peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        hi = byte();
      }
      if (lo == 0 || hi < lo) failed_ = true;
      const auto quoted = [](unsigned char c) { return std::string_view("]\\^!-[").find(static_cast<char>(c)) != std::string_view::npos ? std::string("\\") + static_cast<char>(c) : std::string(1, static_cast<char>(c)); };
      inside += quoted(lo) + (hi == lo ? "" : "-" + quoted(hi));
      members += size_t{hi} - lo + 1;
      last = lo;
    }
    if (at_ >= text_.size() || members == 0) {
      failed_ = true;
      return "";
    }
    ++at_;
    if (members == 1 && !negated) return Quoted(last);
    return (negated ? "[^" : "[") + inside + "]";
  }

  std::string_view text_;
  size_t at_ = 0;
  bool failed_ = false;
};

// Whether both match the same paths.
bool SamePaths(std::string_view regex, const std::string& pattern) {
  ir::PatternNfa nfa;
  const auto items = ir::ParsePattern(pattern);
  if (!items) return false;
  ir::AddPattern(*items, 0, nfa);
  if (!ravelin::selinux::AddRegex(regex, 1, nfa)) return false;
  auto automaton = ir::Determinize(nfa, 20000);
  if (!automaton) return false;
  const ravelin::selinux::DirectoryTree tree(std::move(*automaton));
  return std::all_of(tree.Witnesses().begin(), tree.Witnesses().end(), [&](const auto& one) { return tree.PatternsOf(one.first).size() != 1; });
}

}  // namespace

std::optional<std::string> PatternOf(std::string_view regex) {
  auto pattern = Translator(regex).Run();
  if (!pattern || pattern->empty() || pattern->front() != '/' || !SamePaths(regex, *pattern)) return std::nullopt;
  return pattern;
}

}  // namespace ravelin::import::cil
