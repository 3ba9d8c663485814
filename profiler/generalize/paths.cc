#include "profiler/generalize/paths.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "compiler/base/check.h"
#include "compiler/ir/path_set.h"
#include "profiler/generalize/embedded_tables.h"
#include "profiler/observe/table.h"

namespace ravelin::generalize {
namespace {

// Bits.
constexpr double kRule = 20;        // a path of its own
constexpr double kCharacter = 6;    // each of its characters
constexpr double kPattern = 40;     // a pattern in its place
constexpr double kFileBeyond = 12;  // a file that is opened for reading and was not used
constexpr double kNewName = 150;    // a name that the next run will bring and that is not granted
constexpr size_t kMostListed = 4000;

bool Reads(const std::string& operation) { return operation == "read" || operation == "list" || operation == "map_exec" || operation == "getattr" || operation == "traverse" || operation == "inherit" || operation == "watch"; }

struct Node {
  std::map<std::string, std::unique_ptr<Node>> children;  // by pattern of the name
  std::map<std::string, Evidence> operations;
  std::string step;   // how the name became a pattern; "" for a literal
  size_t used = 0;    // paths that end here

  std::set<size_t> RunsBelow() const {
    std::set<size_t> runs;
    for (const auto& [name, evidence] : operations) runs.insert(evidence.runs.begin(), evidence.runs.end());
    for (const auto& [name, child] : children) {
      const auto more = child->RunsBelow();
      runs.insert(more.begin(), more.end());
    }
    return runs;
  }
  void Take(Node&& other) {
    for (auto& [operation, evidence] : other.operations) operations[operation].Join(evidence);
    used += other.used;
    for (auto& [name, child] : other.children) {
      auto& mine = children[name];
      if (!mine) mine = std::make_unique<Node>();
      mine->Take(std::move(*child));
    }
  }
};

std::set<std::string> OperationsOf(const Node& node) {
  std::set<std::string> out;
  for (const auto& [operation, evidence] : node.operations) out.insert(operation);
  return out;
}

bool IsHexName(const std::string& name) { return !name.empty() && name.find_first_not_of("0123456789abcdef") == std::string::npos; }

// Folders by the first digits of a hash: two digits say nothing by themselves, but what is in them does.
bool HoldsHashes(const Node& node) {
  if (node.children.empty()) return false;
  size_t hashes = 0;
  for (const auto& [name, child] : node.children) hashes += name.size() >= 16 && IsHexName(name) ? 1 : 0;
  return hashes > 0;
}

void MergeHashFolders(const std::string& folder, Node& node, const Sensitive& sensitive) {
  std::vector<std::string> names;
  for (const auto& [name, child] : node.children) {
    if (name.size() == 2 && IsHexName(name) && HoldsHashes(*child)) names.push_back(name);
  }
  const std::string pattern = "[0-9a-f][0-9a-f]";
  if (names.size() < 2 || !sensitive.Reaches(folder + "/" + pattern).empty()) return;
  Node merged;
  merged.step = "folders by the first digits of a hash";
  for (const std::string& name : names) {
    merged.Take(std::move(*node.children[name]));
    node.children.erase(name);
  }
  node.children[pattern] = std::make_unique<Node>(std::move(merged));
}

// Names that each belong to one run alone, with at least two runs among them: what differs between runs.
void MakeHoles(const std::string& folder, Node& node, const Sensitive& sensitive) {
  MergeHashFolders(folder, node, sensitive);
  std::map<std::set<std::string>, std::vector<std::string>> changing;
  for (const auto& [name, child] : node.children) {
    if (child->RunsBelow().size() == 1) changing[OperationsOf(*child)].push_back(name);
  }
  for (auto& [operations, names] : changing) {
    // Greedily: names that make a hole together with the first that is left.
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
      if (group.size() >= 2 && runs.size() >= 2 && sensitive.Reaches(folder + "/" + hole.pattern).empty()) {
        auto merged = std::make_unique<Node>();
        for (const std::string& name : group) {
          merged->Take(std::move(*node.children[name]));
          node.children.erase(name);
        }
        merged->step = "names that change with the run: " + hole.what;
        node.children[hole.pattern] = std::move(merged);
      }
      std::vector<std::string> rest;
      for (const std::string& name : names) {
        if (std::find(group.begin(), group.end(), name) == group.end()) rest.push_back(name);
      }
      names = std::move(rest);
    }
  }
  for (auto& [name, child] : node.children) MakeHoles(folder + "/" + name, *child, sensitive);
}

struct SensitiveRow {
  ir::PathSet set;
  std::string why;
};

const std::vector<SensitiveRow>& SensitiveRows() {
  static const std::vector<SensitiveRow> rows = [] {
    std::vector<SensitiveRow> out;
    for (const auto& row : observe::TableRows(EmbeddedTable("sensitive.tsv"))) {
      RAVELIN_CHECK(row.size() == 2, "sensitive.tsv has a row that is not a pattern and a reason");
      auto set = ir::PathSet::Parse(row[0]);
      RAVELIN_CHECK(set.has_value(), "sensitive.tsv has a pattern that cannot be read");
      out.push_back({std::move(*set), std::string(row[1])});
    }
    return out;
  }();
  return rows;
}

std::string Judge(const std::string& pattern) {
  const auto set = ir::PathSet::Parse(pattern);
  if (!set) return "a pattern that is too large to judge";
  for (const SensitiveRow& row : SensitiveRows()) {
    const auto common = set->Intersect(row.set);
    if (!common || !common->Empty()) return row.why;
  }
  return "";
}

class Chooser {
 public:
  Chooser(size_t runs, const Sensitive& sensitive, const Listing& listing) : runs_(runs), sensitive_(sensitive), listing_(listing) {}

