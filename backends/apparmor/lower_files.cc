// File and exec rules.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/apparmor/glob.h"
#include "backends/apparmor/lower.h"
#include "compiler/ir/automaton.h"
#include "compiler/ir/pattern.h"
#include "compiler/kernel/lsm_view.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

// Permission letters of a name, as bits in the order in which a profile writes them.
constexpr std::string_view kLetters = "rwalkmx";
using Letters = uint8_t;
Letters LetterOf(std::string_view permission) { return static_cast<Letters>(1u << kLetters.find(permission)); }
constexpr Letters kR = 1, kW = 2, kLock = 16;
// Letters that some operation asks of a directory; the others say nothing of one.
constexpr Letters kOfDirs = kR | kW | kLock;

// What an operation asks of a name that is a file, and of one that is a directory.
struct Asked {
  Letters file = 0;
  Letters dir = 0;
};

Asked AskedBy(std::string_view facet, std::string_view operation) {
  Asked asked;
  if (operation == "link") return asked;  // of two names (lower_links.cc)
  for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet, operation)) {
    for (const std::string& permission : row->permissions) {
      if (row->object_class != "dir") asked.file |= LetterOf(permission);
      if (row->object_class == "dir" || row->object_class == "any") asked.dir |= LetterOf(permission);
    }
  }
  return asked;
}

// What the kernel grants along with a letter: w brings a.
Letters WithImplied(Letters letters) {
  for (const kernel::LsmImplication& implied : kernel::LsmImplications("apparmor")) {
    if ((letters & LetterOf(implied.permission)) != 0) letters |= LetterOf(implied.implied);
  }
  return letters;
}

bool IsFile(const Rule& rule) { return rule.facet == ir::FacetOf("file"); }
bool IsExec(const Rule& rule) { return rule.facet == ir::FacetOf("exec"); }

ir::OperationSet MapExec() {
  const auto& operations = kernel::Facets()[ir::FacetOf("file")].operations;
  return ir::OperationSet{1} << (std::find(operations.begin(), operations.end(), "map_exec") - operations.begin());
}

// Whether the parser adds a line of its own: to every profile with rules of that facet.
bool BringsAlong(const ir::Domain& domain, const kernel::LsmBrought& one) {
  if (one.facet.empty()) return domain.hat || domain.has_inner;
  const ir::FacetId facet = ir::FacetOf(one.facet);
  const ir::FacetDefault& fallback = domain.defaults[facet];
  if (fallback.stated && Permits(fallback.action)) return true;
  return std::any_of(domain.rules.begin(), domain.rules.end(), [&](const Rule& rule) { return rule.facet == facet && (rule.effect == Effect::kAllow || rule.effect == Effect::kDeny) && rule.texts.count("label") == 0; });
}

class FileLowering {
 public:
  FileLowering(const ir::Policy& policy, const ir::Domain& domain, Profile& profile) : policy_(policy), domain_(domain), profile_(profile) {}

  void Run() {
    CollectPatterns();
    auto compiled = ir::CompilePatterns(patterns_);
    if (!compiled) {
      profile_.problems.push_back({kNoRule, compiled.error().message});
      return;
    }
    sets_ = std::move(compiled->sets);
    for (const Rule& rule : domain_.rules) {
      if (!IsFile(rule) && !IsExec(rule)) continue;
      if (rule.texts.count("label") != 0) continue;  // an object by its label is SELinux's
      if (rule.effect == Effect::kAllow) Allow(rule, "");
      if (rule.effect == Effect::kComplain) Allow(rule, "audit ");
    }
    CheckTransitions();
    Unmediated("file", {"/", "/**"}, "rwkm");
    Unmediated("exec", {"/**"}, "mix");
    for (const Rule& rule : domain_.rules) {
      if ((IsFile(rule) || IsExec(rule)) && rule.effect == Effect::kDeny) Deny(rule);
    }
    for (const Rule& rule : domain_.rules) {
      if (!IsFile(rule) && !IsExec(rule)) continue;
      if (rule.effect == Effect::kAudit) Audit(rule);
      if (rule.effect == Effect::kQuiet) Quiet(rule);
    }
  }

 private:
  // The rule's patterns; everything where it names none.
  static std::vector<std::string> PatternsOf(const Rule& rule) {
    const auto it = rule.texts.find("path");
    return it != rule.texts.end() ? it->second : std::vector<std::string>{"/", "/**"};
  }

