// Which paths keep the type that the host has for them.
//
// A grant on a type reaches every object of it.  A type of the host's is taken where its objects are exactly those of some of
// the module's sets of paths, and the rules grant the same on all of these sets: then it permits what a new type would.
#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/contexts.h"
#include "backends/selinux/host.h"
#include "backends/selinux/paths/regex.h"
#include "backends/selinux/paths/tree.h"
#include "compiler/ir/pattern.h"

namespace ravelin::selinux {
namespace {

constexpr const char* kFileKinds[] = {"file", "dir", "char", "block", "socket", "pipe", "symlink"};

// What stands in front of the first metacharacter, escapes resolved.
std::string LiteralStem(const std::string& regex) {
  std::string out;
  for (size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
    } else if (std::string_view(".^$?*+|[({").find(regex[i]) != std::string_view::npos) {
      break;
    }
    if (i < regex.size()) out += regex[i];
  }
  return out;
}

class Reuse {
 public:
  Reuse(const HostFacts& host, Module& module) : host_(host), module_(module) {
    std::set<std::string> patterns;
    std::vector<std::string> witnesses;
    for (const PathType& path : module.paths) {
      patterns.insert(path.patterns.begin(), path.patterns.end());
      witnesses.push_back(path.witness);
    }
    patterns_.assign(patterns.begin(), patterns.end());
    types_ = HostTypes(host.contexts, witnesses);
  }

  void Run() {
    std::map<std::string, std::string> why;  // type of the host's -> why it is not taken
    for (const PathType& path : module_.paths) {
      const auto had = types_.find(path.witness);
      if (had != types_.end() && why.count(had->second) == 0) why[had->second] = Consider(had->second);
    }
    for (const PathType& path : module_.paths) {
      const auto had = types_.find(path.witness);
      const std::string patterns = fmt::format("{}", fmt::join(path.patterns, " and "));
      if (path.host) {
        module_.choices.push_back(fmt::format("{}: the host's type {}, whose objects are exactly those of the rules", patterns, path.type));
      } else if (had == types_.end()) {
        module_.choices.push_back(fmt::format("{}: a new type {}; the host labels no such path ({}, say)", patterns, path.type, path.witness));
      } else {
        module_.choices.push_back(fmt::format("{}: a new type {}, since {}; domains of the host that use {} lose {} and the like, and `label(\"{}\")` in a rule shares it instead", patterns, path.type, why.at(had->second), had->second, path.witness, had->second));
      }
    }
  }

 private:
  // Takes the type where it can; otherwise says why not.
  std::string Consider(const std::string& type) {
    const std::string wide = fmt::format("a grant on the host's {} would reach all of its objects", type);
    for (const HostContext& context : host_.contexts) {
      if (context.type == type && !CanLieWithin(LiteralStem(WithoutTemplates(context.regex)))) return wide;
    }
    std::set<std::vector<std::string>> cells;
    if (!Covers(type, cells)) return wide;
    if (const auto made = host_.made.find(type); made != host_.made.end()) return fmt::format("objects of the host's {} are not only those of its paths: {}", type, made->second);
    std::set<std::string> ours;
    for (const PathType& path : module_.paths) {
      if (cells.count(path.patterns) != 0) ours.insert(path.type);
    }
    std::optional<std::set<std::string>> granted;
    for (const std::string& one : ours) {
      auto here = GrantedOn(one, ours);
      if (granted && *granted != here) return fmt::format("the rules grant different things on what the host keeps under {}", type);
      granted = std::move(here);
    }
    Rename(ours, type);
    return "";
  }

