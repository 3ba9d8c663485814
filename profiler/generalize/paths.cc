#include "profiler/generalize/paths.h"

#include <algorithm>

#include "profiler/generalize/choose.h"

namespace ravelin::generalize {
namespace {

void EntriesOf(const Node& node, Entry& above, std::vector<Entry>& out) {
  if (!node.operations.empty() && !above.names.empty()) {
    Entry one = above;
    one.operations = node.operations;
    one.used = std::max<size_t>(node.used, 1);
    for (const auto& [operation, evidence] : node.operations) one.runs.insert(evidence.runs.begin(), evidence.runs.end());
    out.push_back(std::move(one));
  }
  for (const auto& [name, child] : node.children) {
    Entry below = above;
    below.path += "/" + name;
    below.names.push_back(name);
    below.holes.push_back(!child->step.empty());
    if (!child->step.empty()) below.step = child->step;
    EntriesOf(*child, below, out);
  }
}

}  // namespace

void Evidence::Join(const Evidence& other) {
  runs.insert(other.runs.begin(), other.runs.end());
  count += other.count;
  own = own || other.own;
  others = others || other.others;
  if (example.empty() || (!other.example.empty() && other.example < example)) example = other.example;
}

std::vector<PathRule> GeneralizePaths(const std::vector<PathUse>& uses, size_t runs, const Sensitive& sensitive, const Listing& listing, bool labels) {
  Node root = TreeOf(uses);
  MakeHoles(root, sensitive);
  std::vector<Entry> entries;
  Entry top;
  EntriesOf(root, top, entries);
  std::vector<PathRule> out = Chooser(runs, sensitive, listing, labels).Choose(entries);
  std::sort(out.begin(), out.end(), [](const PathRule& a, const PathRule& b) { return std::tie(a.operations, a.pattern) < std::tie(b.operations, b.pattern); });
  return out;
}

}  // namespace ravelin::generalize
