// Changes of profile that a process asks for itself: names of profiles in the automaton of names.
//
// The kernel (security/apparmor/domain.c, 6.1) asks for the name of the profile: one permission to change at once, one to change at an
// exec.  At the exec it asks the second of the program, and of the program, a NUL and the name of the profile; there it also finds
// whether the environment is kept.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "backends/apparmor/prove/prove.h"
#include "compiler/ir/automaton.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

constexpr uint32_t kChangeProfile = 1u << 31, kOnExec = 1u << 30;
constexpr int kChange = 0, kAtExec = 1;  // operations (facets.tsv)

class Changes {
 public:
  Changes(const ir::Domain& domain, const CompiledProfile& profile) : domain_(domain), profile_(profile), facet_(ir::FacetOf("domain")) {}

  Difference Run() {
    const bool permits = Open() || std::any_of(domain_.rules.begin(), domain_.rules.end(), [&](const Rule& rule) { return rule.facet == facet_ && rule.effect == Effect::kAllow && rule.texts.count("label") == 0; });
    if (auto odd = Odd(permits)) return odd;
    if (!permits) return std::optional<std::string>();
    std::vector<std::string> targets = {"**"};
    std::vector<std::string> programs = {"/**"};
    for (const Rule& rule : domain_.rules) {
      if (rule.facet != facet_ || (rule.effect != Effect::kAllow && rule.effect != Effect::kDeny) || rule.texts.count("label") != 0) continue;
      rules_.push_back({&rule, Add(rule, "to", targets), Add(rule, "path", programs)});
    }
    RAVELIN_TRY(target_map, ir::CompilePatterns(targets));
    RAVELIN_TRY(program_map, ir::CompilePatterns(programs));
    targets_ = std::move(target_map);
    programs_ = std::move(program_map);
    if (auto wrong = AtOnce()) return wrong;
    return AtExecs();
  }

 private:
  struct Stated {
    const Rule* rule;
    std::vector<uint32_t> targets, programs;  // indices of patterns
  };
  struct Answer {
    bool permitted = false;
    bool kept = false;
  };

  static std::vector<uint32_t> Add(const Rule& rule, const std::string& attribute, std::vector<std::string>& patterns) {
    const auto stated = rule.texts.find(attribute);
    if (stated == rule.texts.end()) return {0};
    std::vector<uint32_t> indices;
    for (const std::string& pattern : stated->second) {
      indices.push_back(static_cast<uint32_t>(patterns.size()));
      patterns.push_back(pattern);
    }
    return indices;
  }

