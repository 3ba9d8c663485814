#include "backends/seccomp/search_tree.h"

#include <algorithm>
#include <limits>

namespace ravelin::seccomp {
namespace {

constexpr size_t kExactLimit = 160;
constexpr int kMaxPrefix = 8;

std::vector<WeightedRange> Merge(const std::vector<WeightedRange>& ranges) {
  std::vector<WeightedRange> out;
  for (const WeightedRange& r : ranges) {
    if (!out.empty() && out.back().outcome == r.outcome) {
      out.back().hi = r.hi;
      out.back().weight += r.weight;
    } else {
      out.push_back(r);
    }
  }
  return out;
}

class Builder {
 public:
  explicit Builder(std::vector<WeightedRange> ranges) : r_(std::move(ranges)), n_(r_.size()) {
    sum_.resize(n_ + 1);
    // A little of the uniform cost decides among ranges of weight zero.
    for (size_t i = 0; i < n_; ++i) sum_[i + 1] = sum_[i] + r_[i].weight + 1e-9;
    if (n_ > kExactLimit) return;
    cost_.assign(n_ * n_, 0);
    split_.assign(n_ * n_, 0);
    for (size_t length = 2; length <= n_; ++length) {
      for (size_t i = 0; i + length <= n_; ++i) Solve(i, i + length - 1);
    }
  }
  double Cost() const { return n_ <= kExactLimit && n_ > 0 ? cost_[n_ - 1] : std::numeric_limits<double>::infinity(); }

  int Emit(SearchTree& tree, size_t i, size_t j) const {
    const int at = static_cast<int>(tree.nodes.size());
    tree.nodes.emplace_back();
    if (i == j) {
      tree.nodes[static_cast<size_t>(at)].outcome = r_[i].outcome;
      return at;
    }
    SearchTree::Node node;
    node.leaf = false;
    if (IsSingle(i, j)) {
      node.equal = true;
      node.k = r_[i + 1].lo;
      node.yes = Emit(tree, i + 1, i + 1);
      node.no = Emit(tree, i, i);
    } else {
      const size_t m = n_ <= kExactLimit ? split_[i * n_ + j] : ByWeight(i, j);
      node.k = r_[m].lo;
      node.yes = Emit(tree, m, j);
      node.no = Emit(tree, i, m - 1);
    }
    tree.nodes[static_cast<size_t>(at)] = node;
    return at;
  }
  size_t size() const { return n_; }

 private:
  double Weight(size_t i, size_t j) const { return sum_[j + 1] - sum_[i]; }
  // X, one value, X: a single `==`.
  bool IsSingle(size_t i, size_t j) const { return j == i + 2 && r_[i].outcome == r_[j].outcome && r_[i + 1].lo == r_[i + 1].hi; }
  void Solve(size_t i, size_t j) {
    if (IsSingle(i, j)) {
      cost_[i * n_ + j] = Weight(i, j);
      return;
    }
    double best = std::numeric_limits<double>::infinity();
    for (size_t m = i + 1; m <= j; ++m) {
      const double c = Inner(i, m - 1) + Inner(m, j);
      if (c < best) {
        best = c;
        split_[i * n_ + j] = m;
      }
    }
    cost_[i * n_ + j] = best + Weight(i, j);
  }
  double Inner(size_t i, size_t j) const { return i == j ? 0 : cost_[i * n_ + j]; }
  size_t ByWeight(size_t i, size_t j) const {
    const double half = sum_[i] + Weight(i, j) / 2;
    const auto it = std::lower_bound(sum_.begin() + static_cast<long>(i) + 1, sum_.begin() + static_cast<long>(j) + 1, half);
    return std::clamp(static_cast<size_t>(it - sum_.begin()), i + 1, j);
  }

  std::vector<WeightedRange> r_;
  size_t n_;
  std::vector<double> sum_;
  std::vector<double> cost_;
  std::vector<size_t> split_;
};

// The ranges without one value, which an earlier `==` has answered: it may take either neighbour's outcome.
std::vector<WeightedRange> Without(const std::vector<WeightedRange>& ranges, const WeightedRange& hot) {
  std::vector<WeightedRange> out;
  for (size_t i = 0; i < ranges.size(); ++i) {
    WeightedRange r = ranges[i];
    if (r.lo <= hot.lo && hot.hi <= r.hi) {
      r.weight = std::max(0.0, r.weight - hot.weight);
      if (r.lo == r.hi && ranges.size() > 1) r.outcome = i > 0 ? out.back().outcome : ranges[i + 1].outcome;
    }
    out.push_back(r);
  }
  return Merge(out);
}

}  // namespace

SearchTree BuildSearchTree(std::vector<WeightedRange> ranges) {
  std::vector<WeightedRange> heavy = ranges;
  std::stable_sort(heavy.begin(), heavy.end(), [](const auto& a, const auto& b) { return a.weight > b.weight; });
  std::erase_if(heavy, [](const WeightedRange& r) { return r.lo != r.hi || r.weight <= 0; });
  double total = 0;
  for (const WeightedRange& r : ranges) total += r.weight;
  std::vector<WeightedRange> rest = Merge(ranges);
  Builder best(rest);
  double best_cost = best.Cost();
  size_t prefix = 0;
  double spent = 0;  // expected `==` tests of the prefix
  double left = total;
  for (size_t k = 0; k < heavy.size() && k < kMaxPrefix && rest.size() <= kExactLimit && rest.size() > 2; ++k) {
    spent += left;
    left -= heavy[k].weight;
    rest = Without(rest, heavy[k]);
    Builder builder(rest);
    if (spent + builder.Cost() < best_cost - 1e-7) {
      best_cost = spent + builder.Cost();
      best = builder;
      prefix = k + 1;
    }
  }
  SearchTree tree;
  tree.cost = best_cost;
  int next = best.Emit(tree, 0, best.size() - 1);
  for (size_t k = prefix; k-- > 0;) {
    SearchTree::Node leaf;
    leaf.outcome = heavy[k].outcome;
    tree.nodes.push_back(leaf);
    SearchTree::Node test;
    test.leaf = false;
    test.equal = true;
    test.k = heavy[k].lo;
    test.yes = static_cast<int>(tree.nodes.size()) - 1;
    test.no = next;
    tree.nodes.push_back(test);
    next = static_cast<int>(tree.nodes.size()) - 1;
  }
  tree.root = next;
  return tree;
}

}  // namespace ravelin::seccomp
