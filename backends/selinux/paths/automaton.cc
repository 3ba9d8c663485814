#include "backends/selinux/paths/automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace ravelin::selinux {
namespace {

constexpr size_t kMaxStates = 400000;
using Nodes = std::vector<uint32_t>;

struct NodesHash {
  size_t operator()(const Nodes& nodes) const {
    uint64_t h = nodes.size();
    for (const uint32_t n : nodes) h = (h ^ n) * 0x9e3779b97f4a7c15u;
    return static_cast<size_t>(h ^ h >> 31);
  }
};

// Subset construction over classes of bytes.
class Determinizer {
 public:
  Determinizer(const Nfa& nfa, const std::vector<NfaPart>& parts) : nfa_(nfa), mark_(nfa.nodes.size(), 0), pattern_of_(nfa.nodes.size(), -1), parts_(parts) {
    for (size_t i = 0; i < parts.size(); ++i) pattern_of_[parts[i].end] = static_cast<int64_t>(i);
    SplitBytes();
  }

  bool Run() {
    Nodes start;
    for (const NfaPart& part : parts_) start.push_back(part.start);
    StateOf(Closed(std::move(start)));
    for (uint32_t i = 0; i < states.size(); ++i) {
      if (states.size() > kMaxStates) return false;
      std::vector<Nodes> targets(alphabet.size());
      for (const uint32_t node : *states[i]) {
        for (const Nfa::Edge& edge : nfa_.nodes[node].edges) {
          for (const uint16_t c : classes_of_set_[edge.bytes]) targets[c].push_back(edge.to);
        }
      }
      next.resize((i + 1) * alphabet.size());
      for (size_t c = 0; c < alphabet.size(); ++c) {
        const uint32_t to = StateOf(Closed(std::move(targets[c])));
        next[i * alphabet.size() + c] = to;
      }
    }
    return true;
  }

  std::array<uint16_t, 256> class_of{};
  std::vector<unsigned char> alphabet;
  std::vector<const Nodes*> states;
  std::vector<uint32_t> next;
  std::vector<uint32_t> label_of;
  std::vector<std::vector<uint32_t>> labels = {{}};

 private:
  void SplitBytes() {
    std::map<std::vector<bool>, uint16_t> known;
    const auto rank = [](int b) { return b >= 'a' && b <= 'z' ? 0 : b == '/' || b == '.' || b == '-' || (b >= '0' && b <= '9') ? 1
                                                                : b > 32 && b < 127                                            ? 2
                                                                                                                               : 3; };
    for (int b = 1; b < 256; ++b) {
      std::vector<bool> signature;
      signature.reserve(nfa_.sets.size() + 1);
      for (const Bytes& set : nfa_.sets) signature.push_back(set.test(static_cast<size_t>(b)));
      signature.push_back(b == '/');
      const auto [at, fresh] = known.emplace(std::move(signature), static_cast<uint16_t>(alphabet.size()));
      if (fresh) {
        alphabet.push_back(static_cast<unsigned char>(b));
      } else if (rank(b) < rank(alphabet[at->second])) {
        alphabet[at->second] = static_cast<unsigned char>(b);
      }
      class_of[static_cast<size_t>(b)] = at->second;
    }
    classes_of_set_.resize(nfa_.sets.size());
    for (size_t s = 0; s < nfa_.sets.size(); ++s) {
      for (size_t c = 0; c < alphabet.size(); ++c) {
        if (nfa_.sets[s].test(alphabet[c])) classes_of_set_[s].push_back(static_cast<uint16_t>(c));
      }
    }
  }

  // With everything that empty edges reach; only nodes that matter later are kept.
  Nodes Closed(Nodes nodes) {
    ++round_;
    Nodes work;
    for (const uint32_t n : nodes) {
      if (mark_[n] == round_) continue;
      mark_[n] = round_;
      work.push_back(n);
    }
    Nodes out;
    for (size_t i = 0; i < work.size(); ++i) {
      const Nfa::Node& node = nfa_.nodes[work[i]];
      if (!node.edges.empty() || pattern_of_[work[i]] >= 0) out.push_back(work[i]);
      for (const uint32_t to : node.empty) {
        if (mark_[to] == round_) continue;
        mark_[to] = round_;
        work.push_back(to);
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  uint32_t StateOf(Nodes nodes) {
    const auto [at, fresh] = known_.emplace(std::move(nodes), static_cast<uint32_t>(states.size()));
    if (!fresh) return at->second;
    states.push_back(&at->first);
    std::vector<uint32_t> label;
    for (const uint32_t n : at->first) {
      if (pattern_of_[n] >= 0) label.push_back(static_cast<uint32_t>(pattern_of_[n]));
    }
    std::sort(label.begin(), label.end());
    const auto [l, new_label] = known_labels_.emplace(label, static_cast<uint32_t>(labels.size()));
    if (new_label) labels.push_back(std::move(label));
    label_of.push_back(l->second);
    return at->second;
  }

  const Nfa& nfa_;
  std::vector<uint32_t> mark_;
  std::vector<int64_t> pattern_of_;
  const std::vector<NfaPart>& parts_;
  std::vector<std::vector<uint16_t>> classes_of_set_;
  uint32_t round_ = 0;
  std::unordered_map<Nodes, uint32_t, NodesHash> known_;
  std::map<std::vector<uint32_t>, uint32_t> known_labels_ = {{{}, 0}};
};

}  // namespace

Result<Automaton> Automaton::Build(std::span<const PatternText> patterns) {
  Nfa nfa;
  std::vector<NfaPart> parts;
  for (const PatternText& pattern : patterns) {
    auto part = pattern.regex ? AddRegex(pattern.text, nfa) : AddGlob(pattern.text, nfa);
    if (!part) return tl::make_unexpected(std::move(part.error()));
    // An end of its own, so that each node ends one pattern at most.
    const uint32_t end = nfa.New();
    nfa.AddEmpty(part->end, end);
    parts.push_back({part->start, end});
  }
  Determinizer made(nfa, parts);
  if (!made.Run()) return Fail(ErrorCode::kTooLarge, "the path patterns need too large an automaton");
  Automaton out;
  out.class_of_ = made.class_of;
  out.class_count_ = made.alphabet.size();
  out.alphabet_ = std::move(made.alphabet);
  out.next_ = std::move(made.next);
  out.label_of_ = std::move(made.label_of);
  out.labels_ = std::move(made.labels);
  return out;
}

bool Automaton::Alone(unsigned char byte) const { return std::count(class_of_.begin() + 1, class_of_.end(), class_of_[byte]) == 1; }

uint32_t Automaton::Lookup(std::string_view path) const {
  uint32_t state = 0;
  for (const char c : path) state = Next(state, static_cast<unsigned char>(c));
  return label_of_[state];
}

}  // namespace ravelin::selinux
