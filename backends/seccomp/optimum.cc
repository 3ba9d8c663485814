#include "backends/seccomp/optimum.h"

#include <linux/filter.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace ravelin::seccomp {
namespace {

constexpr size_t kAlone = 24;    // so many of the heaviest values are looked at by themselves
constexpr size_t kMaxHoles = 8;  // `==` tests above one place of a tree
constexpr double kFixed = 3;     // load and test of the architecture, load of the number

// Consecutive numbers of one outcome.
struct Element {
  uint32_t lo = 0;
  std::string outcome;
  double weight = 0;
  bool single = false;
};

std::string OutcomeOf(const std::vector<Clause>& clauses) {
  std::string key;
  for (const Clause& clause : clauses) key += FormatPredicate(clause.when) + " " + FormatAction(clause.action) + ";";
  return key;
}

// Instructions after the dispatch: from the first load of an argument, or the return alone.
double CostOfAnswer(const Program& program, const ir::Event& event, bool big_endian) {
  const Run run = RunProgram(program, event, big_endian, true);
  for (size_t i = 0; i < run.path.size(); ++i) {
    const Instruction& instruction = program[run.path[i]];
    if (BPF_CLASS(instruction.code) == BPF_LD && instruction.k >= kOffsetArgs) return static_cast<double>(run.path.size() - i);
  }
  return 1;
}

std::vector<Element> Merge(std::vector<Element> elements) {
  std::sort(elements.begin(), elements.end(), [](const auto& a, const auto& b) { return a.lo < b.lo; });
  std::vector<double> heaviest;
  for (const Element& e : elements) heaviest.push_back(e.weight);
  std::sort(heaviest.rbegin(), heaviest.rend());
  const double bound = heaviest.size() > kAlone ? heaviest[kAlone] : 0;
  std::vector<Element> out;
  for (Element& e : elements) {
    const bool alone = e.single && e.weight > bound;
    if (!alone && !out.empty() && out.back().outcome == e.outcome && !(out.back().single && out.back().weight > bound)) {
      out.back().weight += e.weight;
      out.back().single = false;
    } else {
      out.push_back(std::move(e));
    }
  }
  return out;
}

// Dynamic programming over ranges of elements without their `h` heaviest single values.  Those of a part of a range are the heaviest
// of that part, so (first, last, h) says all.
class Table {
 public:
  explicit Table(std::vector<Element> elements) : e_(std::move(elements)), n_(e_.size()), cost_(n_ * n_ * (kMaxHoles + 1)) {
    for (size_t length = 1; length <= n_; ++length) {
      for (size_t i = 0; i + length <= n_; ++i) Solve(i, i + length - 1);
    }
  }
  double Cost() const { return cost_[At(0, n_ - 1, 0)]; }

 private:
  size_t At(size_t i, size_t j, size_t holes) const { return (i * n_ + j) * (kMaxHoles + 1) + holes; }

  void Solve(size_t i, size_t j) {
    std::vector<size_t> singles;
    double weight = 0;
    for (size_t k = i; k <= j; ++k) {
      weight += e_[k].weight;
      if (e_[k].single) singles.push_back(k);
    }
    const size_t most = std::min(kMaxHoles, singles.size());
    const auto heavier = [this](size_t a, size_t b) { return e_[a].weight != e_[b].weight ? e_[a].weight > e_[b].weight : a < b; };
    std::partial_sort(singles.begin(), singles.begin() + static_cast<long>(most), singles.end(), heavier);
    for (size_t holes = most; holes > 0; --holes) weight -= e_[singles[holes - 1]].weight;  // now without all of them
    for (size_t holes = most;; --holes) {
      std::vector<size_t> removed(singles.begin(), singles.begin() + static_cast<long>(holes));
      std::sort(removed.begin(), removed.end());
      const auto direct = Direct(i, j, removed);
      cost_[At(i, j, holes)] = direct ? *direct * weight : weight + Best(i, j, removed, holes < most);
      if (holes == 0) break;
      weight += e_[singles[holes - 1]].weight;
    }
  }
  // Comparisons that decide what is left without splitting it: none where all of it has one outcome, one `==` where all but one
  // value has; nullopt otherwise.
  std::optional<int> Direct(size_t i, size_t j, const std::vector<size_t>& removed) const {
    std::map<std::string_view, std::pair<size_t, bool>> outcomes;  // how often, and whether always as a single value
    for (size_t k = i; k <= j; ++k) {
      if (std::binary_search(removed.begin(), removed.end(), k)) continue;
      auto& [count, single] = outcomes.try_emplace(e_[k].outcome, 0, true).first->second;
      ++count;
      single = single && e_[k].single;
      if (outcomes.size() > 2) return std::nullopt;
    }
    if (outcomes.size() <= 1) return 0;
    for (const auto& [outcome, seen] : outcomes) {
      if (seen.first == 1 && seen.second) return 1;
    }
    return std::nullopt;
  }
  double Best(size_t i, size_t j, const std::vector<size_t>& removed, bool may_remove) const {
    double best = may_remove ? cost_[At(i, j, removed.size() + 1)] : std::numeric_limits<double>::infinity();
    size_t left = 0;
    for (size_t m = i + 1; m <= j; ++m) {
      while (left < removed.size() && removed[left] < m) ++left;
      best = std::min(best, cost_[At(i, m - 1, left)] + cost_[At(m, j, removed.size() - left)]);
    }
    return best;
  }

  std::vector<Element> e_;
  size_t n_;
  std::vector<double> cost_;
};

}  // namespace

double OptimalCost(const FilterSpec& spec, const Program& program, const std::map<std::string, double>& weights) {
  const ArchSpec& arch = spec.arches.front();
  std::vector<Element> elements;
  for (const RangeAnswer& range : arch.ranges) elements.push_back({range.lo, FormatAction(range.action), 0, range.lo == range.hi});
  double total = 0;
  double answers = 0;
  for (const CallAnswer& call : arch.calls) {
    const auto weight = weights.find(call.name);
    const double w = weights.empty() ? 1 : weight == weights.end() ? 0 : weight->second;
    ir::Event event;
    event.audit_arch = kernel::AuditArch(arch.arch);
    event.number = call.number;
    total += w;
    answers += w * CostOfAnswer(program, event, kernel::IsBigEndian(arch.arch));
    const bool constant = call.clauses.front().when.IsTrue();
    elements.push_back({call.number, constant ? FormatAction(call.clauses.front().action) : OutcomeOf(call.clauses), w, true});
  }
  if (total <= 0) return 0;
  return kFixed + (Table(Merge(std::move(elements))).Cost() + answers) / total;
}

}  // namespace ravelin::seccomp
