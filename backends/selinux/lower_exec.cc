// Exec and creation: what a process and a new object become.
#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/lowering.h"
#include "backends/selinux/names.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

using ir::IntervalSet;

std::string TransitionOf(const ir::Rule& rule) {
  const auto at = rule.texts.find("transition");
  return at == rule.texts.end() ? "self" : at->second.front();
}

// A pattern that matches itself only.
bool IsPlain(const std::string& pattern) { return pattern.find_first_of("*?[{\\") == std::string::npos; }

std::string LastComponent(const std::string& path) { return path.substr(path.rfind('/') + 1); }

constexpr std::pair<const char*, const char*> kCreations[] = {{"create", "file"},           {"create_dir", "dir"},          {"create_fifo", "fifo_file"}, {"create_socket", "sock_file"},
                                                              {"create_char", "chr_file"}, {"create_block", "blk_file"}, {"create_symlink", "lnk_file"}};

}  // namespace

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
    bool holds = true;
    for (const kernel::SelinuxCondition& condition : row.conditions) {
      const bool self = condition.words.front() == after;
      holds = holds && self != condition.numbers.excluded;
    }
    if (!holds) continue;
    const bool leaves = after == "unconfined_danger";
    const std::string after_type = after == "self" ? at.type : leaves ? kUnconfined : DomainType(after);
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

// New objects get the type of their directory unless a transition says otherwise; one says so wherever it can be right.
void Lowering::AddCreationTransitions(const Current& at) {
  const ir::FacetId facet = ir::FacetOf("file");
  const auto& operations = kernel::Facets()[facet].operations;
  for (const auto& creation : kCreations) {
    const char* operation = creation.first;
    const char* object_class = creation.second;
    const int index = static_cast<int>(std::find(operations.begin(), operations.end(), operation) - operations.begin());
    const auto permitted = PermittedCells(at, facet, index);
    std::map<uint32_t, std::set<uint32_t>> entries;
    for (const auto& [entry, witness] : cells_.tree->Entries()) {
      if (permitted.count(entry.second) != 0 && types_.count(entry.second) != 0) entries[entry.first].insert(entry.second);
    }
    for (const auto& group : entries) {
      const uint32_t folder = group.first;
      const std::set<uint32_t>& cells = group.second;
      const std::string folder_type = TypeOfLabel(folder);
      std::map<uint32_t, std::string> named;  // cells with one path: its last component
      std::set<uint32_t> open;                // cells with more
      for (const uint32_t cell : cells) {
        const auto& patterns = cells_.automaton->labels()[cell];
        const auto plain = std::find_if(patterns.begin(), patterns.end(), [&](uint32_t p) { return IsPlain(cells_.patterns[p]); });
        if (plain == patterns.end()) {
          open.insert(cell);
        } else {
          named[cell] = LastComponent(cells_.patterns[*plain]);
        }
      }
      const auto places = [&](uint32_t cell) { return Places{fmt::format("file {} on {}", operation, cells_.tree->Entries().at({folder, cell}))}; };
      const bool keeps = open.empty() || open.count(folder) != 0;
      const std::string created = keeps ? folder_type : types_.at(*open.begin());
      if (!keeps) module_.transitions[{at.type, folder_type, object_class, ""}] = {created, places(*open.begin())};
      for (const auto& [cell, last] : named) {
        if (types_.at(cell) != created) module_.transitions[{at.type, folder_type, object_class, last}] = {types_.at(cell), places(cell)};
      }
      for (const uint32_t cell : open) {
        if (types_.at(cell) != created) module_.differences.push_back({at.domain->name, cells_.tree->Entries().at({folder, cell}), types_.at(cell), created});
      }
    }
  }
}

}  // namespace ravelin::selinux
