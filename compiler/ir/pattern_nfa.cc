#include "compiler/ir/pattern_nfa.h"

namespace ravelin::ir {
namespace {

ByteSet AllBytes() {
  ByteSet all;
  all.set();
  all.reset(0);  // paths hold no NUL
  return all;
}

ByteSet NameBytes() {
  ByteSet all = AllBytes();
  all.reset('/');
  return all;
}

class Parser {
 public:
  Parser(std::string_view text, PatternNfa* nfa) : text_(text), nfa_(nfa) {}

  std::string Run(uint32_t index) {
    const uint32_t end = Sequence(0, 0);
    if (error_.empty() && at_ < text_.size()) error_ = text_[at_] == '}' ? "`}` without `{`" : "it ends too early";
    if (error_.empty() && nfa_ != nullptr) nfa_->nodes[end].ends.push_back(index);
    return error_;
  }

 private:
  uint32_t New() {
    if (nfa_ == nullptr) return 0;
    nfa_->nodes.emplace_back();
    return static_cast<uint32_t>(nfa_->nodes.size() - 1);
  }
  void Edge(uint32_t from, const ByteSet& bytes, uint32_t to) {
    if (nfa_ != nullptr) nfa_->nodes[from].edges.emplace_back(bytes, to);
  }
  void Empty(uint32_t from, uint32_t to) {
    if (nfa_ != nullptr) nfa_->nodes[from].empty.push_back(to);
  }

  uint32_t Sequence(uint32_t from, int depth) {
    if (depth > 32) error_ = "braces are nested too deep";
    while (error_.empty() && at_ < text_.size()) {
      const char c = text_[at_];
      if (depth > 0 && (c == ',' || c == '}')) return from;
      if (c == '}') return from;
      from = depth == 0 ? SharedItem(from) : Item(from, depth);
    }
    return from;
  }

  // An item at the top level, or the node that an earlier pattern reached by the same one.
  uint32_t SharedItem(uint32_t from) {
    if (nfa_ == nullptr) return Item(from, 0);
    const size_t begin = at_;
    const bool after_slash = begin > 0 && text_[begin - 1] == '/';
    // A first look at the item finds its text without building it.
    PatternNfa* const real = nfa_;
    nfa_ = nullptr;
    Item(0, 0);
    nfa_ = real;
    if (!error_.empty()) return from;
    std::string key(text_.substr(begin, at_ - begin));
    if (text_[begin] == '*' && after_slash) key += '/';
    const auto known = nfa_->shared.find({from, key});
    if (known != nfa_->shared.end()) return known->second;
    at_ = begin;
    const uint32_t to = Item(from, 0);
    nfa_->shared.emplace(std::pair(from, std::move(key)), to);
    return to;
  }

  uint32_t Item(uint32_t from, int depth) {
    char c = text_[at_];
    const uint32_t to = New();
    if (c == '*') {
      const bool deep = text_.substr(at_, 2) == "**";
      const bool after_slash = at_ > 0 && text_[at_ - 1] == '/';
      at_ += deep ? 2 : 1;
      const ByteSet bytes = deep ? AllBytes() : NameBytes();
      const uint32_t loop = New();
      if (after_slash) {  // one or more, right after a slash
        Edge(from, bytes, loop);
      } else {
        Empty(from, loop);
      }
      Edge(loop, bytes, loop);
      Empty(loop, to);
      return to;
    }
    if (c == '{') return Alternatives(from, to, depth);
    ByteSet bytes;
    if (c == '?') {
      ++at_;
      bytes = NameBytes();
    } else if (c == '[') {
      bytes = Class();
    } else {
      if (c == '\\' && at_ + 1 >= text_.size()) error_ = "a backslash ends it";
      if (c == '\\' && ++at_ < text_.size()) c = text_[at_];
      if (c == '\0') error_ = "it holds a NUL";
      ++at_;
      bytes.set(static_cast<unsigned char>(c));
    }
    Edge(from, bytes, to);
    return to;
  }

  uint32_t Alternatives(uint32_t from, uint32_t to, int depth) {
    ++at_;
    while (error_.empty()) {
      const uint32_t start = New();
      Empty(from, start);
      Empty(Sequence(start, depth + 1), to);
      if (at_ >= text_.size()) {
        error_ = "`{` is not closed";
      } else if (text_[at_++] == '}') {
        return to;
      }
    }
    return to;
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
        hi = static_cast<unsigned char>(text_[at_ + 1]);
        at_ += 2;
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
  PatternNfa* nfa_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

std::string AddPattern(std::string_view pattern, uint32_t index, PatternNfa* nfa) { return Parser(pattern, nfa).Run(index); }

}  // namespace ravelin::ir