  void CollectPatterns() {
    std::map<std::string, uint32_t> known;
    for (const Rule& rule : domain_.rules) {
      if ((!IsFile(rule) && !IsExec(rule)) || rule.effect == Effect::kNever) continue;
      for (const std::string& pattern : PatternsOf(rule)) {
        const auto [at, fresh] = known.emplace(pattern, static_cast<uint32_t>(patterns_.size()));
        if (fresh) patterns_.push_back(pattern);
        rule_patterns_[rule.id].push_back(at->second);
      }
    }
    for (const kernel::LsmBrought& one : kernel::LsmBroughtAlong("apparmor")) {
      if (!BringsAlong(domain_, one)) continue;
      const auto [at, fresh] = known.emplace(one.pattern, static_cast<uint32_t>(patterns_.size()));
      if (fresh) patterns_.push_back(one.pattern);
      const Letters letter = LetterOf(one.permission);
      brought_.push_back({at->second, one.object_class == "file" ? Asked{letter, 0} : Asked{0, letter}});
    }
    users_.resize(patterns_.size());
    for (const auto& [id, patterns] : rule_patterns_) {
      for (const uint32_t pattern : patterns) users_[pattern].push_back(id);
    }
  }

  static Asked AskedOf(ir::FacetId of, ir::OperationSet operations) {
    Asked asked;
    const kernel::FacetInfo& facet = kernel::Facets()[of];
    for (size_t i = 0; i < facet.operations.size(); ++i) {
      if ((operations >> i & 1) == 0) continue;
      const Asked one = AskedBy(facet.name, facet.operations[i]);
      asked.file |= one.file;
      asked.dir |= one.dir;
    }
    return asked;
  }
  static Asked AskedOf(const Rule& rule) { return AskedOf(rule.facet, rule.operations); }

  static std::string Text(Letters letters) {
    std::string out;
    for (size_t i = 0; i < kLetters.size(); ++i) {
      if ((letters >> i & 1) == 0 || kLetters[i] == 'x' || (kLetters[i] == 'a' && (letters & kW) != 0)) continue;
      out += kLetters[i];
    }
    return out;
  }

  // With the m that stands beside every x (5.7); the parser adds it to ix by itself.
  std::string ExecText(const Rule& rule, std::string* target) const {
    const auto it = rule.texts.find("transition");
    const bool keeps = rule.keeps_environment;
    if (it == rule.texts.end() || it->second.front() == "self") return "mix";
    if (it->second.front() == "unconfined_danger") return keeps ? "mux" : "mUx";
    if (it->second.front() != "attached") *target = " -> " + ProfileName(policy_, it->second.front());
    const std::string otherwise = it->second.size() == 1 ? "" : it->second[1];
    const std::string letters = otherwise == "self" ? "pix" : otherwise.empty() ? "px"
                                                                                : "pux";
    if (keeps) return "m" + letters;
    return otherwise == "self" ? "mPix" : otherwise.empty() ? "mPx"
                                                            : "mPUx";
  }

  void Add(const std::string& prefix, const std::string& glob, const std::string& letters, const Rule& rule, const std::string& target = "") {
    profile_.lines.push_back({fmt::format("{}{} {}{}", prefix, Quote(glob), letters, target), rule.from.place});
  }

  // Lines that say `letters` of the names that the patterns match.
  void AddNames(const std::string& prefix, const Rule& rule, Asked asked) {
    const std::string owner = rule.owner_only ? "owner " : "";
    for (const std::string& pattern : PatternsOf(rule)) {
      const Result<void> done = AddName(prefix + owner, pattern, rule, asked);
      if (!done) profile_.problems.push_back({rule.id, done.error().message});
    }
  }

  Result<void> AddName(const std::string& prefix, const std::string& pattern, const Rule& rule, Asked asked) {
    if ((asked.file & kOfDirs) == asked.dir && asked.dir != 0) {
      RAVELIN_TRY(both, BothGlobs(pattern));
      for (const std::string& glob : both) Add(prefix, glob, Text(asked.file), rule);
      if (!both.empty()) return {};
    }
    if (asked.file != 0) {
      // Letters that nothing asks of a directory need no glob that leaves directories out.
      RAVELIN_TRY(globs, (asked.file & kOfDirs) != 0 ? FileGlobs(pattern) : PlainGlobs(pattern));
      for (const std::string& glob : globs) Add(prefix, glob, Text(asked.file), rule);
    }
    if (asked.dir != 0) {
      RAVELIN_TRY(globs, DirectoryGlobs(pattern));
      for (const std::string& glob : globs) Add(prefix, glob, Text(asked.dir), rule);
    }
    return {};
  }

