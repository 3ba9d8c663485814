// Exec and creation: what a process and a new object become.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "backends/selinux/lowering.h"
#include "backends/selinux/names.h"
#include "compiler/ir/operation_words.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

using ir::IntervalSet;

// A name that reads back from a compiled policy, which prints it bare.
bool IsSafeName(const std::string& name) {
  const auto safe = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("._-+:@,~%=").find(c) != std::string_view::npos; };
  return !name.empty() && std::all_of(name.begin(), name.end(), safe);
}

constexpr std::pair<const char*, const char*> kCreations[] = {{"create", "file"}, {"create_dir", "dir"}, {"create_fifo", "fifo_file"}, {"create_socket", "sock_file"}, {"create_char", "chr_file"}, {"create_block", "blk_file"}, {"create_symlink", "lnk_file"}};

}  // namespace

std::string Lowering::TransitionOf(const ir::Rule& rule) {
  const auto at = rule.texts.find("transition");
  return at == rule.texts.end() ? "self" : at->second.front();
}

bool Lowering::HoldsFor(const Row& row, const std::string& after) {
  return std::all_of(row.conditions.begin(), row.conditions.end(), [&](const kernel::SelinuxCondition& condition) { return condition.words.empty() || (condition.words.front() == after) != condition.numbers.excluded; });
}

// Which transition an exec of each cell makes; of rules that overlap the inner one wins (6.5).
Result<void> Lowering::FindTransitions(Current& at) const {
  const ir::FacetId facet = ir::FacetOf("exec");
  Box fixed = {{"label", IntervalSet::Single(Vocabulary::kOther)}};
  std::vector<uint32_t> labels = {0};  // what no pattern matches
  for (const auto& [label, type] : types_) labels.push_back(label);
  for (const uint32_t label : labels) {
    fixed["path"] = IntervalSet::Single(label);
    if (!at.reach->Permits(facet, 0, fixed)) continue;
    const ir::Rule* winner = nullptr;
    for (const uint32_t id : at.reach->Allows(facet, 0, fixed)) {
      const ir::Rule& rule = at.domain->rules[id];
      if (winner == nullptr) {
        winner = &rule;
        continue;
      }
      if (TransitionOf(rule) == TransitionOf(*winner)) continue;
      const auto paths_of = [&](const ir::Rule& one) {
        const auto& box = at.reach->BoxOf(one, facet, 0);
        const auto path = box.find("path");
        return path == box.end() ? IntervalSet::All(64) : path->second;
      };
      const bool inner = paths_of(*winner).Includes(paths_of(rule));
      const bool outer = paths_of(rule).Includes(paths_of(*winner));
      if (inner == outer) {
        return Fail(ErrorCode::kUnsupported, fmt::format("the exec rules at {} and {} overlap with different transitions", winner->from.place, rule.from.place));
      }
      if (inner) winner = &rule;
    }
    at.after_exec[label] = winner == nullptr ? "self" : TransitionOf(*winner);
  }
  return {};
}

void Lowering::LowerExec(const Current& at, int operation, const Row& row) {
  const bool by_file = row.Sees("path");
  const auto& sets = at.domain->layer_sets;
  const bool filtered = sets.empty() || std::any_of(sets.begin(), sets.end(), [](const auto& set) {
                          return std::find(set.begin(), set.end(), "seccomp") != set.end() && std::find(set.begin(), set.end(), "selinux") != set.end();
                        });
  if (row.Sees("nnp") && !filtered) return;
  for (const Target& target : PathTargets(at, "path")) {
    const auto permitted = at.reach->Permits(ir::FacetOf("exec"), operation, target.fixed);
    if (!permitted) continue;
    // By label, only `self` is told apart: a rule names the transition, and there is no containment of labels.
    const auto label = static_cast<uint32_t>(target.fixed.at("path").Min());
    std::string after = "self";
    if (target.fixed.at("label").Min() == Vocabulary::kOther) {
      const auto known = at.after_exec.find(label);
      if (known != at.after_exec.end()) after = known->second;
    } else {
      for (const uint32_t id : at.reach->Allows(ir::FacetOf("exec"), operation, target.fixed)) after = TransitionOf(at.domain->rules[id]);
    }
    if (!HoldsFor(row, after)) continue;
    const bool leaves = after == "unconfined_danger";
    const std::string after_type = after == "self" ? at.type : leaves ? kUnconfined
                                                                      : DomainType(after);
    if (row.Sees("after") && leaves) continue;  // the host's to grant
    const std::string& source = row.Sees("after") ? after_type : at.type;
    for (const std::string& object_class : row.classes) {
      for (const std::string& type : by_file ? target.types : std::vector<std::string>{after_type}) Add(source, type, object_class, row.permissions, *permitted);
    }
  }
}

void Lowering::AddExecTransitions(const Current& at) {
  for (const auto& [label, after] : at.after_exec) {
    if (after == "self") continue;
    const Box fixed = {{"label", IntervalSet::Single(Vocabulary::kOther)}, {"path", IntervalSet::Single(label)}};
    const auto places = at.reach->Permits(ir::FacetOf("exec"), 0, fixed);
    module_.transitions[{at.type, TypeOfLabel(label), "process", ""}] = {after == "unconfined_danger" ? kUnconfined : DomainType(after), *places};
  }
}

// New objects get the type of their directory unless a transition says otherwise (9.4).  Directories of one type are one to
// SELinux.
void Lowering::AddCreationTransitions(const Current& at) {
  const ir::FacetId facet = ir::FacetOf("file");
  const auto& operations = kernel::Facets()[facet].operations;
  for (const auto& creation : kCreations) {
    const int index = static_cast<int>(std::find(operations.begin(), operations.end(), creation.first) - operations.begin());
    const auto permitted = PermittedCells(at, facet, index, {});
    if (!permitted.empty()) AddCreationTransitions(at, creation.first, creation.second, permitted);
  }
}

