#include "backends/selinux/paths/nfa.h"

namespace ravelin::selinux {
namespace {

Bytes PathBytes(bool slash) {
  Bytes all;
  all.set();
  all.reset(0);  // paths hold no NUL
  if (!slash) all.reset('/');
  return all;
}

class GlobReader {
 public:
  GlobReader(std::string_view text, Nfa& nfa) : text_(text), nfa_(nfa) {}

  Result<NfaPart> Run() {
    const uint32_t start = nfa_.New();
    const uint32_t end = Sequence(start, 0);
    if (error_.empty() && at_ < text_.size()) error_ = "`}` without `{`";
    if (!error_.empty()) return Fail(ErrorCode::kMalformed, "pattern `" + std::string(text_) + "`: " + error_);
    return NfaPart{start, end};
  }

 private:
  uint32_t Sequence(uint32_t from, int depth) {
    if (depth > 32) error_ = "braces are nested too deep";
    while (error_.empty() && at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '}' || (c == ',' && depth > 0)) break;
      from = Item(from, depth);
    }
    return from;
  }

  uint32_t Item(uint32_t from, int depth) {
    const char c = text_[at_];
    if (c == '*') return Star(from);
    if (c == '{') return Braces(from, depth);
    Bytes bytes;
    if (c == '?') {
      ++at_;
      bytes = PathBytes(false);
    } else if (c == '[') {
      bytes = Class();
    } else {
      bytes.set(static_cast<unsigned char>(Literal()));
    }
    const uint32_t to = nfa_.New();
    nfa_.AddEdge(from, bytes, to);
    return to;
  }

  char Literal() {
    if (text_[at_] == '\\' && at_ + 1 >= text_.size()) error_ = "a backslash ends it";
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    if (text_[at_] == '\0') error_ = "it holds a NUL";
    return text_[at_++];
  }

  // `*` right after a slash of the text is one or more bytes, else zero or more (clause 6.2).
  uint32_t Star(uint32_t from) {
    const bool after_slash = at_ > 0 && text_[at_ - 1] == '/';
    const bool deep = text_.substr(at_, 2) == "**";
    at_ += deep ? 2 : 1;
    const Bytes bytes = PathBytes(deep);
    const uint32_t loop = nfa_.New();
    if (after_slash) {
      nfa_.AddEdge(from, bytes, loop);
    } else {
      nfa_.AddEmpty(from, loop);
    }
    nfa_.AddEdge(loop, bytes, loop);
    return loop;
  }

  uint32_t Braces(uint32_t from, int depth) {
    const uint32_t to = nfa_.New();
    ++at_;
    while (error_.empty()) {
      const uint32_t start = nfa_.New();
      nfa_.AddEmpty(from, start);
      nfa_.AddEmpty(Sequence(start, depth + 1), to);
      if (at_ >= text_.size()) {
        error_ = "`{` is not closed";
      } else if (text_[at_++] == '}') {
        break;
      }
    }
    return to;
  }

  Bytes Class() {
    ++at_;
    Bytes bytes;
    const bool negated = at_ < text_.size() && (text_[at_] == '^' || text_[at_] == '!');
    if (negated) ++at_;
    for (bool first = true; at_ < text_.size() && (text_[at_] != ']' || first); first = false) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      const auto lo = static_cast<unsigned char>(text_[at_++]);
      unsigned hi = lo;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        hi = static_cast<unsigned char>(text_[at_ + 1]);
        at_ += 2;
      }
      if (hi < lo) error_ = "a class has a range whose ends are reversed";
      for (unsigned b = lo; b <= hi; ++b) bytes.set(b);
    }
    if (at_ >= text_.size()) {
      error_ = "`[` is not closed";
      return bytes;
    }
    ++at_;
    if (negated) bytes.flip();
    bytes &= PathBytes(false);
    if (bytes.none() && error_.empty()) error_ = "a class matches nothing";
    return bytes;
  }

  std::string_view text_;
  Nfa& nfa_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

uint32_t Nfa::New() {
  nodes.emplace_back();
  return static_cast<uint32_t>(nodes.size() - 1);
}

void Nfa::AddEdge(uint32_t from, const Bytes& bytes, uint32_t to) {
  // Few sets are distinct; the last ones are the likely ones.
  for (size_t i = sets.size(); i-- > 0 && sets.size() - i < 300;) {
    if (sets[i] != bytes) continue;
    nodes[from].edges.push_back({static_cast<uint32_t>(i), to});
    return;
  }
  sets.push_back(bytes);
  nodes[from].edges.push_back({static_cast<uint32_t>(sets.size() - 1), to});
}

Result<NfaPart> AddGlob(std::string_view pattern, Nfa& nfa) { return GlobReader(pattern, nfa).Run(); }

}  // namespace ravelin::selinux