  // Lines that speak of execution.
  void AddExec(const std::string& prefix, const Rule& rule, const std::string& letters, const std::string& target) {
    for (const std::string& pattern : PatternsOf(rule)) {
      if (pattern == "/") continue;  // no program
      const auto globs = PlainGlobs(pattern);
      if (!globs) profile_.problems.push_back({rule.id, globs.error().message});
      for (size_t i = 0; globs && i < globs->size(); ++i) Add(prefix, (*globs)[i], letters, rule, target);
    }
  }

  void Allow(const Rule& rule, const std::string& prefix) {
    if (IsFile(rule)) {
      AddNames(prefix, rule, AskedOf(rule));
      return;
    }
    std::string target;
    const std::string exec = ExecText(rule, &target);
    AddExec(prefix, rule, exec, target);
  }

  void Unmediated(std::string_view facet, std::initializer_list<std::string_view> globs, std::string_view letters) {
    const ir::FacetDefault& fallback = domain_.defaults[ir::FacetOf(facet)];
    if (!DefaultPermits(ir::FacetOf(facet))) return;
    for (const std::string_view glob : globs) profile_.lines.push_back({fmt::format("{} {}", glob, letters), fallback.stated ? fallback.from.place : ""});
  }

  // --- what is permitted at the names that one set of patterns matches

  bool Matches(const Rule& rule, const std::vector<uint32_t>& set, bool owner) const {
    if (rule.owner_only && !owner) return false;
    const auto it = rule_patterns_.find(rule.id);
    if (it == rule_patterns_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(), [&](uint32_t p) { return std::binary_search(set.begin(), set.end(), p); });
  }

  // Rules with one of the set's patterns, in the order of the source.
  std::vector<uint32_t> RulesAt(const std::vector<uint32_t>& set) const {
    std::vector<uint32_t> rules;
    for (const uint32_t pattern : set) rules.insert(rules.end(), users_[pattern].begin(), users_[pattern].end());
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    return rules;
  }

  // Operations that the policy permits at the names of a set, and those that the lines for allows grant.
  struct Operations {
    ir::OperationSet permitted = 0;
    ir::OperationSet granted = 0;
  };
  Operations OperationsAt(const std::vector<uint32_t>& set, bool owner, ir::FacetId facet) const {
    const bool maps = facet == ir::FacetOf("file");  // 5.7
    ir::OperationSet allowed = 0;
    ir::OperationSet denied = 0;
    ir::OperationSet complained = 0;
    if (DefaultPermits(facet)) allowed = ~ir::OperationSet{0};
    if (maps && DefaultPermits(ir::FacetOf("exec"))) allowed |= kMapExec;
    for (const uint32_t id : RulesAt(set)) {
      const Rule& rule = domain_.rules[id];
      if (!Matches(rule, set, owner) || rule.texts.count("label") != 0) continue;
      if (maps && IsExec(rule)) {
        if (rule.effect == Effect::kAllow) allowed |= kMapExec;
        if (rule.effect == Effect::kComplain) complained |= kMapExec;
      }
      if (rule.facet != facet) continue;
      if (rule.effect == Effect::kAllow) allowed |= rule.operations;
      if (rule.effect == Effect::kDeny && rule.integers.empty()) denied |= rule.operations;
      if (rule.effect == Effect::kComplain) complained |= rule.operations;
    }
    return {(allowed & ~denied) | complained, allowed | complained};
  }
  bool DefaultPermits(ir::FacetId facet) const {
    const ir::FacetDefault& fallback = domain_.defaults[facet];
    return !fallback.stated || Permits(fallback.action);
  }

