#include "compiler/ir/pattern.h"

namespace ravelin::ir {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<PatternItems> Run() {
    PatternItems items = Sequence(0);
    if (error_.empty() && at_ < text_.size()) error_ = "`}` without `{`";
    if (!error_.empty()) return Fail(ErrorCode::kMalformed, error_);
    return items;
  }

 private:
  PatternItems Sequence(int depth) {
    PatternItems items;
    if (depth > 32) error_ = "braces are nested too deep";
    while (error_.empty() && at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '}' || (depth > 0 && c == ',')) break;
      const size_t begin = at_;
      PatternItem item = Next(c, depth);
      item.text = text_.substr(begin, at_ - begin);
      items.push_back(std::move(item));
    }
    return items;
  }

  PatternItem Next(char c, int depth) {
    PatternItem item;
    if (c == '*') {
      const bool deep = text_.substr(at_, 2) == "**";
      item.kind = deep ? PatternItem::kDeep : PatternItem::kStar;
      item.one_or_more = at_ > 0 && text_[at_ - 1] == '/';
      at_ += deep ? 2 : 1;
    } else if (c == '{') {
      item.kind = PatternItem::kGroup;
      Alternatives(item, depth);
    } else if (c == '?') {
      ++at_;
      item.bytes = NameBytes();
    } else if (c == '[') {
      item.bytes = Class();
    } else {
      if (c == '\\' && at_ + 1 >= text_.size()) error_ = "a backslash ends it";
      if (c == '\\' && ++at_ < text_.size()) c = text_[at_];
      if (c == '\0') error_ = "it holds a NUL";
      ++at_;
      item.bytes.set(static_cast<unsigned char>(c));
    }
    return item;
  }

  void Alternatives(PatternItem& item, int depth) {
    ++at_;
    while (error_.empty()) {
      item.alternatives.push_back(Sequence(depth + 1));
      if (at_ >= text_.size()) {
        error_ = "`{` is not closed";
      } else if (text_[at_++] == '}') {
        return;
      }
    }
  }

  ByteSet Class() {
    ++at_;
    ByteSet bytes;
    const bool negated = at_ < text_.size() && (text_[at_] == '^' || text_[at_] == '!');
    if (negated) ++at_;
    bool first = true;
    while (at_ < text_.size() && (text_[at_] != ']' || first)) {
      first = false;
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      const auto lo = static_cast<unsigned char>(text_[at_++]);
      auto hi = lo;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        hi = static_cast<unsigned char>(text_[at_++]);
      }
      if (hi < lo) error_ = "a class has a range whose ends are reversed";
      for (unsigned b = lo; b <= hi; ++b) bytes.set(b);
    }
    if (at_ >= text_.size()) error_ = "`[` is not closed";
    ++at_;
    if (negated) bytes.flip();
    bytes &= NameBytes();
    if (bytes.none() && error_.empty()) error_ = "a class matches nothing";
    return bytes;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

std::string LiteralStart(std::string_view pattern) { return std::string(pattern.substr(0, pattern.find_first_of("*?[{\\"))); }

bool IsLiteral(std::string_view pattern) { return pattern.find_first_of("*?[{\\") == std::string_view::npos; }

ByteSet NameBytes() {
  ByteSet all;
  all.set().reset(0).reset('/');
  return all;
}

Result<PatternItems> ParsePattern(std::string_view pattern) { return Parser(pattern).Run(); }

}  // namespace ravelin::ir
