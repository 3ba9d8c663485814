#include "compiler/ir/path_set.h"

#include <bitset>
#include <map>
#include <set>

namespace ravelin::ir {
namespace {

constexpr size_t kMaxStates = 20000;
using Bytes = std::bitset<256>;

// Thompson construction: edges on byte sets, and empty edges.
struct Nfa {
  struct Node {
    std::vector<std::pair<Bytes, uint32_t>> edges;
    std::vector<uint32_t> empty;
  };
  std::vector<Node> nodes;
  uint32_t New() {
    nodes.emplace_back();
    return static_cast<uint32_t>(nodes.size() - 1);
  }
};

Bytes AllBytes() {
  Bytes all;
  all.set();
  all.reset(0);  // paths hold no NUL
  return all;
}

Bytes NameBytes() {
  Bytes all = AllBytes();
  all.reset('/');
  return all;
}

class Parser {
 public:
  Parser(std::string_view text, Nfa* nfa) : text_(text), nfa_(nfa) {}

  // Start and end of the whole pattern, or a message.
  std::string Run(uint32_t* start, uint32_t* end) {
    *start = New();
    *end = Sequence(*start, 0);
    if (error_.empty() && at_ < text_.size()) error_ = text_[at_] == '}' ? "`}` without `{`" : "it ends too early";
    return error_;
  }

 private:
  uint32_t New() { return nfa_ != nullptr ? nfa_->New() : 0; }
  void Edge(uint32_t from, const Bytes& bytes, uint32_t to) {
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
      from = Item(from, c, depth);
    }
    return from;
  }

  uint32_t Item(uint32_t from, char c, int depth) {
    const uint32_t to = New();
    if (c == '*') {
      const bool deep = text_.substr(at_, 2) == "**";
      const bool after_slash = at_ > 0 && text_[at_ - 1] == '/';
      at_ += deep ? 2 : 1;
      const Bytes bytes = deep ? AllBytes() : NameBytes();
      uint32_t loop = from;
      if (after_slash) {  // one or more, right after a slash
        loop = New();
        Edge(from, bytes, loop);
      } else {
        loop = New();
        Empty(from, loop);
      }
      Edge(loop, bytes, loop);
      Empty(loop, to);
      return to;
    }
    if (c == '{') return Alternatives(from, to, depth);
    Bytes bytes;
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

  Bytes Class() {
    ++at_;
    Bytes bytes;
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
  Nfa* nfa_;
  size_t at_ = 0;
  std::string error_;
};

void Close(const Nfa& nfa, std::set<uint32_t>& nodes) {
  std::vector<uint32_t> work(nodes.begin(), nodes.end());
  while (!work.empty()) {
    const uint32_t node = work.back();
    work.pop_back();
    for (const uint32_t next : nfa.nodes[node].empty) {
      if (nodes.insert(next).second) work.push_back(next);
    }
  }
}

}  // namespace

Result<void> CheckPathPattern(std::string_view pattern) {
  uint32_t start = 0;
  uint32_t end = 0;
  const std::string error = Parser(pattern, nullptr).Run(&start, &end);
  if (!error.empty()) return Fail(ErrorCode::kMalformed, error);
  return {};
}

Result<PathSet> PathSet::Parse(std::string_view pattern) {
  Nfa nfa;
  uint32_t start = 0;
  uint32_t end = 0;
  const std::string error = Parser(pattern, &nfa).Run(&start, &end);
  if (!error.empty()) return Fail(ErrorCode::kMalformed, error);
  PathSet out;
  std::map<std::set<uint32_t>, uint32_t> known;
  std::vector<std::set<uint32_t>> work;
  const auto state_of = [&](std::set<uint32_t> nodes) {
    Close(nfa, nodes);
    const auto [at, fresh] = known.emplace(nodes, static_cast<uint32_t>(out.states_.size()));
    if (fresh) {
      out.states_.emplace_back();
      out.states_.back().accepts = nodes.count(end) != 0;
      work.push_back(std::move(nodes));
    }
    return at->second;
  };
  state_of({start});
  for (size_t i = 0; i < work.size(); ++i) {
    if (work.size() > kMaxStates) return Fail(ErrorCode::kTooLarge, "the pattern needs too large an automaton");
    const std::set<uint32_t> nodes = work[i];
    std::map<std::set<uint32_t>, uint32_t> targets;
    for (unsigned b = 0; b < 256; ++b) {
      std::set<uint32_t> next;
      for (const uint32_t node : nodes) {
        for (const auto& [bytes, to] : nfa.nodes[node].edges) {
          if (bytes.test(b)) next.insert(to);
        }
      }
      const auto it = targets.find(next);
      const uint32_t to = it != targets.end() ? it->second : targets.emplace(next, state_of(next)).first->second;
      out.states_[i].next[b] = to;
    }
  }
  return out;
}

bool PathSet::Contains(std::string_view path) const {
  uint32_t state = 0;
  for (const char c : path) state = states_[state].next[static_cast<unsigned char>(c)];
  return states_[state].accepts;
}

PathSet PathSet::Complement() const {
  PathSet out = *this;
  for (State& state : out.states_) state.accepts = !state.accepts;
  return out;
}

Result<PathSet> PathSet::Combine(const PathSet& other, bool negate_other, bool conjunction) const {
  PathSet out;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> known;
  std::vector<std::pair<uint32_t, uint32_t>> work;
  const auto state_of = [&](uint32_t a, uint32_t b) {
    const auto [at, fresh] = known.emplace(std::pair(a, b), static_cast<uint32_t>(out.states_.size()));
    if (fresh) {
      const bool right = other.states_[b].accepts != negate_other;
      out.states_.emplace_back();
      out.states_.back().accepts = conjunction ? states_[a].accepts && right : states_[a].accepts || right;
      work.emplace_back(a, b);
    }
    return at->second;
  };
  state_of(0, 0);
  for (size_t i = 0; i < work.size(); ++i) {
    if (work.size() > kMaxStates) return Fail(ErrorCode::kTooLarge, "the patterns need too large an automaton");
    const auto [a, b] = work[i];
    for (unsigned c = 0; c < 256; ++c) {
      const uint32_t to = state_of(states_[a].next[c], other.states_[b].next[c]);
      out.states_[i].next[c] = to;
    }
  }
  return out;
}

Result<bool> PathSet::Includes(const PathSet& other) const {
  RAVELIN_TRY(rest, other.Minus(*this));
  return rest.Empty();
}

std::optional<std::string> PathSet::Witness() const {
  if (states_.empty()) return std::nullopt;
  static const std::string order = [] {
    std::string all;
    for (int c = 'a'; c <= 'z'; ++c) all += static_cast<char>(c);
    for (int c = 1; c < 256; ++c) {
      if (c < 'a' || c > 'z') all += static_cast<char>(c);
    }
    return all;
  }();
  std::vector<int64_t> parent(states_.size(), -1);
  std::vector<char> byte(states_.size(), 0);
  std::vector<uint32_t> queue = {0};
  parent[0] = 0;
  for (size_t i = 0; i < queue.size(); ++i) {
    if (states_[queue[i]].accepts) {
      std::string path;
      for (uint32_t s = queue[i]; s != 0; s = static_cast<uint32_t>(parent[s])) path += byte[s];
      return std::string(path.rbegin(), path.rend());
    }
    for (const char c : order) {
      const uint32_t next = states_[queue[i]].next[static_cast<unsigned char>(c)];
      if (parent[next] >= 0) continue;
      parent[next] = queue[i];
      byte[next] = c;
      queue.push_back(next);
    }
  }
  return std::nullopt;
}

}  // namespace ravelin::ir