  // Letters that must be granted: of the operations that the policy permits there.  `granted` is what the lines for allows grant.
  void At(const std::vector<uint32_t>& set, bool owner, Asked* wanted, Asked* granted) const {
    for (const char* name : {"file", "exec"}) {
      const ir::FacetId facet = ir::FacetOf(name);
      const Operations operations = OperationsAt(set, owner, facet);
      for (const auto& [of, asked] : {std::pair(operations.permitted, wanted), std::pair(operations.granted, granted)}) {
        const Asked one = AskedOf(facet, of);
        asked->file |= one.file;
        asked->dir |= one.dir;
      }
    }
    for (Asked* asked : {wanted, granted}) *asked = {WithImplied(asked->file), WithImplied(asked->dir)};
    for (const auto& [pattern, letters] : brought_) {
      if (!owner || !std::binary_search(set.begin(), set.end(), pattern)) continue;
      const Asked denied = DeniedAt(set, owner);
      granted->file |= letters.file;
      granted->dir |= letters.dir;
      wanted->file |= static_cast<Letters>(letters.file & ~denied.file);
      wanted->dir |= static_cast<Letters>(letters.dir & ~denied.dir);
    }
  }

  // Letters of which some operation is refused by a rule.
  Asked DeniedAt(const std::vector<uint32_t>& set, bool owner) const {
    Asked denied;
    for (const uint32_t id : RulesAt(set)) {
      const Rule& rule = domain_.rules[id];
      if (!IsFile(rule) || rule.effect != Effect::kDeny || !rule.integers.empty() || !Matches(rule, set, owner)) continue;
      const Asked one = AskedOf(rule);
      denied.file |= WithImplied(one.file);
      denied.dir |= WithImplied(one.dir);
    }
    return denied;
  }

  // Over all names that the rule matches: letters that some of them need, and that some of them have and must not.
  struct Over {
    Asked needed_somewhere;
    Asked extra_somewhere;
    Asked needed_everywhere{0xff, 0xff};
  };
  Over Survey(const Rule& rule) const {
    Over over;
    for (const std::vector<uint32_t>& set : sets_) {
      for (const bool owner : {true, false}) {
        if (!Matches(rule, set, owner)) continue;
        Asked wanted;
        Asked granted;
        At(set, owner, &wanted, &granted);
        over.needed_somewhere.file |= wanted.file;
        over.needed_somewhere.dir |= wanted.dir;
        over.needed_everywhere.file &= wanted.file;
        over.needed_everywhere.dir &= wanted.dir;
        over.extra_somewhere.file |= static_cast<Letters>(granted.file & ~wanted.file);
        over.extra_somewhere.dir |= static_cast<Letters>(granted.dir & ~wanted.dir);
      }
    }
    return over;
  }

  void Deny(const Rule& rule) {
    const Asked asked = AskedOf(rule);
    const Over over = Survey(rule);
    Asked taken{static_cast<Letters>(WithImplied(asked.file) & over.extra_somewhere.file), static_cast<Letters>(WithImplied(asked.dir) & over.extra_somewhere.dir)};
    // The word for writing refuses appending as well, which `complain` may permit.
    if ((WithImplied(taken.file) & over.needed_somewhere.file) != 0 || (WithImplied(taken.dir) & over.needed_somewhere.dir) != 0) {
      profile_.problems.push_back({rule.id, "AppArmor cannot refuse this at some of the names only: another rule permits an operation that asks for the same permission at others of them"});
      return;
    }
    if (taken.file == 0 && taken.dir == 0) return;
    // `audit deny`: refused and recorded, as a name that no rule mentions; `deny` alone would be silent.
    if (IsExec(rule)) {
      AddExec("audit deny ", rule, "x", "");
    } else {
      AddNames("audit deny ", rule, taken);
    }
  }

  // A record is kept, or not, of a letter as a whole: what holds at some of the rule's names only cannot be said.
  void Quiet(const Rule& rule) {
    Asked asked = AskedOf(rule);
    const Over over = Survey(rule);
    // What is granted at every one of them is refused at none.
    asked.file &= static_cast<Letters>(~over.needed_everywhere.file);
    asked.dir &= static_cast<Letters>(~over.needed_everywhere.dir);
    if (asked.file == 0 && asked.dir == 0) return;
    if ((WithImplied(asked.file) & over.needed_somewhere.file) != 0 || (WithImplied(asked.dir) & over.needed_somewhere.dir) != 0) {
      profile_.problems.push_back({rule.id, "AppArmor cannot be silent of this: a rule permits an operation that asks for the same permission at some of the names"});
    } else if (IsExec(rule)) {
      AddExec("deny ", rule, "x", "");
    } else {
      AddNames("deny ", rule, asked);
    }
  }

