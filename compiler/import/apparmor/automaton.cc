#include <set>
#include <unordered_set>

#include "compiler/import/apparmor/escapes.h"
#include "compiler/import/apparmor/pattern.h"

namespace ravelin::import::apparmor {

// The regular expressions that patterns become: | * + . ( ) [ ] [^ ], and escapes.
class RegexReader {
 public:
  RegexReader(std::string_view text, Automaton& out) : text_(text), out_(out) {}

  bool Run() {
    out_.states_.resize(2);
    out_.exact_ = true;
    Next();
    const Part all = Regex();
    Silent(0, all.from);
    Silent(all.to, 1);
    return good_ && kind_ == kEnd;
  }

 private:
  static constexpr int kEnd = 0;
  static constexpr int kChar = 1;  // else the operator itself
  struct Part {
    uint32_t from = 0;
    uint32_t to = 0;
  };

  void Next() {
    if (pos_ >= text_.size()) {
      kind_ = kEnd;
      return;
    }
    const char c = text_[pos_++];
    byte_ = static_cast<unsigned char>(c);
    kind_ = kChar;
    if (std::string_view("*+.|^-[]()").find(c) != std::string_view::npos) {
      kind_ = static_cast<unsigned char>(c);
    } else if (c == '\\') {
      const int value = EscapeAt(text_, pos_, "*+.|^$-[](){}");
      if (value >= 0) byte_ = static_cast<unsigned char>(value);
    }
  }

  uint32_t State() {
    out_.states_.emplace_back();
    return static_cast<uint32_t>(out_.states_.size() - 1);
  }
  void Silent(uint32_t from, uint32_t to) { out_.states_[from].silent.push_back(to); }
  Part Of(const Automaton::Bytes& bytes) {
    const uint32_t from = State();
    const uint32_t to = State();
    out_.states_[from].edges.push_back({bytes, to});
    return {from, to};
  }
  Part Nothing() {
    const uint32_t one = State();
    return {one, one};
  }

  // Alternatives, each possibly empty; depth is bounded by the nesting of {}.
  Part Regex() {
    const uint32_t from = State();
    const uint32_t to = State();
    while (true) {
      const Part part = Terms();
      Silent(from, part.from);
      Silent(part.to, to);
      if (!good_ || kind_ != '|') return {from, to};
      Next();
    }
  }

  Part Terms() {
    Part all = Nothing();
    while (good_ && kind_ != kEnd && kind_ != '|' && kind_ != ')') {
      const Part part = Quantified();
      Silent(all.to, part.from);
      all.to = part.to;
    }
    return all;
  }

  Part Quantified() {
    const Part part = Term();
    if (kind_ != '*' && kind_ != '+') return part;
    out_.exact_ = false;
    Silent(part.to, part.from);
    const uint32_t to = State();
    Silent(part.to, to);
    if (kind_ == '*') Silent(part.from, to);
    Next();
    return {part.from, to};
  }

  Part Term() {
    Automaton::Bytes bytes;
    switch (kind_) {
      case '.': bytes.set(); out_.exact_ = false; break;
      case '^': case '-': case ']': case kChar: bytes.set(byte_); break;
      case '(': {
        Next();
        const Part inner = Regex();
        if (kind_ != ')') good_ = false;
        Next();
        return inner;
      }
      case '[': bytes = Class(); break;
      default: good_ = false;
    }
    Next();
    return Of(bytes);
  }

  bool IsClassChar() const { return kind_ == kChar || kind_ == '[' || kind_ == '*' || kind_ == '+' || kind_ == '.' || kind_ == '|' || kind_ == '(' || kind_ == ')'; }

  // Ends at the `]`.
  Automaton::Bytes Class() {
    Automaton::Bytes bytes;
    out_.exact_ = false;
    Next();
    const bool negated = kind_ == '^';
    if (negated) Next();
    // A first `]` or `-` is a character; so is a second `^`.
    if (negated && kind_ == '^') {
      bytes.set('^');
      Next();
    } else if (IsClassChar() || kind_ == ']' || kind_ == '-') {
      One(bytes);
    } else {
      good_ = false;
    }
    while (good_ && (IsClassChar() || kind_ == '^')) One(bytes);
    if (kind_ != ']') good_ = false;
    return negated ? ~bytes : bytes;
  }

  void One(Automaton::Bytes& bytes) {
    unsigned lo = byte_;
    Next();
    unsigned hi = lo;
    if (kind_ == '-') {
      Next();
      if (!IsClassChar() && kind_ != '^') {
        good_ = false;
        return;
      }
      hi = byte_;
      Next();
    }
    if (lo > hi) std::swap(lo, hi);
    for (unsigned b = lo; b <= hi; ++b) bytes.set(b);
  }

  std::string_view text_;
  Automaton& out_;
  size_t pos_ = 0;
  int kind_ = kEnd;
  unsigned char byte_ = 0;
  bool good_ = true;
};

bool Automaton::FromRegex(std::string_view regex, Automaton& out) {
  out = Automaton();
  return RegexReader(regex, out).Run();
}

bool Automaton::Intersects(const Automaton& other) const {
  std::unordered_set<uint64_t> seen;
  std::vector<std::pair<uint32_t, uint32_t>> work;
  const auto visit = [&](uint32_t a, uint32_t b) {
    if (seen.insert(uint64_t{a} << 32 | b).second) work.emplace_back(a, b);
  };
  visit(0, 0);
  while (!work.empty()) {
    const auto [a, b] = work.back();
    work.pop_back();
    if (a == 1 && b == 1) return true;
    for (const uint32_t next : states_[a].silent) visit(next, b);
    for (const uint32_t next : other.states_[b].silent) visit(a, next);
    for (const Edge& ours : states_[a].edges) {
      for (const Edge& theirs : other.states_[b].edges) {
        if ((ours.bytes & theirs.bytes).any()) visit(ours.to, theirs.to);
      }
    }
  }
  return false;
}

}  // namespace ravelin::import::apparmor