  void Walk(const std::string& folder, const Node& node, std::vector<PathRule>& out) const {
    if (!node.operations.empty() && !folder.empty()) out.push_back(RuleOf(folder, node));
    // Files of one folder with the same operations are one question; folders below are asked by themselves.
    std::map<std::set<std::string>, std::vector<std::string>> groups;
    for (const auto& [name, child] : node.children) {
      if (child->children.empty() && child->step.empty()) {
        groups[OperationsOf(*child)].push_back(name);
      } else {
        Walk(folder + "/" + name, *child, out);
      }
    }
    for (const auto& [operations, names] : groups) Choose(folder, node, operations, names, out);
  }

 private:
  static PathRule RuleOf(const std::string& path, const Node& node) {
    PathRule rule{path, OperationsOf(node), {}, node.step.empty() ? "literal" : node.step, std::max<size_t>(node.used, 1), 0};
    for (const auto& [operation, evidence] : node.operations) rule.evidence.Join(evidence);
    return rule;
  }

  // Files of the folder that the pattern opens and nobody used.
  size_t Beyond(const std::string& folder, const std::string& extension, const std::vector<std::string>& used) const {
    size_t beyond = 0;
    for (const std::string& name : listing_(folder)) {
      if (name.back() == '/' || std::find(used.begin(), used.end(), Literal(name)) != used.end()) continue;
      if (name.size() >= extension.size() && name.compare(name.size() - extension.size(), extension.size(), extension) == 0) ++beyond;
    }
    return beyond;
  }