  void Audit(const Rule& rule) {
    // What is permitted of it is recorded; refusals are anyway.
    Asked somewhere;
    Asked everywhere{0xff, 0xff};
    for (const std::vector<uint32_t>& set : sets_) {
      for (const bool owner : {true, false}) {
        if (!Matches(rule, set, owner)) continue;
        const Asked here = AskedOf(rule.facet, rule.operations & OperationsAt(set, owner, rule.facet).permitted);
        somewhere = {static_cast<Letters>(somewhere.file | here.file), static_cast<Letters>(somewhere.dir | here.dir)};
        everywhere = {static_cast<Letters>(everywhere.file & here.file), static_cast<Letters>(everywhere.dir & here.dir)};
      }
    }
    if (somewhere.file == 0 && somewhere.dir == 0) return;
    if (somewhere.file != everywhere.file || somewhere.dir != everywhere.dir) {
      profile_.problems.push_back({rule.id, "AppArmor can record this only where it grants it, and not all of the names are granted: name what is permitted"});
    } else if (IsExec(rule)) {
      std::string target;
      const std::string exec = ExecText(rule, &target);
      AddExec("audit ", rule, exec, target);
    } else {
      AddNames("audit ", rule, somewhere);
    }
  }

  // --- what becomes of a process

  static std::string TransitionOf(const Rule& rule) {
    const auto it = rule.texts.find("transition");
    const std::string as = it == rule.texts.end() ? "self" : fmt::format("{}", fmt::join(it->second, ", "));
    return as == "self" || !rule.keeps_environment ? as : as + " unscrubbed_danger";
  }
  // True where each name that the inner rule matches is one of the outer's.
  bool Contains(const Rule& outer, const Rule& inner) const {
    return std::all_of(sets_.begin(), sets_.end(), [&](const auto& set) { return !Matches(inner, set, true) || Matches(outer, set, true); });
  }

  // Of several lines that let a name run, the parser takes the one without a glob, and refuses a profile in which two others, or two
  // such, say different things.  We take the innermost rule (6.5).
  void CheckTransitions() {
    const std::string by_default = DefaultPermits(ir::FacetOf("exec")) ? "self" : "";
    for (const std::vector<uint32_t>& set : sets_) {
      std::set<std::string> literal;
      std::set<std::string> globbed;
      if (!by_default.empty()) globbed.insert(by_default);
      const Rule* inner = nullptr;
      for (const uint32_t id : RulesAt(set)) {
        const Rule& rule = domain_.rules[id];
        if (!IsExec(rule) || rule.texts.count("label") != 0 || (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain)) continue;
        for (const uint32_t pattern : rule_patterns_.at(id)) {
          if (std::binary_search(set.begin(), set.end(), pattern)) (ir::IsLiteral(patterns_[pattern]) ? literal : globbed).insert(TransitionOf(rule));
        }
        if (inner == nullptr || (Contains(*inner, rule) && !Contains(rule, *inner))) inner = &rule;
      }
      if (inner == nullptr || literal.size() + globbed.size() < 2) continue;
      const std::set<std::string>& taken = literal.empty() ? globbed : literal;
      if (taken.size() == 1 && *taken.begin() == TransitionOf(*inner)) continue;
      profile_.problems.push_back({inner->id, "AppArmor cannot say that some of the names run as one thing and others as another where their patterns overlap: name the inner one without wildcards, or keep them apart"});
    }
  }

  const ir::Policy& policy_;
  const ir::Domain& domain_;
  const ir::OperationSet kMapExec = MapExec();
  Profile& profile_;
  std::vector<std::pair<uint32_t, Asked>> brought_;  // by the parser: pattern, to its owner
  std::vector<std::string> patterns_;
  std::map<uint32_t, std::vector<uint32_t>> rule_patterns_;  // rule -> its patterns
  std::vector<std::vector<uint32_t>> users_;                 // pattern -> its rules
  std::vector<std::vector<uint32_t>> sets_;
};

}  // namespace

void LowerFiles(const ir::Policy& policy, const ir::Domain& domain, Profile& profile) { FileLowering(policy, domain, profile).Run(); }

}  // namespace ravelin::apparmor
