#include "compiler/ir/automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "compiler/ir/pattern_nfa.h"

namespace ravelin::ir {
namespace {

using Nodes = std::vector<uint32_t>;  // sorted, unique

struct HashNodes {
  size_t operator()(const Nodes& nodes) const {
    size_t hash = nodes.size();
    for (const uint32_t node : nodes) hash = (hash ^ node) * 0x9e3779b97f4a7c15ull + (hash >> 29);
    return hash;
  }
};

// For each node, the nodes that empty edges reach and that do something: read a byte or end a pattern.
std::vector<Nodes> Closures(const PatternNfa& nfa) {
  std::vector<Nodes> closures(nfa.nodes.size());
  std::vector<uint32_t> stamp(nfa.nodes.size(), 0);
  uint32_t round = 0;
  for (uint32_t from = 0; from < nfa.nodes.size(); ++from) {
    std::vector<uint32_t> work = {from};
    stamp[from] = ++round;
    while (!work.empty()) {
      const uint32_t node = work.back();
      work.pop_back();
      if (!nfa.nodes[node].edges.empty() || !nfa.nodes[node].ends.empty()) closures[from].push_back(node);
      for (const uint32_t to : nfa.nodes[node].empty) {
        if (stamp[to] == round) continue;
        stamp[to] = round;
        work.push_back(to);
      }
    }
    std::sort(closures[from].begin(), closures[from].end());
  }
  return closures;
}

// Byte classes: bytes that every edge treats alike.
uint32_t Classify(const PatternNfa& nfa, std::array<uint8_t, 256>& class_of) {
  std::map<std::string, bool> sets;
  for (const PatternNfa::Node& node : nfa.nodes) {
    for (const auto& edge : node.edges) {
      if (edge.first.count() > 1) sets.emplace(edge.first.to_string(), true);
    }
  }
  ByteSet single;
  for (const PatternNfa::Node& node : nfa.nodes) {
    for (const auto& edge : node.edges) {
      if (edge.first.count() == 1) single |= edge.first;
    }
  }
  std::map<std::string, uint8_t> ids;
  for (unsigned b = 0; b < 256; ++b) {
    std::string key;
    for (const auto& entry : sets) key += entry.first[255 - b];
    if (single.test(b)) key += fmt::format("={}", b);
    class_of[b] = ids.emplace(key, static_cast<uint8_t>(ids.size())).first->second;
  }
  return static_cast<uint32_t>(ids.size());
}

const std::string& ReadableOrder() {
  static const std::string order = [] {
    std::string all;
    for (int c = 'a'; c <= 'z'; ++c) all += static_cast<char>(c);
    for (int c = 1; c < 256; ++c) {
      if (c < 'a' || c > 'z') all += static_cast<char>(c);
    }
    return all + '\0';
  }();
  return order;
}

}  // namespace

uint32_t Automaton::LabelOf(std::string_view text) const {
  uint32_t state = 0;
  for (const char c : text) state = Step(state, static_cast<unsigned char>(c));
  return label[state];
}

std::optional<std::string> Automaton::Find(const std::function<bool(uint32_t)>& wanted) const {
  std::vector<char> byte_of(classes, 0);  // the most readable byte of each class, classes in the order of these
  std::vector<uint32_t> order;
  std::vector<bool> seen(classes, false);
  for (const char c : ReadableOrder()) {
    const uint32_t k = class_of[static_cast<unsigned char>(c)];
    if (seen[k]) continue;
    seen[k] = true;
    byte_of[k] = c;
    order.push_back(k);
  }
  constexpr uint32_t kNone = ~0u;
  std::vector<uint32_t> parent(size(), kNone);
  std::vector<char> byte(size(), 0);
  std::vector<uint32_t> queue = {0};
  parent[0] = 0;
  for (size_t i = 0; i < queue.size(); ++i) {
    if (wanted(label[queue[i]])) {
      std::string text;
      for (uint32_t s = queue[i]; s != 0; s = parent[s]) text += byte[s];
      return std::string(text.rbegin(), text.rend());
    }
    for (const uint32_t k : order) {
      const uint32_t to = next[size_t{queue[i]} * classes + k];
      if (parent[to] != kNone) continue;
      parent[to] = queue[i];
      byte[to] = byte_of[k];
      queue.push_back(to);
    }
  }
  return std::nullopt;
}

Result<PatternAutomaton> CompilePatterns(std::span<const std::string> patterns, size_t max_states) {
  PatternNfa nfa;
  for (uint32_t i = 0; i < patterns.size(); ++i) {
    auto items = ParsePattern(patterns[i]);
    if (!items) return tl::make_unexpected(patterns.size() == 1 ? std::move(items.error()) : std::move(items.error()).In(patterns[i]));
    AddPattern(*items, i, nfa);
  }
  return Determinize(nfa, max_states);
}

Result<PatternAutomaton> Determinize(const PatternNfa& nfa, size_t max_states, const SimplifyNodes& simplify) {
  PatternAutomaton out;
  Automaton& dfa = out.automaton;
  dfa.classes = Classify(nfa, dfa.class_of);
  std::vector<uint8_t> byte_of(dfa.classes, 0);  // one byte of each class
  for (unsigned b = 0; b < 256; ++b) byte_of[dfa.class_of[b]] = static_cast<uint8_t>(b);
  const std::vector<Nodes> closures = Closures(nfa);

  std::map<std::vector<uint32_t>, uint32_t> labels = {{{}, 0}};
  out.sets = {{}};
  std::unordered_map<Nodes, uint32_t, HashNodes> known;
  std::vector<const Nodes*> work;  // keys of `known`, which stay where they are
  const auto state_of = [&](Nodes nodes) {
    if (simplify) simplify(nodes);
    const auto [at, fresh] = known.emplace(std::move(nodes), static_cast<uint32_t>(dfa.label.size()));
    if (fresh) {
      std::vector<uint32_t> ends;
      for (const uint32_t node : at->first) ends.insert(ends.end(), nfa.nodes[node].ends.begin(), nfa.nodes[node].ends.end());
      std::sort(ends.begin(), ends.end());
      ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
      const auto [label, new_set] = labels.emplace(ends, static_cast<uint32_t>(out.sets.size()));
      if (new_set) out.sets.push_back(std::move(ends));
      dfa.label.push_back(label->second);
      work.push_back(&at->first);
    }
    return at->second;
  };
  state_of(closures[0]);
  std::vector<Nodes> reached(dfa.classes);
  for (size_t i = 0; i < work.size(); ++i) {
    if (work.size() > max_states) return Fail(ErrorCode::kTooLarge, "the pattern needs too large an automaton");
    for (Nodes& nodes : reached) nodes.clear();
    for (const uint32_t node : *work[i]) {
      for (const auto& edge : nfa.nodes[node].edges) {
        const Nodes& to = closures[edge.second];
        for (uint32_t k = 0; k < dfa.classes; ++k) {
          if (edge.first.test(byte_of[k])) reached[k].insert(reached[k].end(), to.begin(), to.end());
        }
      }
    }
    dfa.next.resize(dfa.next.size() + dfa.classes);
    for (uint32_t k = 0; k < dfa.classes; ++k) {
      std::sort(reached[k].begin(), reached[k].end());
      reached[k].erase(std::unique(reached[k].begin(), reached[k].end()), reached[k].end());
      const uint32_t to = state_of(reached[k]);
      dfa.next[i * dfa.classes + k] = to;
    }
  }
  return out;
}

Result<Automaton> Product(const Automaton& a, const Automaton& b, const std::function<uint32_t(uint32_t, uint32_t)>& join, size_t max_states) {
  Automaton out;
  std::map<std::pair<uint8_t, uint8_t>, uint8_t> ids;
  std::vector<std::pair<uint8_t, uint8_t>> pairs;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::pair<uint8_t, uint8_t> pair = {a.class_of[byte], b.class_of[byte]};
    const auto [at, fresh] = ids.emplace(pair, static_cast<uint8_t>(ids.size()));
    if (fresh) pairs.push_back(pair);
    out.class_of[byte] = at->second;
  }
  out.classes = static_cast<uint32_t>(pairs.size());
  std::unordered_map<uint64_t, uint32_t> known;
  std::vector<std::pair<uint32_t, uint32_t>> work;
  const auto state_of = [&](uint32_t x, uint32_t y) {
    const auto [at, fresh] = known.emplace(uint64_t{x} << 32 | y, static_cast<uint32_t>(work.size()));
    if (fresh) {
      out.label.push_back(join(a.label[x], b.label[y]));
      work.emplace_back(x, y);
    }
    return at->second;
  };
  state_of(0, 0);
  for (size_t i = 0; i < work.size(); ++i) {
    if (work.size() > max_states) return Fail(ErrorCode::kTooLarge, "the patterns need too large an automaton");
    const auto [x, y] = work[i];
    for (const auto& pair : pairs) out.next.push_back(state_of(a.next[size_t{x} * a.classes + pair.first], b.next[size_t{y} * b.classes + pair.second]));
  }
  return out;
}

