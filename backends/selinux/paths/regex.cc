#include "backends/selinux/paths/regex.h"

#include <algorithm>
#include <optional>

namespace ravelin::selinux {
namespace {

using ir::ByteSet;

// Where one piece begins and ends in the automaton.
struct Part {
  uint32_t start = 0;
  uint32_t end = 0;
};

ByteSet AnyByte() {
  ByteSet all;
  all.set();
  all.reset(0);
  return all;
}

int HexDigit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                           : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                                    : -1; }

bool IsWordByte(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Past the class that opens at `at`.
size_t EndOfClass(std::string_view text, size_t at) {
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  for (bool first = true; at < text.size() && (text[at] != ']' || first); ++at, first = false) {
    if (text[at] == '\\') ++at;
  }
  return std::min(text.size(), at + 1);
}

class RegexReader {
 public:
  RegexReader(std::string_view text, ir::PatternNfa& nfa) : text_(text), nfa_(nfa) {}

  // The node at the regular expression's end.
  Result<uint32_t> Run() {
    uint32_t at = 0;
    if (!HasAlternatives()) {
      while (const auto byte = PlainByte()) at = nfa_.ShareByte(at, *byte);
    }
    const Part rest = Alternatives(0);
    Empty(at, rest.start);
    if (error_.empty() && at_ < text_.size()) error_ = "`)` without `(`";
    if (!error_.empty()) return Fail(ErrorCode::kMalformed, "regular expression `" + std::string(text_) + "`: " + error_);
    return rest.end;
  }

 private:
  void Empty(uint32_t from, uint32_t to) { nfa_.nodes[from].empty.push_back(to); }

  // Whether it is an alternative as a whole.
  bool HasAlternatives() const {
    int depth = 0;
    for (size_t at = 0; at < text_.size();) {
      const char c = text_[at];
      if (c == '|' && depth == 0) return true;
      depth += c == '(' ? 1 : c == ')' ? -1
                                       : 0;
      at = c == '[' ? EndOfClass(text_, at) : at + (c == '\\' ? 2 : 1);
    }
    return false;
  }

  // The byte that stands here and only once; nullopt for all else.
  std::optional<unsigned char> PlainByte() {
    const size_t begin = at_;
    if (at_ >= text_.size() || std::string_view(".^$*+?{}()[]|").find(text_[at_]) != std::string_view::npos) return std::nullopt;
    const unsigned char byte = text_[at_] == '\\' ? Escape() : static_cast<unsigned char>(text_[at_++]);
    if (error_.empty() && (at_ >= text_.size() || std::string_view("*+?{").find(text_[at_]) == std::string_view::npos)) return byte;
    at_ = begin;
    error_.clear();
    return std::nullopt;
  }

  Part Alternatives(int depth) {
    if (depth > 64) error_ = "groups are nested too deep";
    Part all{nfa_.New(), nfa_.New()};
    while (error_.empty()) {
      const Part one = Sequence(depth);
      Empty(all.start, one.start);
      Empty(one.end, all.end);
      if (at_ >= text_.size() || text_[at_] != '|') break;
      ++at_;
    }
    return all;
  }

  Part Sequence(int depth) {
    const uint32_t start = nfa_.New();
    uint32_t end = start;
    while (error_.empty() && at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      const Part item = Repeated(Atom(depth));
      Empty(end, item.start);
      end = item.end;
    }
    return {start, end};
  }

  Part Repeated(Part item) {
    if (at_ >= text_.size()) return item;
    const char c = text_[at_];
    if (c == '{') error_ = "`{` repetition is not understood";
    if (c != '*' && c != '+' && c != '?') return item;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '+' || text_[at_] == '*')) error_ = "a repetition of a repetition is not understood";
    const Part out{nfa_.New(), nfa_.New()};
    Empty(out.start, item.start);
    Empty(item.end, out.end);
    if (c != '+') Empty(out.start, out.end);
    if (c != '?') Empty(item.end, item.start);
    return out;
  }

  Part Atom(int depth) {
    const char c = text_[at_];
    if (c == '(') return Group(depth);
    ByteSet bytes;
    if (c == '.') {
      ++at_;
      bytes = AnyByte();  // PCRE2_DOTALL
    } else if (c == '[') {
      bytes = Class();
    } else if (c == '\\') {
      bytes.set(Escape());
    } else {
      if (c == '^' || c == '$' || c == '*' || c == '+' || c == '?' || c == '{') error_ = std::string("`") + c + "` is not understood here";
      bytes.set(static_cast<unsigned char>(c));
      ++at_;
    }
    const Part out{nfa_.New(), nfa_.New()};
    nfa_.nodes[out.start].edges.emplace_back(bytes, out.end);
    return out;
  }