void Lowering::AddCreationTransitions(const Current& at, const std::string& operation, const std::string& object_class, const std::set<uint32_t>& permitted) {
  using Wanted = std::map<std::string, std::string>;                 // type of a path that may be created -> such a path
  std::map<std::string, Wanted> any;                                 // folder's type -> what stands there under no certain name
  std::map<std::pair<std::string, std::string>, std::string> named;  // folder's type and the only name -> its type
  std::map<std::string, std::set<uint32_t>> folders;                 // type -> labels of directories
  const auto wanted_type = [&](uint32_t label) { return types_.count(label) == 0 ? "" : types_.at(label); };
  for (const auto& [labels, entry] : cells_.tree->Entries()) {
    const std::string folder_type = TypeOfLabel(labels.first);
    folders[folder_type].insert(labels.first);
    if (permitted.count(labels.second) == 0) continue;
    std::string type = wanted_type(labels.second);
    if (type.empty() && types_.count(labels.first) == 0) type = folder_type;  // the host's in the host's
    if (entry.only_name && IsSafeName(*entry.only_name) && types_.count(labels.second) != 0) {
      named.emplace(std::pair(folder_type, *entry.only_name), type);
    } else {
      any[folder_type].emplace(type, entry.path);
    }
  }
  const auto differ = [&](const std::string& path, const std::string& type, const std::string& created) { module_.differences.push_back({at.domain->name, path, type.empty() ? "what the host says" : type, created, false, object_class, ""}); };
  std::map<std::string, std::string> usual;  // folder's type -> what a new object gets under any other name
  for (const auto& [folder_type, wanted] : any) {
    auto chosen = wanted.find(folder_type);
    if (chosen == wanted.end()) chosen = std::find_if(wanted.begin(), wanted.end(), [](const auto& one) { return !one.first.empty(); });
    const std::string created = chosen == wanted.end() ? folder_type : chosen->first;
    usual[folder_type] = created;
    if (created != folder_type) module_.transitions[{at.type, folder_type, object_class, ""}] = {created, {fmt::format("file {} on {}", operation, chosen->second)}};
    for (const auto& [type, path] : wanted) {
      if (type != created) differ(path, type, created);
    }
  }
  for (const auto& [key, created] : named) {
    const auto& [folder_type, name] = key;
    const auto by_default = usual.find(folder_type);
    Wanted wanted;  // what else has the name in such directories
    for (const uint32_t folder : folders.at(folder_type)) {
      for (const auto& [label, path] : cells_.tree->Named(folder, name)) {
        if (permitted.count(label) != 0) wanted.emplace(wanted_type(label), path);
      }
    }
    if (created != (by_default == usual.end() ? folder_type : by_default->second)) module_.transitions[{at.type, folder_type, object_class, name}] = {created, {fmt::format("file {} on {}", operation, wanted.at(created))}};
    for (const auto& [type, path] : wanted) {
      if (type != created) differ(path, type, created);
    }
  }
}

// What is renamed keeps its label (9.4), and so does what lies below a directory that is renamed: where it has another than its new
// path should have, and the domain's permissions on the two differ.
void Lowering::AddRenames(const Current& at) {
  const ir::FacetId facet = ir::FacetOf("file");
  const auto permitted = [&](const char* operation) { return PermittedCells(at, facet, std::countr_zero(ir::OperationsNamed(facet, operation)), {}); };
  const auto from = permitted("rename_from");
  const auto to = from.empty() ? std::set<uint32_t>() : permitted("rename_to");
  if (to.empty()) return;
  // Types with the same permissions are as one; what depends on a boolean is not yet known here.
  const bool depends = std::any_of(at.domain->rules.begin(), at.domain->rules.end(), [](const ir::Rule& rule) { return !rule.boolean.empty(); });
  std::map<std::string, std::string> grants;  // type -> what the domain may do with it
  for (const auto& [access, allowed] : module_.allows) {
    if (access.source != at.type || depends) continue;
    std::string& text = grants[access.target];
    for (const auto& [permission, places] : allowed.permissions) text += access.object_class + " " + permission + "\n";
  }
  std::set<std::pair<std::string, std::string>> said;
  const auto compare = [&](const std::set<uint32_t>& old_labels, const std::map<uint32_t, uint32_t>& new_labels, bool below) {
    std::map<std::string, std::string> kept;  // permissions -> a type that has them
    for (const uint32_t label : old_labels) kept.emplace(depends ? TypeOfLabel(label) : grants[TypeOfLabel(label)], TypeOfLabel(label));
    for (const auto& [label, top] : new_labels) {
      const std::string type = TypeOfLabel(label);
      for (const auto& [permissions, had] : kept) {
        if (permissions == (depends ? type : grants[type]) || !said.emplace(type, had).second) continue;
        module_.differences.push_back({at.domain->name, cells_.tree->Witnesses().at(label), types_.count(label) == 0 ? "what the host says" : type, had, true, "", below ? cells_.tree->Witnesses().at(top) : ""});
      }
    }
  };
  std::map<uint32_t, uint32_t> itself;
  for (const uint32_t label : to) itself.emplace(label, label);
  compare(from, itself, false);
  std::set<uint32_t> carried;
  for (const auto& [label, top] : cells_.tree->Below(from)) carried.insert(label);
  compare(carried, cells_.tree->Below(to), true);
}

}  // namespace ravelin::selinux
