// Mounts: the automaton's class of mounts against the policy.
//
// What the kernel walks over (security/apparmor/mount.c, 6.1): the mount point alone (umount); the new root, a NUL, the old one
// (pivot_root); mount point, source and type with a NUL behind each, then the numbers of the flags that are set, plus one, ascending
// (mount; do_match_mnt, match_mnt_flags), and where the state there says that it goes on (AA_MNT_CONT_MATCH), a NUL and the mount's data.
// Each is asked at the end of its walk.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "backends/apparmor/prove/prove.h"
#include "compiler/ir/automaton.h"
#include "compiler/ir/boxes.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/kernel/mount_flags.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

// AA_MAY_MOUNT, AA_MAY_UMOUNT, AA_MAY_PIVOTROOT, AA_MNT_CONT_MATCH: security/apparmor/include/mount.h.
constexpr uint32_t kMount = 0x02, kUmount = 0x04, kPivotRoot = 0x01, kGoesOn = 0x40;
constexpr size_t kMostValues = 1024;

// One rule's word on one permission.
struct Claim {
  uint32_t bit = 0;
  bool allows = true;
  bool file = true;  // mount points that are files, directories
  bool directory = true;
  std::vector<uint32_t> on, from, type;        // patterns of the maps below; 0 stands for whatever
  std::optional<std::vector<uint32_t>> flags;  // nullopt: any
};
using Claims = std::vector<const Claim*>;

class Mounts {
 public:
  Mounts(const ir::Domain& domain, const CompiledProfile& profile, uint32_t start) : domain_(domain), dfa_(*profile.policy), start_(start) {}

  Difference Run() {
    RAVELIN_TRY(read, Read());
    if (!read) return Fail(ErrorCode::kTooLarge, "the sets of flags of the mount rules are too many");
    RAVELIN_TRY(on, ir::CompilePatterns(on_patterns_));
    RAVELIN_TRY(from, ir::CompilePatterns(from_patterns_));
    RAVELIN_TRY(type, ir::CompilePatterns(type_patterns_));
    on_ = std::move(on);
    from_ = std::move(from);
    type_ = std::move(type);
    return Points();
  }