  Part Group(int depth) {
    ++at_;
    if (text_.substr(at_, 2) == "?:") {
      at_ += 2;
    } else if (at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '*')) {
      error_ = "this kind of group is not understood";
    }
    const Part inner = Alternatives(depth + 1);
    if (at_ >= text_.size()) {
      if (error_.empty()) error_ = "`(` is not closed";
    } else {
      ++at_;
    }
    return inner;
  }

  unsigned char Escape() {
    ++at_;
    if (at_ >= text_.size()) {
      error_ = "a backslash ends it";
      return 0;
    }
    const char c = text_[at_++];
    if (c == 'x' && at_ + 1 < text_.size() && HexDigit(text_[at_]) >= 0 && HexDigit(text_[at_ + 1]) >= 0) {
      const int value = HexDigit(text_[at_]) * 16 + HexDigit(text_[at_ + 1]);
      at_ += 2;
      return static_cast<unsigned char>(value);
    }
    if (IsWordByte(c)) error_ = std::string("`\\") + c + "` is not understood";
    return static_cast<unsigned char>(c);
  }

  ByteSet Class() {
    ++at_;
    ByteSet bytes;
    const bool negated = at_ < text_.size() && text_[at_] == '^';
    if (negated) ++at_;
    for (bool first = true; error_.empty() && at_ < text_.size() && (text_[at_] != ']' || first); first = false) {
      if (text_[at_] == '[' && at_ + 1 < text_.size() && text_[at_ + 1] == ':') error_ = "a named class is not understood";
      const unsigned lo = ClassByte();
      unsigned hi = lo;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        hi = ClassByte();
      }
      if (hi < lo) error_ = "a class has a range whose ends are reversed";
      for (unsigned b = lo; b <= hi; ++b) bytes.set(b);
    }
    if (at_ >= text_.size()) {
      if (error_.empty()) error_ = "`[` is not closed";
      return bytes;
    }
    ++at_;
    if (negated) bytes.flip();
    bytes.reset(0);
    return bytes;
  }

  unsigned ClassByte() {
    if (text_[at_] == '\\') return Escape();
    return static_cast<unsigned char>(text_[at_++]);
  }

  std::string_view text_;
  ir::PatternNfa& nfa_;
  size_t at_ = 0;
  std::string error_;
};

// Past the group that opens at `at`; npos where it is not closed.
size_t EndOfGroup(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    if (text[at] == '[') {
      at = EndOfClass(text, at);
      continue;
    }
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '(') {
      ++depth;
    } else if (text[at] == ')' && --depth == 0) {
      return at + 1;
    }
    ++at;
  }
  return std::string_view::npos;
}

bool IsLookahead(std::string_view text, size_t at) { return text.substr(at, 3) == "(?!" || text.substr(at, 3) == "(?="; }

// Where the first lookahead opens, and whether something but plain text stands in front of it.
struct Found {
  size_t at = std::string_view::npos;
  bool plain = true;
};
Found FindLookahead(std::string_view text) {
  Found found;
  for (size_t at = 0; at < text.size();) {
    if (IsLookahead(text, at)) {
      found.at = at;
      return found;
    }
    const char c = text[at];
    found.plain = found.plain && std::string_view("([|{?*+.^$").find(c) == std::string_view::npos;
    at = c == '[' ? EndOfClass(text, at) : at + (c == '\\' ? 2 : 1);
  }
  return found;
}

}  // namespace

Result<void> AddRegex(std::string_view regex, uint32_t index, ir::PatternNfa& nfa) {
  RAVELIN_TRY(end, RegexReader(regex, nfa).Run());
  nfa.nodes[end].ends.push_back(index);
  return {};
}

Result<SplitRegex> SplitLookahead(std::string_view regex) {
  const auto refuse = [&](const char* why) { return Fail(ErrorCode::kMalformed, "regular expression `" + std::string(regex) + "`: lookahead " + why + " is not understood"); };
  SplitRegex out;
  const Found found = FindLookahead(regex);
  out.body = regex;
  if (found.at == std::string_view::npos) return out;
  // Inside a group or an alternative it would be a condition on a part only.
  if (!found.plain) return refuse("after more than plain text");
  const std::string prefix(regex.substr(0, found.at));
  size_t rest = found.at;
  while (IsLookahead(regex, rest)) {
    const size_t end = EndOfGroup(regex, rest);
    if (end == std::string_view::npos || end < rest + 5 || regex[end - 2] != '$' || regex[end - 3] == '\\') return refuse("that does not end with `$`");
    const std::string inner(regex.substr(rest + 3, end - 2 - rest - 3));
    (regex[rest + 2] == '!' ? out.refused : out.required).push_back(prefix + "(" + inner + ")");
    rest = end;
  }
  if (rest < regex.size() && std::string_view("*+?{").find(regex[rest]) != std::string_view::npos) return refuse("that is repeated");
  out.body = prefix + std::string(regex.substr(rest));
  if (FindLookahead(out.body).at != std::string_view::npos) return refuse("in two places");
  for (const auto* parts : {&out.required, &out.refused}) {
    for (const std::string& part : *parts) {
      if (FindLookahead(part).at != std::string_view::npos) return refuse("in lookahead");
    }
  }
  // An alternative behind it is not under its condition.
  int depth = 0;
  for (size_t at = prefix.size(); at < out.body.size();) {
    const char c = out.body[at];
    if (c == '|' && depth == 0) return refuse("in front of an alternative");
    depth += c == '(' ? 1 : c == ')' ? -1
                                     : 0;
    at = c == '[' ? EndOfClass(out.body, at) : at + (c == '\\' ? 2 : 1);
  }
  return out;
}

std::string WithoutTemplates(std::string regex) {
  for (const auto& [word, meant] : std::vector<std::pair<std::string, std::string>>{{"%{USERID}", "[0-9]+"}, {"%{USERNAME}", "[^/]+"}, {"HOME_DIR", "/home/[^/]+"}, {"HOME_ROOT", "/home"}}) {
    for (size_t at = regex.find(word); at != std::string::npos; at = regex.find(word)) regex.replace(at, word.size(), meant);
  }
  return regex;
}

}  // namespace ravelin::selinux
