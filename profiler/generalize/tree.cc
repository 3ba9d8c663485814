#include "profiler/generalize/tree.h"

#include <algorithm>

namespace ravelin::generalize {
namespace {

bool IsHexName(const std::string& name) { return !name.empty() && name.find_first_not_of("0123456789abcdef") == std::string::npos; }

// Folders by the first digits of a hash: two digits say nothing by themselves, but what is in them does.
bool HoldsHashes(const Node& node) {
  return std::any_of(node.children.begin(), node.children.end(), [](const auto& entry) { return entry.first.size() >= 16 && IsHexName(entry.first); });
}

void MergeHashFolders(const std::string& folder, Node& node, const Sensitive& sensitive) {
  std::vector<std::string> names;
  for (const auto& [name, child] : node.children) {
    if (name.size() == 2 && IsHexName(name) && HoldsHashes(*child)) names.push_back(name);
  }
  const std::string pattern = "[0-9a-f][0-9a-f]";
  if (names.size() < 2 || !sensitive.Reaches(folder + "/" + pattern).empty()) return;
  auto merged = std::make_unique<Node>();
  merged->step = "folders by the first digits of a hash";
  for (const std::string& name : names) {
    merged->Take(std::move(*node.children[name]));
    node.children.erase(name);
  }
  node.children[pattern] = std::move(merged);
}

bool IsMade(const Node& node) {
  return std::any_of(node.operations.begin(), node.operations.end(), [](const auto& entry) { return Makes(entry.first); });
}

void Merge(const std::vector<std::string>& names, const Hole& hole, const std::string& step, Node& node) {
  auto merged = std::make_unique<Node>();
  for (const std::string& name : names) {
    merged->Take(std::move(*node.children[name]));
    node.children.erase(name);
  }
  merged->step = step + ": " + hole.what;
  auto& there = node.children[hole.pattern];
  if (there) merged->Take(std::move(*there));
  there = std::move(merged);
}

class Holes {
 public:
  explicit Holes(const Sensitive& sensitive) : sensitive_(sensitive) {}

  void Make(const std::string& folder, Node& node) const {
    MergeHashFolders(folder, node, sensitive_);
    Alternatives(folder, node);
    // Names that each belong to one run alone.  What the workload makes and what it finds are different questions; what else it does with them is not: a run
    // may list the folder that another one only filled.
    std::map<bool, std::vector<std::string>> changing;
    for (const auto& [name, child] : node.children) {
      if (child->step.empty() && child->RunsBelow().size() == 1) changing[IsMade(*child)].push_back(name);
    }
    for (auto& [made, names] : changing) Group(folder, std::move(names), node);
    if (IsCommon(folder)) SingleNames(folder, node);
    for (auto& [name, child] : node.children) Make(folder + "/" + name, *child);
  }

 private:
  // Greedily: names that make a hole together with the first that is left, of two runs at least.
  void Group(const std::string& folder, std::vector<std::string> names, Node& node) const {
    while (names.size() >= 2) {
      std::vector<std::string> group = {names.front()};
      for (size_t i = 1; i < names.size(); ++i) {
        group.push_back(names[i]);
        if (HoleOf(group).pattern.empty()) group.pop_back();
      }
      std::set<size_t> runs;
      for (const std::string& name : group) {
        const auto more = node.children[name]->RunsBelow();
        runs.insert(more.begin(), more.end());
      }
      const Hole hole = HoleOf(group);
      if (group.size() >= 2 && runs.size() >= 2 && sensitive_.Reaches(folder + "/" + hole.pattern).empty()) Merge(group, hole, "names that change with the run", node);
      std::erase_if(names, [&](const std::string& name) { return std::find(group.begin(), group.end(), name) != group.end(); });
    }
  }

  // Versions and locales, of which each run has one: several runs may have the same.
  void Alternatives(const std::string& folder, Node& node) const {
    std::vector<std::pair<std::string, std::set<size_t>>> left;
    for (const auto& [name, child] : node.children) {
      if (child->step.empty()) left.emplace_back(name, child->RunsBelow());
    }
    while (left.size() >= 2) {
      std::vector<std::string> group = {left.front().first};
      std::set<size_t> runs = left.front().second;
      for (size_t i = 1; i < left.size(); ++i) {
        const std::set<size_t>& more = left[i].second;
        if (std::any_of(more.begin(), more.end(), [&](size_t run) { return runs.count(run) != 0; })) continue;
        group.push_back(left[i].first);
        if (HoleOf(group).typed) runs.insert(more.begin(), more.end());
        else group.pop_back();
      }
      const Hole hole = HoleOf(group);
      if (group.size() >= 2 && sensitive_.Reaches(folder + "/" + hole.pattern).empty()) Merge(group, hole, "each run has one of them", node);
      std::erase_if(left, [&](const auto& one) { return std::find(group.begin(), group.end(), one.first) != group.end(); });
    }
  }

  // Where everybody makes names, programs choose them by chance so that they do not meet: one is enough to know such a name by.
  void SingleNames(const std::string& folder, Node& node) const {
    std::vector<std::string> names;
    for (const auto& [name, child] : node.children) {
      if (child->step.empty() && IsMade(*child) && child->RunsBelow().size() == 1) names.push_back(name);
    }
    for (const std::string& name : names) {
      const Hole hole = HoleOfRandom(name);
      if (!hole.pattern.empty() && sensitive_.Reaches(folder + "/" + hole.pattern).empty()) Merge({name}, hole, "a name made by chance among those of others", node);
    }
  }

  const Sensitive& sensitive_;
};

}  // namespace

std::set<size_t> Node::RunsBelow() const {
  std::set<size_t> runs;
  for (const auto& [name, evidence] : operations) runs.insert(evidence.runs.begin(), evidence.runs.end());
  for (const auto& [name, child] : children) {
    const auto more = child->RunsBelow();
    runs.insert(more.begin(), more.end());
  }
  return runs;
}

void Node::Take(Node&& other) {
  for (auto& [operation, evidence] : other.operations) operations[operation].Join(evidence);
  used += other.used;
  for (auto& [name, child] : other.children) {
    auto& mine = children[name];
    if (!mine) {
      mine = std::move(child);
    } else {
      mine->Take(std::move(*child));
    }
  }
}

std::set<std::string> OperationsOf(const Node& node) {
  std::set<std::string> out;
  for (const auto& [operation, evidence] : node.operations) out.insert(operation);
  return out;
}

bool Makes(const std::string& operation) { return operation.rfind("create", 0) == 0 || operation == "rename_to" || operation == "link"; }

Node TreeOf(const std::vector<PathUse>& uses) {
  Node root;
  for (const PathUse& use : uses) {
    Node* at = &root;
    const std::string& path = use.path;
    for (size_t begin = 1; begin <= path.size();) {
      const size_t end = std::min(path.find('/', begin), path.size());
      // A component that is a pattern already (a process) keeps its form.
      const std::string name = path.substr(begin, end - begin);
      auto& child = at->children[name == "[1-9]*" ? name : Literal(name)];
      if (!child) child = std::make_unique<Node>();
      if (name == "[1-9]*") child->step = "the number of a process";
      at = child.get();
      begin = end + 1;
    }
    for (const auto& [operation, evidence] : use.operations) at->operations[operation].Join(evidence);
    at->used = 1;
  }
  return root;
}

void MakeHoles(Node& root, const Sensitive& sensitive) { Holes(sensitive).Make("", root); }

}  // namespace ravelin::generalize