 private:
  Result<bool> Read() {
    const ir::FacetId facet = ir::FacetOf("mount");
    const kernel::FacetInfo& info = kernel::Facets()[facet];
    const ir::FacetDefault& fallback = domain_.defaults[facet];
    for (size_t i = 0; i < info.operations.size(); ++i) {
      for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", "mount", info.operations[i])) {
        if (row->object_class.empty()) continue;
        const uint32_t bit = row->permissions.front() == "mount" ? kMount : row->permissions.front() == "umount" ? kUmount
                                                                                                                 : kPivotRoot;
        // A rule that refuses takes away whole operations, or nothing that another permits.
        RAVELIN_TRY(permitted, ir::PermittedOf(domain_, facet, static_cast<int>(i)));
        if (permitted.empty()) continue;
        if (!fallback.stated || Permits(fallback.action)) claims_.push_back({bit, true, true, true, {0}, {0}, {0}, std::nullopt});
        for (const Rule& rule : domain_.rules) {
          if (rule.facet != facet || (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain) || (rule.operations >> i & 1) == 0) continue;
          const auto has = [&](const std::string& attribute) { return (rule.texts.count(attribute) != 0 || rule.integers.count(attribute) != 0) && !kernel::OperationLacks("mount", info.operations[i], attribute); };
          Claim claim{bit, true, true, true, {0}, {0}, {0}, std::nullopt};
          if (has("kind")) claim.file = rule.integers.at("kind").Contains(0);
          if (has("kind")) claim.directory = rule.integers.at("kind").Contains(1);
          if (has("on")) claim.on = Indices(on_patterns_, rule.texts.at("on"));
          if (has("from")) claim.from = Indices(from_patterns_, rule.texts.at("from"));
          if (has("fstype")) {
            std::vector<std::string> literal;
            for (const std::string& type : rule.texts.at("fstype")) literal.push_back(ir::LiteralPattern(type));
            claim.type = Indices(type_patterns_, literal);
          }
          if (has("flags") && !ReadFlags(rule.integers.at("flags"), claim)) return false;
          claims_.push_back(std::move(claim));
        }
        RAVELIN_TRY(clear, DenialsAreClear(facet, static_cast<int>(i), permitted));
        if (!clear) return Fail(ErrorCode::kTooLarge, "a rule refuses some of the mounts that another permits");
      }
    }
    return true;
  }

  // False where what rules refuse is part of what others permit.
  Result<bool> DenialsAreClear(ir::FacetId facet, int operation, const ir::Boxes& permitted) const {
    ir::Domain undenied = domain_;
    std::erase_if(undenied.rules, [](const Rule& rule) { return rule.effect == Effect::kDeny; });
    RAVELIN_TRY(allowed, ir::PermittedOf(undenied, facet, operation));
    RAVELIN_TRY(taken, ir::Minus(allowed, permitted));
    return taken.empty();
  }

  static std::vector<uint32_t> Indices(std::vector<std::string>& patterns, const std::vector<std::string>& own) {
    std::vector<uint32_t> out;
    for (const std::string& pattern : own) {
      out.push_back(static_cast<uint32_t>(patterns.size()));
      patterns.push_back(pattern);
    }
    return out;
  }

  static bool ReadFlags(const ir::IntervalSet& set, Claim& claim) {
    std::set<uint32_t> values;
    for (const ir::Interval& interval : set.intervals()) {
      if (interval.hi - interval.lo >= kMostValues || values.size() >= kMostValues) return false;
      for (uint64_t value = interval.lo;; ++value) {
        if (const auto asked = kernel::AskedMountFlags(value)) values.insert(*asked);
        if (value == interval.hi) break;
      }
    }
    claim.flags = std::vector<uint32_t>(values.begin(), values.end());
    return true;
  }

  uint32_t Step(uint32_t state, unsigned byte) const { return dfa_.Step(state, static_cast<uint8_t>(byte)); }
  uint32_t Bits(uint32_t state) const { return PolicyAllow(dfa_, state); }

  static Claims Among(const Claims& claims, std::vector<uint32_t> Claim::*member, const std::vector<uint32_t>& set) {
    Claims out;
    for (const Claim* claim : claims) {
      const std::vector<uint32_t>& own = claim->*member;
      if (own.front() == 0 || std::any_of(own.begin(), own.end(), [&](uint32_t p) { return std::binary_search(set.begin(), set.end(), p); })) out.push_back(claim);
    }
    return out;
  }
  static bool Any(const Claims& claims, uint32_t bit) {
    return std::any_of(claims.begin(), claims.end(), [&](const Claim* claim) { return claim->bit == bit; });
  }

  // Every mount point, as a file and as a directory with its slash.
  std::optional<std::string> Points() {
    Claims all;
    for (const Claim& claim : claims_) all.push_back(&claim);
    struct Place {
      uint32_t names, state;
      bool slash;
      std::string name;
    };
    std::vector<Place> work = {{on_.automaton.Step(0, '/'), Step(start_, '/'), true, "/"}};
    std::set<std::tuple<uint32_t, uint32_t, bool>> seen;
    std::set<std::tuple<uint32_t, uint32_t, bool>> judged;
    for (size_t i = 0; i < work.size(); ++i) {
      const Place place = work[i];
      const uint32_t label = on_.automaton.label[place.names];
      for (const bool directory : {false, true}) {
        if (place.slash && !(directory && i == 0)) continue;
        const uint32_t state = directory && i != 0 ? Step(place.state, '/') : place.state;
        if (!judged.emplace(label, state, directory).second) continue;
        Claims here = Among(all, &Claim::on, on_.sets[label]);
        std::erase_if(here, [&](const Claim* claim) { return !(directory ? claim->directory : claim->file); });
        if (auto wrong = At(here, state)) return fmt::format("{}{}: {}", place.name, directory && i != 0 ? "/" : "", *wrong);
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && place.slash) continue;
        Place next{on_.automaton.Step(place.names, static_cast<uint8_t>(byte)), Step(place.state, byte), byte == '/', ""};
        if (!seen.emplace(next.names, next.state, next.slash).second) continue;
        next.name = place.name + static_cast<char>(byte);
        work.push_back(std::move(next));
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> At(const Claims& claims, uint32_t state) {
    if (((Bits(state) & kUmount) != 0) != Any(claims, kUmount)) return Said("umount", Any(claims, kUmount));
    return OverTexts(from_, Step(state, 0), [&](uint32_t from, uint32_t at) -> std::optional<std::string> {
      const Claims here = Among(claims, &Claim::from, from_.sets[from]);
      if (((Bits(at) & kPivotRoot) != 0) != Any(here, kPivotRoot)) return Said("pivot_root", Any(here, kPivotRoot));
      Claims mounts = here;
      std::erase_if(mounts, [](const Claim* claim) { return claim->bit != kMount; });
      if (!sources_.emplace(mounts, Step(at, 0)).second) return std::nullopt;
      return OverTexts(type_, Step(at, 0), [&](uint32_t type, uint32_t behind) { return Flags(Among(mounts, &Claim::type, type_.sets[type]), Step(behind, 0)); });
    });
  }

  static std::string Said(const char* what, bool wanted) { return fmt::format("{}: the policy {} it, the profile does {}", what, wanted ? "grants" : "refuses", wanted ? "not" : "grant it"); }

  // Every text, the empty one included, beside a walk through the profile.
  std::optional<std::string> OverTexts(const ir::PatternAutomaton& map, uint32_t begin, const std::function<std::optional<std::string>(uint32_t, uint32_t)>& judge) const {
    std::vector<std::pair<uint32_t, uint32_t>> work = {{0, begin}};
    std::set<std::pair<uint32_t, uint32_t>> seen = {work.front()};
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [names, state] = work[i];
      if (auto wrong = judge(map.automaton.label[names], state)) return wrong;
      for (unsigned byte = 1; byte < 256; ++byte) {
        const std::pair<uint32_t, uint32_t> next = {map.automaton.Step(names, static_cast<uint8_t>(byte)), Step(state, byte)};
        if (seen.insert(next).second) work.push_back(next);
      }
    }
    return std::nullopt;
  }

  // Every set of flags.  What is left of a claim's sets once the flags so far are taken from them decides what is wanted from there.
  std::optional<std::string> Flags(const Claims& claims, uint32_t begin) {
    if (!flagged_.emplace(claims, begin).second) return std::nullopt;
    bool any = false;
    std::vector<uint32_t> sets;
    for (const Claim* claim : claims) {
      any |= !claim->flags;
      if (claim->flags) sets.insert(sets.end(), claim->flags->begin(), claim->flags->end());
    }
    struct Place {
      uint32_t state;
      unsigned least;
      std::vector<uint32_t> left;
      uint32_t flags;
    };
    std::vector<Place> work = {{begin, 0, std::move(sets), 0}};
    std::set<std::tuple<uint32_t, unsigned, std::vector<uint32_t>>> seen;
    for (size_t i = 0; i < work.size(); ++i) {
      const Place place = work[i];
      const uint32_t got = Bits(place.state);
      const bool wanted = any || std::find(place.left.begin(), place.left.end(), 0u) != place.left.end();
      if (((got & kMount) != 0) != wanted) return Said(fmt::format("mount with flags {:#x}", place.flags).c_str(), wanted);
      if (!wanted && (got & kGoesOn) != 0) return fmt::format("mount with flags {:#x}: the profile lets the mount's data decide", place.flags);
      for (unsigned bit = place.least; bit < 32; ++bit) {
        Place next{Step(place.state, bit + 1), bit + 1, {}, place.flags | uint32_t{1} << bit};
        for (const uint32_t set : place.left) {
          if (set != 0 && (set & (~set + 1)) == uint32_t{1} << bit) next.left.push_back(set & (set - 1));
        }
        std::sort(next.left.begin(), next.left.end());
        next.left.erase(std::unique(next.left.begin(), next.left.end()), next.left.end());
        if (seen.emplace(next.state, next.least, next.left).second) work.push_back(std::move(next));
      }
    }
    return std::nullopt;
  }

  const ir::Domain& domain_;
  const Dfa& dfa_;
  const uint32_t start_;
  std::vector<Claim> claims_;
  std::vector<std::string> on_patterns_ = {"**"}, from_patterns_ = {"**"}, type_patterns_ = {"**"};
  ir::PatternAutomaton on_, from_, type_;
  std::set<std::pair<Claims, uint32_t>> sources_, flagged_;
};

}  // namespace

Difference ProveMounts(const ir::Domain& domain, const CompiledProfile& profile, const std::string& features) {
  if (!kernel::HasApparmorFeature(features, "mount")) return std::optional<std::string>();
  const uint32_t start = profile.policy ? profile.policy->Step(profile.policy_start, static_cast<uint8_t>(PolicyClass::kMount)) : Dfa::kDead;
  if (start == Dfa::kDead) return std::optional<std::string>("the profile does not mediate mounts");
  return Mounts(domain, profile, start).Run();
}

}  // namespace ravelin::apparmor
