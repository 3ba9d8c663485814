#include "profiler/generalize/alike.h"

#include <algorithm>
#include <set>

#include "compiler/ir/path_set.h"
#include "profiler/generalize/tree.h"

namespace ravelin::generalize {
namespace {

// Each is used as all of them are: what has the same rules has one label under SELinux.
void MakeAlike(const std::vector<PathUse*>& uses) {
  std::set<std::string> all;
  for (const PathUse* use : uses) {
    for (const auto& [operation, evidence] : use->operations) all.insert(operation);
  }
  for (PathUse* use : uses) {
    // What was not seen of this name counts nothing; it is met in its own runs, so that what changes with the run still shows.
    Evidence met;
    for (const auto& [operation, evidence] : use->operations) met.runs.insert(evidence.runs.begin(), evidence.runs.end());
    for (const std::string& operation : all) use->alike |= use->operations.emplace(operation, met).second;
  }
}

// A label stays with a file that gets another name: under SELinux the names of one folder between which files move are one kind, and those
// of the folders below it, into which and out of which files move as well.
void JoinMoved(std::map<std::string, PathUse>& uses) {
  std::map<std::string, std::vector<PathUse*>> folders;
  for (auto& [path, use] : uses) {
    if (use.operations.count("rename_from") != 0 || use.operations.count("rename_to") != 0) folders[path.substr(0, path.rfind('/'))].push_back(&use);
  }
  for (auto below = folders.rbegin(); below != folders.rend(); ++below) {  // the deepest first
    for (size_t slash = below->first.rfind('/'); slash != std::string::npos && slash > 0; slash = below->first.rfind('/', slash - 1)) {
      const auto above = folders.find(below->first.substr(0, slash));
      if (above == folders.end() || IsCommon(above->first)) continue;
      above->second.insert(above->second.end(), below->second.begin(), below->second.end());
      below->second.clear();
      break;
    }
  }
  for (const auto& [folder, moved] : folders) MakeAlike(moved);
}

// What others make in a folder gets the label of the folder.  That is so of what was found in a folder which the workload had made itself, so that nothing was
// there before: both are one kind.
void JoinFound(std::map<std::string, PathUse>& uses) {
  std::map<std::string, std::vector<PathUse*>> folders;
  std::map<std::string, std::string> made;  // the folder that the workload made, of what was found there and below
  for (auto& [path, use] : uses) {          // a folder comes before what is in it
    if (std::any_of(use.operations.begin(), use.operations.end(), [](const auto& one) { return Makes(one.first); })) continue;
    const std::string parent = path.substr(0, path.rfind('/'));
    const auto folder = uses.find(parent);
    if (folder != uses.end() && folder->second.operations.count("create_dir") != 0)
      made[path] = parent;
    else if (made.count(parent) != 0)
      made[path] = made[parent];
    else
      continue;
    folders[made[path]].push_back(&use);
  }
  for (auto& [path, alike] : folders) {
    alike.push_back(&uses.at(path));
    MakeAlike(alike);
  }
}

// Not all of the operations were seen of these names.
void TellAlike(PathRule& rule) {
  constexpr std::string_view kTold = "; granted what other names of its label are used for";
  if (!rule.step.ends_with(kTold)) rule.step += kTold;
}

// What is made gets its label from the folder and the kind of object, and from a name that is known beforehand; not from a pattern of names.  Patterns of one
// folder by which the same kind is made are alike.
void JoinMade(std::vector<PathRule>& rules) {
  std::map<std::pair<std::string, std::string>, std::vector<PathRule*>> kinds;
  for (PathRule& rule : rules) {
    const size_t slash = rule.pattern.rfind('/');
    if (rule.pattern.find_first_of("*?[{", slash) == std::string::npos || rule.pattern.substr(slash + 1) == "**") continue;
    for (const std::string& operation : rule.operations) {
      if (operation.rfind("create", 0) == 0) kinds[{rule.pattern.substr(0, slash), operation}].push_back(&rule);
    }
  }
  for (bool changed = true; changed;) {  // one pattern may be of two kinds
    changed = false;
    for (const auto& [kind, alike] : kinds) {
      std::set<std::string> all;
      for (const PathRule* rule : alike) all.insert(rule->operations.begin(), rule->operations.end());
      for (PathRule* rule : alike) {
        if (rule->operations == all) continue;
        changed = true;
        rule->operations = all;
        TellAlike(*rule);
      }
    }
  }
}

}  // namespace

void JoinLabels(std::map<std::string, PathUse>& uses) {
  JoinFound(uses);  // of what was seen, before names that move are given what others did
  JoinMoved(uses);
}

void JoinLabels(const std::vector<PathUse>& uses, std::vector<PathRule>& rules) {
  std::vector<std::string> alike;
  for (const PathUse& use : uses) {
    if (use.alike) alike.push_back(use.path);
  }
  for (PathRule& rule : rules) {
    const auto set = alike.empty() ? Result<ir::PathSet>(ir::PathSet()) : ir::PathSet::Parse(rule.pattern);
    if (set && std::any_of(alike.begin(), alike.end(), [&](const std::string& path) { return set->Contains(path); })) TellAlike(rule);
  }
  JoinMade(rules);
}

}  // namespace ravelin::generalize