  void Choose(const std::string& folder, const Node& node, const std::set<std::string>& operations, const std::vector<std::string>& names, std::vector<PathRule>& out) const {
    double literal = 0;
    size_t seen_once = 0;
    PathRule whole{"", operations, {}, "", names.size(), 0};
    for (const std::string& name : names) {
      const Node& child = *node.children.at(name);
      literal += kRule + kCharacter * static_cast<double>(name.size());
      if (child.RunsBelow().size() == 1) ++seen_once;
      for (const auto& [operation, evidence] : child.operations) whole.evidence.Join(evidence);
    }
    const bool reads = std::all_of(operations.begin(), operations.end(), Reads);
    // Of those names that came in one run alone, as many again are to be expected next time.
    literal += runs_ >= 2 ? kNewName * static_cast<double>(seen_once) / static_cast<double>(runs_) : 0;
    struct Candidate {
      double cost;
      std::string pattern;
      std::string step;
      size_t beyond;
    };
    std::vector<Candidate> candidates;
    // What is written must have shown that its names change.
    if (names.size() >= 3 && (reads || seen_once * 2 >= names.size())) {
      const std::string extension = Extension(names);
      for (const std::string& one : {extension, std::string()}) {
        const std::string pattern = folder + "/*" + one;
        if (!sensitive_.Reaches(pattern).empty()) continue;
        const size_t beyond = Beyond(folder, one, names);
        candidates.push_back({kRule + kPattern + kFileBeyond * static_cast<double>(beyond) + (reads ? 0 : 200), pattern, one.empty() ? "all of a folder" : "all of a folder that end so", beyond});
        if (extension.empty()) break;
      }
    }
    const auto best = std::min_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
    if (best == candidates.end() || best->cost >= literal) {
      for (const std::string& name : names) out.push_back(RuleOf(folder + "/" + name, *node.children.at(name)));
      return;
    }
    whole.pattern = best->pattern;
    whole.step = fmt::format("{}: {:.0f} bits instead of {:.0f}", best->step, best->cost, literal);
    whole.beyond = best->beyond;
    out.push_back(std::move(whole));
  }

  // ".conf" where all names end so.
  static std::string Extension(const std::vector<std::string>& names) {
    std::string out;
    for (size_t i = 0; i < names.size(); ++i) {
      const size_t dot = names[i].rfind('.');
      const std::string one = dot == std::string::npos || dot == 0 ? "" : names[i].substr(dot);
      if (i > 0 && one != out) return "";
      out = one;
    }
    return out;
  }

  const size_t runs_;
  const Sensitive& sensitive_;
  const Listing& listing_;
};

}  // namespace

void Evidence::Join(const Evidence& other) {
  runs.insert(other.runs.begin(), other.runs.end());
  count += other.count;
  if (example.empty() || (!other.example.empty() && other.example < example)) example = other.example;
}

Listing ListingOf(const std::vector<std::string>& roots) {
  return [roots](const std::string& folder) {
    std::vector<std::string> out;
    // What processes come and go by says nothing of a system.
    if (folder.rfind("/proc", 0) == 0 || folder.find_first_of("*?[{") != std::string::npos) return out;
    for (const std::string& root : roots) {
      DIR* dir = opendir(((root == "/" ? "" : root) + folder).c_str());
      if (dir == nullptr) continue;
      while (const dirent* entry = readdir(dir)) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        out.push_back(name + (entry->d_type == DT_DIR ? "/" : ""));
        if (out.size() >= kMostListed) break;
      }
      closedir(dir);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  };
}

std::string Sensitive::Reaches(const std::string& pattern) const {
  const auto [at, is_new] = asked_.emplace(pattern, "");
  if (is_new) at->second = Judge(pattern);
  return at->second;
}

std::vector<PathRule> GeneralizePaths(const std::vector<PathUse>& uses, size_t runs, const Sensitive& sensitive, const Listing& listing) {
  Node root;
  for (const PathUse& use : uses) {
    Node* at = &root;
    std::string path = use.path;
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
  MakeHoles("", root, sensitive);
  std::vector<PathRule> out;
  Chooser(runs, sensitive, listing).Walk("", root, out);
  std::sort(out.begin(), out.end(), [](const PathRule& a, const PathRule& b) { return std::tie(a.operations, a.pattern) < std::tie(b.operations, b.pattern); });
  return out;
}

}  // namespace ravelin::generalize