  bool Open() const { return domain_.defaults[facet_].stated && Permits(domain_.defaults[facet_].action); }
  // Bits that no question of the kernel's is about, and all of them where the policy permits no change.
  std::optional<std::string> Odd(bool permits) const {
    if (!profile_.files) return std::nullopt;
    std::vector<std::pair<uint32_t, bool>> work = {{profile_.files_start, false}};  // with whether a NUL was passed
    std::vector<bool> seen(2 * profile_.files->size(), false);
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [state, behind] = work[i];
      const uint32_t allowed = !permits ? 0 : behind ? kOnExec
                                                     : kOnExec | kChangeProfile;
      if ((profile_.files->accept(state) & 0xf0000000u & ~allowed) != 0) return std::string("the profile grants a change of profile");
      for (unsigned byte = 0; byte < 256; ++byte) {
        const std::pair<uint32_t, bool> next = {Step(state, byte), behind || byte == 0};
        const size_t at = 2 * size_t{next.first} + (next.second ? 1 : 0);
        if (!seen[at]) work.push_back(next);
        seen[at] = true;
      }
    }
    return std::nullopt;
  }

  uint32_t Step(uint32_t state, unsigned byte) const { return profile_.files ? profile_.files->Step(state, static_cast<uint8_t>(byte)) : Dfa::kDead; }
  bool Has(uint32_t state, uint32_t bit) const { return profile_.files && (profile_.files->accept(state) & bit) != 0; }

  Answer Decide(int operation, uint32_t target, uint32_t program) const {
    Answer answer{Open(), false};
    bool denied = false;
    const auto meets = [](const std::vector<uint32_t>& own, const std::vector<uint32_t>& set) {
      return std::any_of(own.begin(), own.end(), [&](uint32_t p) { return std::binary_search(set.begin(), set.end(), p); });
    };
    for (const Stated& stated : rules_) {
      const Rule& rule = *stated.rule;
      if ((rule.operations >> operation & 1) == 0 || !meets(stated.targets, targets_.sets[target])) continue;
      if (operation == kAtExec && !meets(stated.programs, programs_.sets[program])) continue;
      denied |= rule.effect == Effect::kDeny;
      answer.permitted |= rule.effect == Effect::kAllow;
      answer.kept |= rule.effect == Effect::kAllow && rule.keeps_environment;
    }
    answer.permitted &= !denied;
    return answer;
  }

  // Every name of a profile, beside as many walks through the profile as there are beginnings; `judge` sees what the name matches and
  // where the walks have come.
  template <size_t N, typename Judge>
  std::optional<std::string> OverNames(const std::array<uint32_t, N>& begins, const Judge& judge) const {
    struct Place {
      uint32_t names;
      std::array<uint32_t, N> states;
      std::string name;
    };
    std::vector<Place> work = {{0, begins, ""}};
    std::set<std::pair<uint32_t, std::array<uint32_t, N>>> seen;
    for (size_t i = 0; i < work.size(); ++i) {
      const Place place = work[i];
      if (i != 0) {
        if (auto wrong = judge(targets_.automaton.label[place.names], place.states, place.name)) return wrong;
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        Place next{targets_.automaton.Step(place.names, static_cast<uint8_t>(byte)), {}, ""};
        for (size_t k = 0; k < N; ++k) next.states[k] = Step(place.states[k], byte);
        if (!seen.emplace(next.names, next.states).second) continue;
        next.name = place.name + static_cast<char>(byte);
        work.push_back(std::move(next));
      }
    }
    return std::nullopt;
  }

  uint32_t Start() const { return profile_.files ? profile_.files_start : Dfa::kDead; }

  std::optional<std::string> AtOnce() const {
    return OverNames(std::array<uint32_t, 1>{Start()}, [&](uint32_t target, const auto& states, const std::string& name) -> std::optional<std::string> {
      const bool wanted = Decide(kChange, target, 0).permitted;
      if (wanted == Has(states[0], kChangeProfile)) return std::nullopt;
      return fmt::format("changing to {}: the policy {} it, the profile does {}", name, wanted ? "grants" : "refuses", wanted ? "not" : "grant it");
    });
  }

  std::optional<std::string> AtExecs() const {
    struct Place {
      uint32_t names, state;
      bool slash;
      std::string name;
    };
    std::vector<Place> work = {{programs_.automaton.Step(0, '/'), Step(Start(), '/'), true, "/"}};
    std::set<std::tuple<uint32_t, uint32_t, bool>> seen;
    std::set<std::tuple<uint32_t, bool, uint32_t>> judged;
    for (size_t i = 0; i < work.size(); ++i) {
      const Place place = work[i];
      const uint32_t program = programs_.automaton.label[place.names];
      const bool may = Has(place.state, kOnExec);
      if (!place.slash && judged.emplace(program, may, Step(place.state, 0)).second) {
        if (auto wrong = At(program, may, Step(place.state, 0), place.name)) return wrong;
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && place.slash) continue;
        Place next{programs_.automaton.Step(place.names, static_cast<uint8_t>(byte)), Step(place.state, byte), byte == '/', ""};
        if (!seen.emplace(next.names, next.state, next.slash).second) continue;
        next.name = place.name + static_cast<char>(byte);
        work.push_back(std::move(next));
      }
    }
    return std::nullopt;
  }

  // One program, with the state behind its name and a NUL.
  std::optional<std::string> At(uint32_t program, bool may, uint32_t behind, const std::string& path) const {
    return OverNames(std::array<uint32_t, 2>{Start(), behind}, [&](uint32_t target, const auto& states, const std::string& name) -> std::optional<std::string> {
      const Answer wanted = Decide(kAtExec, target, program);
      const bool got = may && Has(states[0], kOnExec) && Has(states[1], kOnExec);
      if (wanted.permitted != got) return fmt::format("changing to {} at the exec of {}: the policy {} it, the profile does {}", name, path, wanted.permitted ? "grants" : "refuses", got ? "grant it" : "not");
      if (!got) return std::nullopt;
      for (const FilePermissions& of : {OwnerPermissions(*profile_.files, states[1]), OtherPermissions(*profile_.files, states[1])}) {
        const bool kept = (of.exec_index & 2) != 0;
        if (kept != wanted.kept) return fmt::format("changing to {} at the exec of {}: the profile {} the environment, the policy does not", name, path, kept ? "keeps" : "scrubs");
      }
      return std::nullopt;
    });
  }

  const ir::Domain& domain_;
  const CompiledProfile& profile_;
  const ir::FacetId facet_;
  std::vector<Stated> rules_;
  ir::PatternAutomaton targets_;
  ir::PatternAutomaton programs_;
};

}  // namespace

Difference ProveDomains(const ir::Domain& domain, const CompiledProfile& profile) { return Changes(domain, profile).Run(); }

}  // namespace ravelin::apparmor