  bool CanLieWithin(const std::string& stem) const {
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) { return stem.rfind(ir::LiteralStart(pattern), 0) == 0; });
  }

  // Whether all paths of the type are whole sets of ours, whatever kind of file stands there; `cells` are these sets.
  bool Covers(const std::string& type, std::set<std::vector<std::string>>& cells) const {
    ir::PatternNfa nfa;
    uint32_t next = 0;
    for (const std::string& pattern : patterns_) {
      const auto items = ir::ParsePattern(pattern);
      if (!items) return false;
      ir::AddPattern(*items, next++, nfa);
    }
    uint32_t live = 0;
    for (const bool of_type : {true, false}) {
      for (uint32_t i = 0; i < host_.contexts.size(); ++i) {
        if ((host_.contexts[i].type == type) != of_type) continue;
        if (!AddRegex(WithoutTemplates(host_.contexts[i].regex), next + i, nfa) && of_type) return false;
      }
      if (of_type) live = static_cast<uint32_t>(nfa.nodes.size());
    }
    // Where neither a pattern nor the type can match any more, nothing matters.
    auto automaton = ir::Determinize(nfa, ir::kMaxMapStates, [live](std::vector<uint32_t>& nodes) {
      if (!nodes.empty() && nodes.front() >= live) nodes.clear();
    });
    if (!automaton) return false;
    const DirectoryTree tree(std::move(*automaton));
    std::set<std::vector<std::string>> others;
    for (const auto& [label, witness] : tree.Witnesses()) {
      std::vector<std::string> patterns;
      std::map<std::string, std::pair<bool, uint32_t>> winner;  // by kind of file
      for (const uint32_t match : tree.PatternsOf(label)) {
        if (match < next) {
          patterns.push_back(patterns_[match]);
          continue;
        }
        const HostContext& context = host_.contexts[match - next];
        const std::pair<bool, uint32_t> rank = {PrecedenceOf(context.regex).exact, match - next};
        for (const char* kind : kFileKinds) {
          if (context.kind != "any" && context.kind != kind) continue;
          const auto [at, fresh] = winner.emplace(kind, rank);
          if (!fresh) at->second = std::max(at->second, rank);
        }
      }
      const auto kinds = std::count_if(winner.begin(), winner.end(), [&](const auto& one) { return host_.contexts[one.second.second].type == type; });
      if (kinds == 0) {
        others.insert(std::move(patterns));
      } else if (patterns.empty() || kinds != static_cast<std::ptrdiff_t>(std::size(kFileKinds))) {
        return false;
      } else {
        cells.insert(std::move(patterns));
      }
    }
    return !cells.empty() && std::none_of(cells.begin(), cells.end(), [&](const auto& cell) { return others.count(cell) != 0; });
  }

  // All that is granted on a type, and what objects made in such directories become, with `ours` as one type.
  std::set<std::string> GrantedOn(const std::string& type, const std::set<std::string>& ours) const {
    std::set<std::string> out;
    for (const auto* grants : {&module_.allows, &module_.base}) {
      for (const auto& [access, allowed] : *grants) {
        if (access.target != type) continue;
        for (const auto& permission : allowed.permissions) out.insert(fmt::format("{} {} {}", access.source, access.object_class, permission.first));
      }
    }
    for (const auto& [access, commands] : module_.commands) {
      if (access.target != type) continue;
      std::string values;
      for (const ir::Interval& i : commands.values.intervals()) values += fmt::format(" {}-{}", i.lo, i.hi);
      out.insert(fmt::format("{} {} commands{}", access.source, access.object_class, values));
    }
    for (const Never& never : module_.nevers) {
      if (never.target == type) out.insert(fmt::format("{} {} never {}", never.source, never.object_class, fmt::join(never.permissions, " ")));
    }
    for (const auto& [at, result] : module_.transitions) {
      if (at.target == type && !IsUsual(at, result.first, ours)) out.insert(fmt::format("{} {} \"{}\" -> {}", at.source, at.object_class, at.name, ours.count(result.first) != 0 ? "" : result.first));
    }
    return out;
  }

  // An object that would get its directory's type anyway.
  bool IsUsual(const Transition& at, const std::string& result, const std::set<std::string>& ours) const {
    if (at.object_class == "process" || ours.count(result) == 0) return false;
    const auto any = module_.transitions.find({at.source, at.target, at.object_class, ""});
    return any == module_.transitions.end() || ours.count(any->second.first) != 0;
  }

  void Rename(const std::set<std::string>& ours, const std::string& type) {
    const auto named = [&](const std::string& name) { return ours.count(name) != 0 ? type : name; };
    std::map<Transition, std::pair<std::string, Places>> transitions;
    for (const auto& [at, result] : module_.transitions) {
      if (ours.count(at.target) != 0 && IsUsual(at, result.first, ours)) continue;
      auto& to = transitions[{at.source, named(at.target), at.object_class, at.name}];
      to.first = named(result.first);
      to.second.insert(result.second.begin(), result.second.end());
    }
    module_.transitions = std::move(transitions);
    for (auto* grants : {&module_.allows, &module_.base}) {
      std::map<Access, Allowed> renamed;
      for (const auto& [access, allowed] : *grants) {
        auto& permissions = renamed[{access.source, named(access.target), access.object_class}].permissions;
        for (const auto& [permission, places] : allowed.permissions) permissions[permission].insert(places.begin(), places.end());
      }
      *grants = std::move(renamed);
    }
    std::map<Access, Commands> commands;
    for (auto& [access, values] : module_.commands) commands[{access.source, named(access.target), access.object_class}] = std::move(values);
    module_.commands = std::move(commands);
    std::set<std::vector<std::string>> stated;
    std::erase_if(module_.nevers, [&](Never& never) {
      never.target = named(never.target);
      std::vector<std::string> text = {never.source, never.target, never.object_class, never.place};
      text.insert(text.end(), never.permissions.begin(), never.permissions.end());
      return !stated.insert(std::move(text)).second;
    });
    for (FileContext& context : module_.contexts) context.type = named(context.type);
    for (LabelDifference& difference : module_.differences) {
      difference.labelled = named(difference.labelled);
      difference.has = named(difference.has);
    }
    std::erase_if(module_.differences, [](const LabelDifference& d) { return d.labelled == d.has; });
    for (PathType& path : module_.paths) {
      path.host = path.host || ours.count(path.type) != 0;
      path.type = named(path.type);
    }
  }

  const HostFacts& host_;
  Module& module_;
  std::vector<std::string> patterns_;
  std::map<std::string, std::string> types_;  // witness of a set of ours -> the host's type
};

}  // namespace

void ReuseTypes(const HostFacts& host, Module& module) { Reuse(host, module).Run(); }

}  // namespace ravelin::selinux
