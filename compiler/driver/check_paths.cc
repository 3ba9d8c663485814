// Paths across layers: writable and executable at once, and names that are links to others.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/driver/analyze.h"
#include "compiler/kernel/cross_facts.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using ir::Box;
using ir::Boxes;
using ir::Effect;
using ir::PathSet;
using ir::Rule;
using LayerSet = std::vector<std::string>;

struct Operation {
  ir::FacetId facet;
  int index;
  std::string Text() const { return kernel::Facets()[facet].name == "exec" ? "exec" : fmt::format("{} {{ {} }}", kernel::Facets()[facet].name, kernel::Facets()[facet].operations[static_cast<size_t>(index)]); }
};

Operation Named(std::string_view facet, std::string_view name) {
  const ir::FacetId id = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[id].operations;
  return {id, static_cast<int>(std::find(operations.begin(), operations.end(), name) - operations.begin())};
}

class WriteExecute {
 public:
  WriteExecute(combine::Effective& effective, diag::Sink& sink) : effective_(effective), domain_(effective.domain()), sink_(sink) {}

  void Run() {
    for (const LayerSet& set : domain_.layer_sets) {
      if (!std::all_of(set.begin(), set.end(), [](const std::string& layer) { return IsBuilt(layer); })) continue;
      for (const Operation& runs : {Named("exec", "exec"), Named("file", "map_exec")}) {
        // A policy that says nothing of files leaves them all open, and says so elsewhere.
        if (!domain_.defaults[ir::FacetOf("file")].stated || !domain_.defaults[runs.facet].stated) continue;
        for (const Operation& writes : {Named("file", "write"), Named("file", "append"), Named("file", "create")}) Pair(set, writes, runs);
      }
    }
  }

 private:
  // What the set lets pass where a module asks, else what the policy permits: the filter sees no path.
  Result<Boxes> Passed(const LayerSet& set, const Operation& operation) {
    bool mediated = false;
    RAVELIN_TRY(passed, effective_.PassedByAll(set, operation.facet, operation.index, &mediated));
    if (mediated) return passed;
    RAVELIN_TRY(permitted, effective_.Permitted(operation.facet, operation.index));
    return *permitted;
  }

  bool Carried(const LayerSet& set, const Operation& operation, const Box& box) const {
    if (std::find(set.begin(), set.end(), "seccomp") == set.end()) return true;
    return effective_.FindCarrier(operation.facet, operation.index, box, combine::Effective::Ways::kEntrances).has_value();
  }

  void Pair(const LayerSet& set, const Operation& writes, const Operation& runs) {
    const auto a = Passed(set, writes);
    const auto b = Passed(set, runs);
    if (!a || !b) return;  // too large to be decided: the gap says so
    for (const Box& one : *a) {
      for (const Box& other : *b) {
        const auto both = ir::Meet(one, other);
        if (!both || !*both || !Carried(set, writes, **both) || !Carried(set, runs, **both)) continue;
        const ir::BoxMember witness = ir::MemberOf(**both);
        const auto path = witness.texts.find("path");
        Say(set, writes, runs, path == witness.texts.end() ? "/a" : path->second);
      }
    }
  }

  // The rule that lets a path be used so: by the operation itself, else by another for which a module asks the same.
  const Rule* RuleFor(const LayerSet& set, const Operation& operation, const std::string& path) const {
    const auto covers = [&](const Rule& rule, int index) {
      if (rule.facet != operation.facet || (rule.operations >> index & 1) == 0) return false;
      const auto box = ir::BoxOf(rule, index);
      if (!box) return false;
      const auto paths = box->texts.find("path");
      return paths == box->texts.end() || paths->second.Contains(path);
    };
    const Rule* by_another = nullptr;
    for (const Rule& rule : domain_.rules) {
      if (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain) continue;
      if (covers(rule, operation.index)) return &rule;
      for (size_t i = 0; rule.facet == operation.facet && by_another == nullptr && i < kernel::Facets()[rule.facet].operations.size(); ++i) {
        const auto other = static_cast<int>(i);
        const bool alike = std::any_of(set.begin(), set.end(), [&](const std::string& layer) { return layer != "seccomp" && AsksTheSame(layer, operation.facet, operation.index, other); });
        if (alike && covers(rule, other)) by_another = &rule;
      }
    }
    return by_another;
  }

  bool AsksTheSame(const std::string& layer, ir::FacetId facet, int a, int b) const {
    for (const combine::Cell& one : effective_.CellsOf(layer, facet, a)) {
      for (const combine::Cell& other : effective_.CellsOf(layer, facet, b)) {
        if (one.checks.empty() || other.checks.empty() || one.checks.front().object != other.checks.front().object) continue;
        const auto& asked = one.checks.front().permissions;
        const auto& granted = other.checks.front().permissions;
        if (!asked.empty() && std::find(granted.begin(), granted.end(), asked.front()) != granted.end()) return true;
      }
    }
    return false;
  }

