#include "backends/apparmor/prove/expected_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/base/check.h"
#include "compiler/kernel/lsm_view.h"

// Clause numbers refer to docs/semantics.md.

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::OperationSet;
using ir::Rule;

uint32_t BitOf(const std::string& permission) {
  static const std::map<std::string, uint32_t> bits = {{"x", kExec}, {"w", kWrite}, {"r", kRead}, {"a", kAppend}, {"l", kLink}, {"k", kLock}, {"m", kMmapExec}};
  const auto it = bits.find(permission);
  RAVELIN_CHECK(it != bits.end(), "view_apparmor.tsv names an unknown permission of names");
  return it->second;
}

// What an operation asks of a name, by what the name is.
struct Asks {
  uint32_t file = 0;
  uint32_t dir = 0;
};

// Both facets whose objects are names.
struct Facet {
  ir::FacetId id;
  std::vector<Asks> asks;  // by operation
  int maps = -1;           // index of map_exec
  int links = -1;          // index of link
};

Facet ReadFacet(const char* name) {
  Facet facet{ir::FacetOf(name), {}, -1, -1};
  for (const std::string& operation : kernel::Facets()[facet.id].operations) {
    Asks asks;
    for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", name, operation)) {
      for (const std::string& permission : row->permissions) {
        const uint32_t bit = BitOf(permission);
        if (row->object_class == "file" || row->object_class == "any" || row->object_class == "exec") asks.file |= bit;
        if (row->object_class == "dir" || row->object_class == "any") asks.dir |= bit;
      }
    }
    if (operation == "map_exec") facet.maps = static_cast<int>(facet.asks.size());
    if (operation == "link") facet.links = static_cast<int>(facet.asks.size());
    facet.asks.push_back(asks);
  }
  return facet;
}

class Expecting {
 public:
  Expecting(const ir::Policy& policy, const ir::Domain& domain) : policy_(policy), domain_(domain), facets_{ReadFacet("file"), ReadFacet("exec")} {}

  Result<ExpectedNames> Run() {
    std::vector<std::string> patterns = {"/", "/**"};  // what a rule without names speaks of
    std::map<std::string, uint32_t> index = {{"/", 0}, {"/**", 1}};
    for (const Rule& rule : domain_.rules) {
      if (!Concerns(rule)) continue;
      std::vector<uint32_t>& own = patterns_of_[rule.id];
      const auto path = rule.texts.find("path");
      if (path == rule.texts.end()) own = {0, 1};
      for (size_t i = 0; path != rule.texts.end() && i < path->second.size(); ++i) {
        const auto [at, fresh] = index.emplace(path->second[i], static_cast<uint32_t>(patterns.size()));
        if (fresh) patterns.push_back(path->second[i]);
        own.push_back(at->second);
      }
      for (const uint32_t pattern : own) rules_with_[pattern].push_back(rule.id);
    }
    for (const kernel::LsmBrought& one : kernel::LsmBroughtAlong("apparmor")) {
      if (!SpeaksOf(one.facet)) continue;
      const auto [at, fresh] = index.emplace(one.pattern, static_cast<uint32_t>(patterns.size()));
      if (fresh) patterns.push_back(one.pattern);
      brought_.push_back({at->second, one.object_class == "dir", BitOf(one.permission)});
    }
    RAVELIN_TRY(compiled, ir::CompilePatterns(patterns));
    sets_ = std::move(compiled.sets);
    ExpectedNames out;
    out.names = std::move(compiled.automaton);
    for (const Facet& facet : facets_) {
      for (const Asks& asks : facet.asks) out.asked_of_dirs |= asks.dir;
    }
    RAVELIN_TRY(old_names, OldNames());
    out.old_names = std::move(old_names.automaton);
    for (const std::vector<uint32_t>& set : sets_) {
      for (const bool owner : {false, true}) {
        std::vector<ExpectedLink>& row = out.links[owner ? 1 : 0].emplace_back();
        const std::vector<const Rule*> rules = Matching(set, owner);
        for (const std::vector<uint32_t>& old_name : old_names.sets) row.push_back(Link(rules, old_name, owner));

        ExpectedFile file;
        ExpectedFile dir;
        At(set, owner, file, dir);
        out.files[owner ? 1 : 0].push_back(std::move(file));
        out.dirs[owner ? 1 : 0].push_back(std::move(dir));
      }
    }
    return out;
  }

 private:
  bool Concerns(const Rule& rule) const {
    return (rule.facet == facets_[0].id || rule.facet == facets_[1].id) && rule.effect != Effect::kNever && rule.texts.count("label") == 0;
  }

