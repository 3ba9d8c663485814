#include "compiler/ir/bdd.h"

#include <algorithm>
#include <set>

namespace ravelin::ir {
namespace {

void SetBit(FilterInput& input, uint16_t variable) {
  if (variable < 32) {
    input.arch |= 1u << (31 - variable);
  } else if (variable < 64) {
    input.number |= 1u << (63 - variable);
  } else if (variable < 448) {
    input.args[static_cast<size_t>(variable - 64) / 64] |= uint64_t{1} << (63 - (variable - 64) % 64);
  } else {
    input.instruction_pointer |= uint64_t{1} << (511 - variable);
  }
}

bool GetBit(const FilterInput& input, uint16_t variable) {
  if (variable < 32) return (input.arch >> (31 - variable) & 1) != 0;
  if (variable < 64) return (input.number >> (63 - variable) & 1) != 0;
  if (variable < 448) return (input.args[static_cast<size_t>(variable - 64) / 64] >> (63 - (variable - 64) % 64) & 1) != 0;
  return (input.instruction_pointer >> (511 - variable) & 1) != 0;
}

}  // namespace

Diagrams::Node Diagrams::Terminal(uint32_t value) {
  const Data data{kLeaf, value, 0};
  const auto [at, fresh] = unique_.emplace(data, static_cast<Node>(nodes_.size()));
  if (fresh) nodes_.push_back(data);
  return at->second;
}

Diagrams::Node Diagrams::Make(uint16_t variable, Node low, Node high) {
  if (low == high) return low;
  const Data data{variable, low, high};
  const auto [at, fresh] = unique_.emplace(data, static_cast<Node>(nodes_.size()));
  if (fresh) nodes_.push_back(data);
  return at->second;
}

Diagrams::Node Diagrams::Interval(uint16_t base, int bits, uint64_t lo, uint64_t hi, Node yes, Node no) {
  // [lo, hi]: walk both bounds from the least significant bit; `both` still touches both of them.
  Node at_lo = yes;
  Node at_hi = yes;
  Node both = yes;
  for (int bit = 0; bit < bits; ++bit) {
    const auto variable = static_cast<uint16_t>(base + bits - 1 - bit);
    const bool l = (lo >> bit & 1) != 0;
    const bool h = (hi >> bit & 1) != 0;
    Node next_both = no;
    if (l == h) {
      next_both = l ? Make(variable, no, both) : Make(variable, both, no);
    } else if (!l) {
      next_both = Make(variable, at_lo, at_hi);
    }
    at_lo = l ? Make(variable, no, at_lo) : Make(variable, at_lo, yes);
    at_hi = h ? Make(variable, yes, at_hi) : Make(variable, at_hi, no);
    both = next_both;
  }
  return both;
}

Diagrams::Node Diagrams::FromRanges(uint16_t base, int bits, const std::vector<Range>& ranges) {
  const std::function<Node(int, uint64_t, size_t)> build = [&](int depth, uint64_t prefix, size_t first) -> Node {
    const int below = bits - depth;
    const uint64_t last = prefix + ((uint64_t{1} << below) - 1);
    while (ranges[first].hi < prefix) ++first;
    if (ranges[first].hi >= last) return ranges[first].node;
    const Node low = build(depth + 1, prefix, first);
    const Node high = build(depth + 1, prefix + (uint64_t{1} << (below - 1)), first);
    return Make(static_cast<uint16_t>(base + depth), low, high);
  };
  return build(0, 0, 0);
}

Diagrams::Node Diagrams::MaskedIn(uint16_t base, int bits, uint64_t mask, const IntervalSet& set) {
  const Node yes = Terminal(1);
  const Node no = Terminal(0);
  if (bits < 64) mask &= (uint64_t{1} << bits) - 1;
  const uint64_t full = bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  Node any = no;
  for (const ir::Interval& interval : set.intervals()) {
    Node one = no;
    if (mask == full) {
      one = Interval(base, bits, interval.lo, interval.hi > full ? full : interval.hi, yes, no);
      if (interval.lo > full) one = no;
    } else {
      // Bits outside the mask read as 0: compare bit by bit from the least significant one.
      Node ge = yes;  // value >= lo so far
      Node le = yes;  // value <= hi so far
      for (int bit = 0; bit < 64; ++bit) {
        const bool l = (interval.lo >> bit & 1) != 0;
        const bool h = (interval.hi >> bit & 1) != 0;
        const bool free = bit < bits && (mask >> bit & 1) != 0;
        const auto variable = static_cast<uint16_t>(base + bits - 1 - bit);
        if (free) {
          ge = l ? Make(variable, no, ge) : Make(variable, ge, yes);
          le = h ? Make(variable, yes, le) : Make(variable, le, no);
        } else {
          ge = l ? no : ge;
          le = h ? yes : le;
        }
      }
      one = And(ge, le);
    }
    any = Or(any, one);
  }
  return any;
}

Diagrams::Node Diagrams::FromPredicate(const Predicate& predicate) {
  switch (predicate.kind()) {
    case PredicateKind::kTrue: return Terminal(1);
    case PredicateKind::kFalse: return Terminal(0);
    case PredicateKind::kNot: return Not(FromPredicate(predicate.terms().front()));
    case PredicateKind::kTest: {
      const ArgTest& test = predicate.test();
      return MaskedIn(static_cast<uint16_t>(ArgBase(test.arg) + (64 - test.bits)), test.bits, test.mask, test.values);
    }
    case PredicateKind::kAnd: {
      Node all = Terminal(1);
      for (const Predicate& term : predicate.terms()) all = And(all, FromPredicate(term));
      return all;
    }
    case PredicateKind::kOr: {
      Node any = Terminal(0);
      for (const Predicate& term : predicate.terms()) any = Or(any, FromPredicate(term));
      return any;
    }
  }
  return Terminal(0);
}

Diagrams::Node Diagrams::Choose(Node condition, Node yes, Node no) {
  if (nodes_[condition].variable == kLeaf) return nodes_[condition].low != 0 ? yes : no;
  if (yes == no) return yes;
  const Triple key{condition, yes, no};
  const auto known = choose_.find(key);
  if (known != choose_.end()) return known->second;
  uint16_t top = nodes_[condition].variable;
  for (const Node n : {yes, no}) top = std::min(top, nodes_[n].variable);
  const auto half = [&](Node n, bool high) { return nodes_[n].variable != top ? n : high ? nodes_[n].high : nodes_[n].low; };
  const Node low = Choose(half(condition, false), half(yes, false), half(no, false));
  const Node high = Choose(half(condition, true), half(yes, true), half(no, true));
  return choose_[key] = Make(top, low, high);
}

bool Diagrams::Search(Node node, const std::function<bool(uint32_t)>& wanted, FilterInput& input, std::vector<bool>& dead) const {
  const Data data = nodes_[node];
  if (data.variable == kLeaf) return wanted(data.low);
  if (dead[node]) return false;
  if (Search(data.low, wanted, input, dead)) return true;
  if (Search(data.high, wanted, input, dead)) {
    SetBit(input, data.variable);
    return true;
  }
  dead[node] = true;
  return false;
}

std::optional<FilterInput> Diagrams::Find(Node node, const std::function<bool(uint32_t)>& wanted) const {
  FilterInput input;
  std::vector<bool> dead(nodes_.size());
  return Search(node, wanted, input, dead) ? std::optional(input) : std::nullopt;
}

std::optional<FilterInput> Diagrams::FindDifference(Node a, Node b) const {
  std::set<std::pair<Node, Node>> dead;
  FilterInput input;
  const std::function<bool(Node, Node)> search = [&](Node x, Node y) {
    if (x == y || dead.count({x, y}) != 0) return false;
    const Data& dx = nodes_[x];
    const Data& dy = nodes_[y];
    if (dx.variable == kLeaf && dy.variable == kLeaf) return true;
    const uint16_t top = std::min(dx.variable, dy.variable);
    const auto half = [&](Node n, const Data& d, bool high) { return d.variable != top ? n : high ? d.high : d.low; };
    if (search(half(x, dx, false), half(y, dy, false))) return true;
    if (search(half(x, dx, true), half(y, dy, true))) {
      SetBit(input, top);
      return true;
    }
    dead.insert({x, y});
    return false;
  };
  return search(a, b) ? std::optional(input) : std::nullopt;
}

uint32_t Diagrams::Evaluate(Node node, const FilterInput& input) const {
  while (nodes_[node].variable != kLeaf) node = GetBit(input, nodes_[node].variable) ? nodes_[node].high : nodes_[node].low;
  return nodes_[node].low;
}

}  // namespace ravelin::ir
