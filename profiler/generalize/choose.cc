// Literals, a folder's names, or all below a folder.
#include <fmt/format.h>

#include <algorithm>

#include "profiler/generalize/choose.h"
#include "profiler/generalize/costs.h"

namespace ravelin::generalize {
namespace {

// What std::owned_data grants: whoever makes and changes a file may do the rest to it as well.
const std::set<std::string>& OwnOperations() {
  static const std::set<std::string> all = {"read", "list", "write", "append", "truncate", "create", "create_dir", "create_symlink", "delete", "rename_from", "rename_to", "setattr", "utimes", "lock"};
  return all;
}

std::string ExtensionOf(const std::string& name) {
  const size_t dot = name.rfind('.');
  // Of a version it says nothing of what is in it.
  if (dot != std::string::npos && name.find_first_not_of("0123456789", dot + 1) == std::string::npos) return "";
  return dot == std::string::npos || dot == 0 || name.find_first_of("*?[{\\", dot) != std::string::npos ? "" : name.substr(dot);
}

bool IsMade(const Entry& entry) {
  return std::any_of(entry.operations.begin(), entry.operations.end(), [](const auto& one) { return Makes(one.first); });
}

bool IsWithin(const Entry& entry, const std::set<std::string>& operations) {
  return std::all_of(entry.operations.begin(), entry.operations.end(), [&](const auto& one) { return operations.count(one.first) != 0; });
}

// Found and changed, by nothing that whoever owns a folder could not do there.
bool IsWritten(const Entry& entry) {
  const auto has = [&](const char* operation) { return entry.operations.count(operation) != 0; };
  return !IsMade(entry) && IsWithin(entry, OwnOperations()) && (has("write") || has("append") || has("truncate"));
}

void Tell(const Entry& entry, PathRule& rule) {
  rule.used += entry.used;
  for (const auto& [operation, evidence] : entry.operations) rule.evidence.Join(evidence);
}

bool EndsWith(const std::string& text, const std::string& end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }

}  // namespace

// Entries of one kind below a folder.
struct Chooser::Branch {
  std::map<std::string, Branch> children;
  const Entry* entry = nullptr;
  std::set<size_t> runs;    // of all below
  bool hole = false;        // the name is a pattern
};

struct Chooser::Choice {
  double cost = 0;
  double expected = 0;  // what names that the next run will bring would cost if all were literals
  std::vector<PathRule> rules;
};

std::vector<PathRule> Chooser::Choose(const std::vector<Entry>& entries) const {
  // What is made, with all that is done to it, and beside it what is written; what is only found, by what is done to it.
  std::vector<const Entry*> filled;
  std::map<std::set<std::string>, std::vector<const Entry*>> groups;
  for (const Entry& one : entries) {
    std::set<std::string> operations;
    for (const auto& [operation, evidence] : one.operations) operations.insert(operation);
    if (IsMade(one) || IsWritten(one)) filled.push_back(&one);
    if (!IsMade(one)) groups[operations].push_back(&one);
  }
  std::vector<PathRule> own = Of({}, "", filled, entries).rules;
  std::vector<PathRule> out;
  for (const auto& [operations, all] : groups) {
    const auto group = WithoutCovered(all, own);
    if (group.empty()) continue;
    Choice best = Of(operations, "", group, entries);
    Choice apart = ByExtension(operations, group, entries);
    if (apart.cost <= best.cost) best = std::move(apart);
    for (PathRule& rule : best.rules) out.push_back(std::move(rule));
  }
  for (PathRule& rule : own) out.push_back(std::move(rule));
  return out;
}

std::vector<const Entry*> Chooser::WithoutCovered(const std::vector<const Entry*>& group, std::vector<PathRule>& own) {
  std::vector<const Entry*> out;
  for (const Entry* one : group) {
    const auto covers = [&](const PathRule& rule) {
      const size_t folder = rule.pattern.size() - 2;  // with its slash
      return EndsWith(rule.pattern, "/**") && IsWithin(*one, rule.operations) && one->path.size() > folder && one->path.compare(0, folder, rule.pattern, 0, folder) == 0;
    };
    const auto rule = std::find_if(own.begin(), own.end(), covers);
    if (rule == own.end()) out.push_back(one);
    else if (!IsWritten(*one)) Tell(*one, *rule);  // what is written was told when the folder was chosen
  }
  return out;
}

Chooser::Choice Chooser::ByExtension(const std::set<std::string>& operations, const std::vector<const Entry*>& group, const std::vector<Entry>& entries) const {
  std::map<std::string, std::vector<const Entry*>> groups;
  for (const Entry* one : group) groups[ExtensionOf(one->path.substr(one->path.rfind('/') + 1))].push_back(one);
  // Ends that few names have say nothing.
  for (auto at = groups.begin(); at != groups.end();) {
    if (!at->first.empty() && at->second.size() < 3) {
      auto& rest = groups[""];
      rest.insert(rest.end(), at->second.begin(), at->second.end());
      at = groups.erase(at);
    } else {
      ++at;
    }
  }
  Choice out;
  for (const auto& [extension, some] : groups) {
    Choice one = Of(operations, extension, some, entries);
    out.cost += one.cost;
    for (PathRule& rule : one.rules) out.rules.push_back(std::move(rule));
  }
  return out;
}

Chooser::Choice Chooser::Of(const std::set<std::string>& operations, const std::string& extension, const std::vector<const Entry*>& group, const std::vector<Entry>& entries) const {
  Branch root;
  for (const Entry* one : group) {
    Branch* at = &root;
    at->runs.insert(one->runs.begin(), one->runs.end());
    for (size_t i = 0; i < one->names.size(); ++i) {
      at = &at->children[one->names[i]];
      at->runs.insert(one->runs.begin(), one->runs.end());
      at->hole = one->holes[i];
    }
    at->entry = one;
  }
  Kind kind{operations, extension, operations.empty()};
  if (kind.made) kind.operations = OwnOperations();
  kind.reads = !kind.made && std::all_of(kind.operations.begin(), kind.operations.end(), [](const std::string& one) { return one == "read" || one == "list" || one == "map_exec" || one == "lock" || one == "watch"; });
  return Best("", root, kind, entries);
}

Chooser::Choice Chooser::Best(const std::string& folder, const Branch& branch, const Kind& kind, const std::vector<Entry>& entries) const {
  // What lies in the folder itself, each by its name, and what lies deeper, said as is best there.
  Choice here;
  Choice deeper;
  size_t direct = 0;
  for (const auto& [name, child] : branch.children) {
    // Of names that came in one run alone, as many again are to be expected; a folder of one run says so once, where it lies itself.
    const bool is_new = runs_ >= 2 && child.runs.size() == 1 && branch.runs.size() >= 2 && !child.hole;
    const double expected = is_new ? kNewNameCost / static_cast<double>(runs_) : 0;
    if (child.entry != nullptr) {
      ++direct;
      here.cost += kRuleCost + kCharacterCost * static_cast<double>(name.size()) + expected;
      here.expected += expected;
      if (!kind.made || IsMade(*child.entry)) here.rules.push_back(LiteralRule(*child.entry));
    }
    if (child.children.empty()) continue;
    Choice below = Best(folder + "/" + name, child, kind, entries);
    deeper.cost += below.cost + (child.entry == nullptr ? expected : 0);
    deeper.expected += below.expected + (child.entry == nullptr ? expected : 0);
    for (PathRule& rule : below.rules) deeper.rules.push_back(std::move(rule));
  }
  const auto together = [](Choice one, Choice other) {
    one.cost += other.cost;
    one.expected += other.expected;
    for (PathRule& rule : other.rules) one.rules.push_back(std::move(rule));
    return one;
  };
  Choice apart = together(here, deeper);
  // One name is no folder, nor are two that are made; and no pattern stands for most of a system.
  if (Count(branch, kind) < (kind.reads ? 2 : 3) || IsCommon(folder) || std::count(folder.begin(), folder.end(), '/') < 2) return apart;
  // What the workload made itself holds nothing of others.
  const bool own = branch.entry != nullptr && branch.entry->operations.count("create_dir") != 0;
  // What is written must have shown that its names change.  Patterns have, and keep apart what can be told apart; but labels of new objects cannot.
  if (!kind.reads && !Changes(branch, kind) && !(labels_ && own && HasPatterns(branch))) return apart;
  const double base = kRuleCost + kPatternCost + (kind.reads || own ? 0 : kWritePatternCost);
  Choice best = apart;
  if (direct >= 2 && !kind.made) {
    if (auto names = Pattern(folder, branch, false, kind, entries, base, here)) best = together(std::move(*names), deeper);
  }
  if (kind.made || !deeper.rules.empty()) {
    if (auto all = Pattern(folder, branch, true, kind, entries, base, best)) best = std::move(*all);
  }
  return best;
}

std::optional<Chooser::Choice> Chooser::Pattern(const std::string& folder, const Branch& branch, bool below, const Kind& kind, const std::vector<Entry>& entries, double base, const Choice& instead) const {
  PathRule rule{folder + (below ? "/**" : "/*") + kind.extension, {}, {}, "", 0, 0, {}, folder.find_first_of("*?[") == std::string::npos};
  // Names that the next runs will bring pay for a folder of one's own as well.
  const double worth = instead.cost + (kind.made ? (kHorizon - 1) * instead.expected : 0);
  if (base >= worth || !sensitive_.Reaches(rule.pattern).empty()) return std::nullopt;
  const auto beyond = Beyond(folder, below, kind, entries, worth - base);
  // To be brief is no reason to open anything: that is paid by the names that the next runs will bring.
  if (!beyond || (kind.reads && beyond->cost > kHorizon * instead.expected)) return std::nullopt;
  for (const auto& [name, child] : branch.children) Collect(child, below, rule);
  if (kind.made) rule.operations.insert(kind.operations.begin(), kind.operations.end());
  rule.beyond = beyond->files;
  rule.opened = beyond->code;
  rule.step = fmt::format("{}{}: {:.0f} bits instead of {:.0f}", below ? "all below a folder" : "all of a folder", kind.extension.empty() ? "" : " that end so", base + beyond->cost, worth);
  // Names that are granted here pay for no folder above.
  Choice out{std::min(base + beyond->cost, instead.cost), kind.made ? 0 : instead.expected, {}};
  if (kind.made) out.rules.push_back({folder, {"list", "read"}, rule.evidence, "the folder itself", 1, 0, {}, false});
  out.rules.push_back(std::move(rule));
  return out;
}

size_t Chooser::Count(const Branch& branch, const Kind& kind) {
  size_t out = branch.entry != nullptr && (!kind.made || IsMade(*branch.entry)) ? 1 : 0;
  for (const auto& [name, child] : branch.children) out += Count(child, kind);
  return out;
}

// Somewhere below, a name came in one run alone where others came as well.
bool Chooser::Changes(const Branch& branch, const Kind& kind) const {
  if (!kind.made) {
    size_t once = 0;
    for (const auto& [name, child] : branch.children) once += child.runs.size() == 1 ? 1 : 0;
    return runs_ >= 2 && once * 2 >= branch.children.size();
  }
  return std::any_of(branch.children.begin(), branch.children.end(), [&](const auto& entry) {
    return (entry.second.runs.size() == 1 && branch.runs.size() >= 2) || Changes(entry.second, kind);
  });
}

bool Chooser::HasPatterns(const Branch& branch) {
  return std::any_of(branch.children.begin(), branch.children.end(), [](const auto& entry) { return entry.second.hole || HasPatterns(entry.second); });
}

void Chooser::Collect(const Branch& branch, bool below, PathRule& rule) {
  if (branch.entry != nullptr) {
    Tell(*branch.entry, rule);
    for (const auto& [operation, evidence] : branch.entry->operations) rule.operations.insert(operation);
  }
  for (const auto& [name, child] : branch.children) {
    if (below) Collect(child, below, rule);
  }
}

PathRule Chooser::LiteralRule(const Entry& entry) {
  PathRule rule{entry.path, {}, {}, entry.step.empty() ? "literal" : entry.step, std::max<size_t>(entry.used, 1), 0, {}, false};
  for (const auto& [operation, evidence] : entry.operations) {
    rule.operations.insert(operation);
    rule.evidence.Join(evidence);
  }
  // Who makes a file or a folder owns it, and may change what it is like.
  if (entry.operations.count("create") != 0) rule.operations.insert({"write", "setattr", "utimes", "lock"});
  if (entry.operations.count("create_dir") != 0) rule.operations.insert({"setattr", "utimes"});
  return rule;
}

std::optional<Chooser::Opened> Chooser::Beyond(const std::string& folder, bool below, const Kind& kind, const std::vector<Entry>& entries, double most) const {
  std::set<std::string> used;
  Opened out;
  for (const Entry& one : entries) {
    if (one.path.size() <= folder.size() + 1 || one.path.compare(0, folder.size(), folder) != 0 || one.path[folder.size()] != '/') continue;
    const bool same = !kind.made || IsMade(one) || IsWritten(one);
    if (same) used.insert(one.path);
    // What the workload only reads lies in a folder that it would own.
    if (!same && (below || one.path.find('/', folder.size() + 1) == std::string::npos)) out.cost += kWrittenBeyond;
  }
  const bool lists = kind.operations.count("list") != 0;
  const bool code = kind.operations.count("map_exec") != 0;
  // Folders that are known by what was used in them alone are walked as well.
  std::set<std::string> known = {folder};
  for (const std::string& path : used) {
    for (size_t slash = path.find('/', folder.size() + 1); below && slash != std::string::npos; slash = path.find('/', slash + 1)) known.insert(path.substr(0, slash));
  }
  std::vector<std::string> folders(known.begin(), known.end());
  while (!folders.empty()) {
    const std::string at = std::move(folders.back());
    folders.pop_back();
    // That a package has a folder, everybody knows.
    const double each = !kind.reads ? kWrittenBeyond : !IsPublic(at + "/x") ? kFileBeyond : lists ? 0 : code ? kCodeBeyond : kPublicBeyond;
    for (const std::string& name : listing_(at)) {
      const bool is_folder = name.back() == '/';
      const std::string path = at + "/" + Literal(is_folder ? name.substr(0, name.size() - 1) : name);
      if (is_folder && below && known.insert(at + "/" + name.substr(0, name.size() - 1)).second) folders.push_back(at + "/" + name.substr(0, name.size() - 1));
      // Folders are listed, files are read: the other is nothing that the rule opens.
      if (kind.reads && is_folder != lists) continue;
      if (used.count(path) != 0 || !EndsWith(path, kind.extension)) continue;
      ++out.files;
      if (code) out.code.push_back(at + "/" + name);
      out.cost += each;
      if (out.cost >= most) return std::nullopt;
    }
  }
  if (out.cost >= most) return std::nullopt;
  return out;
}

}  // namespace ravelin::generalize