  void Say(const LayerSet& set, const Operation& writes, const Operation& runs, const std::string& path) {
    const Rule* run_rule = RuleFor(set, runs, path);
    const Rule* write_rule = RuleFor(set, writes, path);
    const source::Span span = run_rule != nullptr ? run_rule->from.span : domain_.from.span;
    if (!said_.insert({run_rule == nullptr ? -1 : int64_t{run_rule->id}, path}).second) return;
    LayerSet layers = set;  // the filter first, as elsewhere
    std::stable_partition(layers.begin(), layers.end(), [](const std::string& layer) { return layer == "seccomp"; });
    auto& d = sink_.Report(diag::Kind::kWritableExecutable, span, fmt::format("`{}` can be written and executed under {}: `{}` and `{}` both pass", path, fmt::join(layers, " + "), writes.Text(), runs.Text()));
    if (write_rule != nullptr && write_rule != run_rule) d.Note(write_rule->from.span, "written by this rule");
    d.Help("what a process writes, it can run; keep the two sets of paths apart, or say in a comment why they meet");
  }

  combine::Effective& effective_;
  const ir::Domain& domain_;
  diag::Sink& sink_;
  std::set<std::pair<int64_t, std::string>> said_;  // the rule that runs it, and the path
};

// A pattern under a link, as the names that it is resolved to.
std::optional<std::string> Resolved(const std::string& pattern, const kernel::PathAlias& alias) {
  if (pattern.rfind(alias.name, 0) != 0) return std::nullopt;
  const std::string rest = pattern.substr(alias.name.size());
  if (!rest.empty() && rest[0] != '/') return std::nullopt;
  return alias.pattern + rest;
}

class Aliases {
 public:
  Aliases(combine::Effective& effective, diag::Sink& sink) : effective_(effective), domain_(effective.domain()), sink_(sink) {}

  void Run() {
    for (const Rule& rule : domain_.rules) {
      const std::string& facet = kernel::Facets()[rule.facet].name;
      if ((facet != "file" && facet != "exec") || rule.texts.count("path") == 0) continue;
      if (rule.effect != Effect::kDeny && rule.effect != Effect::kAllow) continue;
      for (const std::string& pattern : rule.texts.at("path")) {
        for (const kernel::PathAlias& alias : kernel::PathAliases()) {
          if (const auto resolved = Resolved(pattern, alias)) Judge(rule, pattern, *resolved, alias);
        }
      }
    }
  }

 private:
  void Judge(const Rule& rule, const std::string& pattern, const std::string& resolved, const kernel::PathAlias& alias) {
    const auto names = PathSet::Parse(resolved);
    if (!names) return;
    const bool denies = rule.effect == Effect::kDeny;
    for (size_t i = 0; i < kernel::Facets()[rule.facet].operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      const Operation operation{rule.facet, static_cast<int>(i)};
      const auto permitted = effective_.Permitted(operation.facet, operation.index);
      if (!permitted) continue;
      const Box at{{}, {{"path", *names}}};
      std::optional<std::string> witness;
      if (denies) {  // some of them is permitted by its resolved name
        for (const Box& box : **permitted) {
          const auto both = ir::Meet(box, at);
          if (both && *both) witness = ir::MemberOf(**both).texts["path"];
        }
      } else {  // none of them is
        const bool any = std::any_of((*permitted)->begin(), (*permitted)->end(), [&](const Box& box) {
          const auto both = ir::Meet(box, at);
          return !both || both->has_value();
        });
        if (!any) witness = names->Witness();
      }
      if (!witness) continue;
      Say(rule, pattern, *witness, alias, operation, denies);
      return;
    }
  }

  void Say(const Rule& rule, const std::string& pattern, const std::string& witness, const kernel::PathAlias& alias, const Operation& operation, bool denies) {
    const std::string what = denies ? "the refusal of `{}` does not reach `{}`, which is permitted: {} is a link to {}" : "`{}` names a link, and `{}` is refused: {} is a link to {}";
    auto& d = sink_.Report(diag::Kind::kAliasedName, rule.from.span, fmt::format(fmt::runtime(what), pattern, witness, alias.name, alias.pattern));
    d.Help(fmt::format("rules speak of resolved names: write `{}` of `{}`", operation.Text(), *Resolved(pattern, alias)));
  }

  combine::Effective& effective_;
  const ir::Domain& domain_;
  diag::Sink& sink_;
};

}  // namespace

void CheckWriteExecute(combine::Effective& effective, diag::Sink& sink) { WriteExecute(effective, sink).Run(); }
void CheckAliases(combine::Effective& effective, diag::Sink& sink) { Aliases(effective, sink).Run(); }

}  // namespace ravelin::driver