  // Rules that match a name of this set.
  std::vector<const Rule*> Matching(const std::vector<uint32_t>& set, bool owner) const {
    std::vector<uint32_t> ids;
    for (const uint32_t pattern : set) {
      const auto it = rules_with_.find(pattern);
      if (it != rules_with_.end()) ids.insert(ids.end(), it->second.begin(), it->second.end());
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<const Rule*> rules;
    for (const uint32_t id : ids) {
      if (!domain_.rules[id].owner_only || owner) rules.push_back(&domain_.rules[id]);
    }
    return rules;
  }

  // --- links

  bool OfLinks(const Rule& rule) const { return rule.facet == facets_[0].id && (rule.operations >> facets_[0].links & 1) != 0; }

  // The old names that rules tell apart; pattern 0 and 1 are those of rules without.
  Result<ir::PatternAutomaton> OldNames() {
    std::vector<std::string> patterns = {"/", "/**"};
    for (const Rule& rule : domain_.rules) {
      if (!Concerns(rule) || !OfLinks(rule)) continue;
      std::vector<uint32_t>& own = old_names_of_[rule.id];
      const auto target = rule.texts.find("target");
      if (target == rule.texts.end()) own = {0, 1};
      for (size_t i = 0; target != rule.texts.end() && i < target->second.size(); ++i) {
        own.push_back(static_cast<uint32_t>(patterns.size()));
        patterns.push_back(target->second[i]);
      }
    }
    return ir::CompilePatterns(patterns);
  }

  ExpectedLink Link(const std::vector<const Rule*>& rules, const std::vector<uint32_t>& old_name, bool owner) const {
    ExpectedLink out;
    const ir::FacetDefault& fallback = domain_.defaults[facets_[0].id];
    bool allowed = !fallback.stated || Permits(fallback.action);
    bool whatever = allowed;  // without the subset's condition
    bool denied = false;
    bool complained = false;
    for (const Rule* rule : rules) {
      if (!OfLinks(*rule)) continue;
      const std::vector<uint32_t>& own = old_names_of_.at(rule->id);
      if (std::none_of(own.begin(), own.end(), [&](uint32_t p) { return std::binary_search(old_name.begin(), old_name.end(), p); })) continue;
      if (rule->effect == Effect::kAllow || rule->effect == Effect::kComplain) whatever |= rule->integers.count("subset") == 0;
      allowed |= rule->effect == Effect::kAllow;
      denied |= rule->effect == Effect::kDeny;
      complained |= rule->effect == Effect::kComplain;
      out.audit |= rule->effect == Effect::kAudit || rule->effect == Effect::kComplain;
      out.quiet |= rule->effect == Effect::kQuiet;
    }
    out.allow = complained || (allowed && !denied);
    out.audit &= out.allow;
    out.quiet &= !out.allow;
    out.subset = owner && out.allow && !whatever;  // 8.4
    return out;
  }

  void At(const std::vector<uint32_t>& set, bool owner, ExpectedFile& file, ExpectedFile& dir) const {
    const std::vector<const Rule*> rules = Matching(set, owner);
    const bool runs = Runs(rules);
    for (const Facet& facet : facets_) {
      const ir::FacetDefault& fallback = domain_.defaults[facet.id];
      const bool open = !fallback.stated || Permits(fallback.action);
      for (size_t i = 0; i < facet.asks.size(); ++i) {
        if (facet.links == static_cast<int>(i)) continue;                          // asked of two names
        bool allowed = open || (facet.maps == static_cast<int>(i) && OpenExec());  // 5.7
        bool denied = false;
        bool complained = false;
        bool audited = false;
        bool quiet = false;
        for (const Rule* rule : rules) {
          const bool maps = facet.maps == static_cast<int>(i) && rule->facet == facets_[1].id;  // 5.7
          if (!maps && (rule->facet != facet.id || (rule->operations >> i & 1) == 0)) continue;
          allowed |= rule->effect == Effect::kAllow;
          denied |= !maps && rule->effect == Effect::kDeny && rule->integers.empty();  // 8.3: what it cannot see may be another value
          complained |= rule->effect == Effect::kComplain;
          audited |= rule->effect == Effect::kComplain || (rule->effect == Effect::kAudit && (!maps || runs));
          quiet |= !maps && rule->effect == Effect::kQuiet;
        }
        const bool permitted = complained || (allowed && !denied);
        const Asks& asks = facet.asks[i];
        if (permitted) {
          file.allow |= asks.file;
          dir.allow |= asks.dir;
          if (audited) {
            file.audit |= asks.file;
            dir.audit |= asks.dir;
          }
        }
        if (quiet) {
          file.quiet |= asks.file;
          dir.quiet |= asks.dir;
        }
      }
    }
    if ((file.allow & kExec) != 0) Transition(rules, file);
    for (ExpectedFile* one : {&file, &dir}) {
      for (uint32_t* bits : {&one->allow, &one->audit, &one->quiet}) *bits = WithImplied(*bits);
    }
    for (const Brought& one : brought_) {  // 8.7
      if (owner && std::binary_search(set.begin(), set.end(), one.pattern) && (Denied(rules, one.dir) & one.bit) == 0) (one.dir ? dir : file).allow |= one.bit;
    }
    for (ExpectedFile* one : {&file, &dir}) {
      one->quiet &= ~one->allow;
      one->audit &= one->allow;
    }
  }

  // Whether what the rules match may be run.
  bool Runs(const std::vector<const Rule*>& rules) const {
    const auto any = [&](Effect effect) {
      return std::any_of(rules.begin(), rules.end(), [&](const Rule* rule) { return rule->facet == facets_[1].id && rule->effect == effect && (effect != Effect::kDeny || rule->integers.empty()); });
    };
    return any(Effect::kComplain) || ((OpenExec() || any(Effect::kAllow)) && !any(Effect::kDeny));
  }

  // What the parser adds by itself to a profile that speaks of a facet: to the owner of what the pattern matches.
  struct Brought {
    uint32_t pattern;
    bool dir;
    uint32_t bit;
  };
  bool SpeaksOf(const std::string& name) const {
    if (name.empty()) return domain_.hat || domain_.has_inner;
    const ir::FacetId id = ir::FacetOf(name);
    if (domain_.defaults[id].stated && Permits(domain_.defaults[id].action)) return true;
    return std::any_of(domain_.rules.begin(), domain_.rules.end(), [&](const Rule& rule) { return rule.facet == id && (rule.effect == Effect::kAllow || rule.effect == Effect::kDeny) && rule.texts.count("label") == 0; });
  }
  // Permissions that a rule refuses, for whichever operation.
  uint32_t Denied(const std::vector<const Rule*>& rules, bool dir) const {
    uint32_t bits = 0;
    for (const Rule* rule : rules) {
      if (rule->facet != facets_[0].id || rule->effect != Effect::kDeny || !rule->integers.empty()) continue;
      for (size_t i = 0; i < facets_[0].asks.size(); ++i) {
        if ((rule->operations >> i & 1) != 0) bits |= dir ? facets_[0].asks[i].dir : facets_[0].asks[i].file;
      }
    }
    return WithImplied(bits);
  }

  static uint32_t WithImplied(uint32_t bits) {
    for (const kernel::LsmImplication& implied : kernel::LsmImplications("apparmor")) {
      if (implied.object_class == "file" && (bits & BitOf(implied.permission)) != 0) bits |= BitOf(implied.implied);
    }
    return bits;
  }
  bool OpenExec() const {
    const ir::FacetDefault& fallback = domain_.defaults[facets_[1].id];
    return !fallback.stated || Permits(fallback.action);
  }

  bool Includes(const Rule& outer, const Rule& inner) const {
    return std::all_of(sets_.begin(), sets_.end(), [&](const auto& set) { return !HasOne(inner, set) || HasOne(outer, set); });
  }
  bool HasOne(const Rule& rule, const std::vector<uint32_t>& set) const {
    const std::vector<uint32_t>& own = patterns_of_.at(rule.id);
    return std::any_of(own.begin(), own.end(), [&](uint32_t p) { return std::binary_search(set.begin(), set.end(), p); });
  }

  // 6.5: the innermost rule says what becomes of the process.
  void Transition(const std::vector<const Rule*>& rules, ExpectedFile& file) const {
    const Rule* inner = nullptr;
    for (const Rule* rule : rules) {
      if (rule->facet != facets_[1].id || (rule->effect != Effect::kAllow && rule->effect != Effect::kComplain)) continue;
      if (inner == nullptr || (Includes(*inner, *rule) && !Includes(*rule, *inner))) inner = rule;
    }
    file.exec = ExecKind::kInherit;
    if (inner == nullptr) return;
    const auto to = inner->texts.find("transition");
    if (to == inner->texts.end() || to->second.front() == "self") return;
    file.keeps_environment = inner->keeps_environment;
    file.inherit_else = to->second.size() > 1 && to->second[1] == "self";
    file.unconfined_else = to->second.size() > 1 && to->second[1] == "unconfined_danger";
    if (to->second.front() == "attached") {
      file.exec = ExecKind::kProfileByName;
      return;
    }
    if (to->second.front() == "unconfined_danger") {
      file.exec = ExecKind::kUnconfined;
      return;
    }
    file.exec = ExecKind::kNamed;
    file.exec_target = to->second.front();
    for (const ir::Domain& one : policy_.domains) {
      if (one.name == to->second.front()) file.exec_target = ir::QualifiedName(one);
    }
  }

  const ir::Policy& policy_;
  const ir::Domain& domain_;
  const Facet facets_[2];
  std::map<uint32_t, std::vector<uint32_t>> patterns_of_;  // rule -> patterns
  std::map<uint32_t, std::vector<uint32_t>> rules_with_;   // pattern -> rules
  std::vector<std::vector<uint32_t>> sets_;
  std::vector<Brought> brought_;
  std::map<uint32_t, std::vector<uint32_t>> old_names_of_;  // rule -> patterns of the automaton of old names
};

}  // namespace

Result<ExpectedNames> ExpectNames(const ir::Policy& policy, const ir::Domain& domain) { return Expecting(policy, domain).Run(); }

}  // namespace ravelin::apparmor
