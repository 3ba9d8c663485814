#include <algorithm>

#include "backends/selinux/paths/nfa.h"

namespace ravelin::selinux {
namespace {

Bytes AnyByte() {
  Bytes all;
  all.set();
  all.reset(0);
  return all;
}

int HexDigit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                           : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                                    : -1; }

bool IsWordByte(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class RegexReader {
 public:
  RegexReader(std::string_view text, Nfa& nfa) : text_(text), nfa_(nfa) {}

  Result<NfaPart> Run() {
    const NfaPart all = Alternatives(0);
    if (error_.empty() && at_ < text_.size()) error_ = "`)` without `(`";
    if (!error_.empty()) return Fail(ErrorCode::kMalformed, "regular expression `" + std::string(text_) + "`: " + error_);
    return all;
  }

 private:
  NfaPart Alternatives(int depth) {
    if (depth > 64) error_ = "groups are nested too deep";
    NfaPart all{nfa_.New(), nfa_.New()};
    while (error_.empty()) {
      const NfaPart one = Sequence(depth);
      nfa_.AddEmpty(all.start, one.start);
      nfa_.AddEmpty(one.end, all.end);
      if (at_ >= text_.size() || text_[at_] != '|') break;
      ++at_;
    }
    return all;
  }

  NfaPart Sequence(int depth) {
    const uint32_t start = nfa_.New();
    uint32_t end = start;
    while (error_.empty() && at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      const NfaPart item = Repeated(Atom(depth));
      nfa_.AddEmpty(end, item.start);
      end = item.end;
    }
    return {start, end};
  }

  NfaPart Repeated(NfaPart item) {
    if (at_ >= text_.size()) return item;
    const char c = text_[at_];
    if (c == '{') error_ = "`{` repetition is not understood";
    if (c != '*' && c != '+' && c != '?') return item;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '+' || text_[at_] == '*')) error_ = "a repetition of a repetition is not understood";
    const NfaPart out{nfa_.New(), nfa_.New()};
    nfa_.AddEmpty(out.start, item.start);
    nfa_.AddEmpty(item.end, out.end);
    if (c != '+') nfa_.AddEmpty(out.start, out.end);
    if (c != '?') nfa_.AddEmpty(item.end, item.start);
    return out;
  }

  NfaPart Atom(int depth) {
    const char c = text_[at_];
    if (c == '(') return Group(depth);
    Bytes bytes;
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
    const NfaPart out{nfa_.New(), nfa_.New()};
    nfa_.AddEdge(out.start, bytes, out.end);
    return out;
  }

  NfaPart Group(int depth) {
    ++at_;
    if (text_.substr(at_, 2) == "?:") {
      at_ += 2;
    } else if (at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '*')) {
      error_ = "this kind of group is not understood";
    }
    const NfaPart inner = Alternatives(depth + 1);
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

  Bytes Class() {
    ++at_;
    Bytes bytes;
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
  Nfa& nfa_;
  size_t at_ = 0;
  std::string error_;
};

// Past the class that opens at `at`.
size_t EndOfClass(std::string_view text, size_t at) {
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  for (bool first = true; at < text.size() && (text[at] != ']' || first); ++at, first = false) {
    if (text[at] == '\\') ++at;
  }
  return std::min(text.size(), at + 1);
}

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

Result<NfaPart> AddRegex(std::string_view regex, Nfa& nfa) { return RegexReader(regex, nfa).Run(); }

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

}  // namespace ravelin::selinux