Automaton Minimize(const Automaton& automaton) {
  // Moore's refinement: states of one block have one label and go to the same blocks.
  std::vector<uint32_t> block(automaton.size());
  std::map<uint32_t, uint32_t> first;
  for (size_t s = 0; s < automaton.size(); ++s) block[s] = first.emplace(automaton.label[s], static_cast<uint32_t>(first.size())).first->second;
  size_t count = first.size();
  while (true) {
    std::unordered_map<Nodes, uint32_t, HashNodes> ids;
    std::vector<uint32_t> refined(automaton.size());
    Nodes key(automaton.classes + 1);
    for (size_t s = 0; s < automaton.size(); ++s) {
      key[0] = block[s];
      for (uint32_t k = 0; k < automaton.classes; ++k) key[k + 1] = block[automaton.next[s * automaton.classes + k]];
      refined[s] = ids.emplace(key, static_cast<uint32_t>(ids.size())).first->second;
    }
    block = std::move(refined);
    if (ids.size() == count) break;
    count = ids.size();
  }
  Automaton out;
  out.class_of = automaton.class_of;
  out.classes = automaton.classes;
  std::vector<uint32_t> id(count, ~0u);
  std::vector<uint32_t> member = {0};
  id[block[0]] = 0;
  for (size_t i = 0; i < member.size(); ++i) {
    out.label.push_back(automaton.label[member[i]]);
    for (uint32_t k = 0; k < automaton.classes; ++k) {
      const uint32_t to = automaton.next[size_t{member[i]} * automaton.classes + k];
      if (id[block[to]] == ~0u) {
        id[block[to]] = static_cast<uint32_t>(member.size());
        member.push_back(to);
      }
      out.next.push_back(id[block[to]]);
    }
  }
  return out;
}

}  // namespace ravelin::ir
