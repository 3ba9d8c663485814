// Links: pairs of a new name and an old one, which nothing but `link` asks for.
#include <fmt/format.h>

#include <algorithm>

#include "backends/apparmor/glob.h"
#include "backends/apparmor/lower.h"
#include "compiler/ir/boxes.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

class LinkLowering {
 public:
  LinkLowering(const ir::Domain& domain, Profile& profile) : domain_(domain), profile_(profile), facet_(ir::FacetOf("file")) {
    const auto& operations = kernel::Facets()[facet_].operations;
    operation_ = static_cast<int>(std::find(operations.begin(), operations.end(), "link") - operations.begin());
  }

  void Run() {
    for (const Rule& rule : domain_.rules) {
      if (rule.facet == facet_ && (rule.operations >> operation_ & 1) != 0 && rule.texts.count("label") == 0 && rule.effect != Effect::kNever) rules_.push_back(&rule);
    }
    const ir::FacetDefault& fallback = domain_.defaults[facet_];
    if (!fallback.stated || Permits(fallback.action)) profile_.lines.push_back({"link /** -> /**", fallback.stated ? fallback.from.place : ""});
    for (const Rule* rule : rules_) {
      if (rule->effect == Effect::kAllow) Add("", *rule);
      if (rule->effect == Effect::kComplain) Add("audit ", *rule);
    }
    const bool plain = std::all_of(rules_.begin(), rules_.end(), [](const Rule* rule) { return rule->effect == Effect::kAllow; });
    if (!plain && !FindPermitted()) return;
    for (const Rule* rule : rules_) {
      if (rule->effect == Effect::kDeny) Deny(*rule);
      if (rule->effect == Effect::kQuiet) Quiet(*rule);
      if (rule->effect == Effect::kAudit) Audit(*rule);
    }
    CheckSubsets();
  }

 private:
  void Problem(const Rule& rule, std::string message) { profile_.problems.push_back({rule.id, std::move(message)}); }

  std::vector<std::string> Globs(const Rule& rule, const std::string& attribute) {
    const auto stated = rule.texts.find(attribute);
    if (stated == rule.texts.end()) return {"/**"};
    std::vector<std::string> out;
    for (const std::string& pattern : stated->second) {
      const auto globs = PlainGlobs(pattern);
      if (!globs) Problem(rule, globs.error().message);
      if (globs && pattern != "/") out.insert(out.end(), globs->begin(), globs->end());
    }
    return out;
  }

  // `l` beside a name would ask for a subset of permissions.
  void Add(const std::string& prefix, const Rule& rule) {
    const std::vector<std::string> old_names = Globs(rule, "target");
    for (const std::string& name : Globs(rule, "path")) {
      for (const std::string& old_name : old_names) profile_.lines.push_back({fmt::format("{}{}link {}{} -> {}", prefix, rule.owner_only ? "owner " : "", rule.integers.count("subset") != 0 ? "subset " : "", Quote(name), Quote(old_name)), rule.from.place});
    }
  }

  // What is permitted, and what would be without the rules that refuse.
  bool FindPermitted() {
    ir::Domain undenied = domain_;
    std::erase_if(undenied.rules, [](const Rule& rule) { return rule.effect == Effect::kDeny; });
    auto permitted = ir::PermittedOf(domain_, facet_, operation_);
    auto allowed = ir::PermittedOf(undenied, facet_, operation_);
    if (!permitted || !allowed) {
      profile_.problems.push_back({kNoRule, (permitted ? allowed : permitted).error().message});
      return false;
    }
    permitted_ = std::move(*permitted);
    allowed_ = std::move(*allowed);
    return true;
  }

  // Whether some, or all, of the rule's links are in the boxes.
  enum class Share { kNone,
                     kSome,
                     kAll };
  Share ShareOf(const Rule& rule, const ir::Boxes& boxes) {
    const auto own = ir::BoxOf(rule, operation_);
    const auto left = own ? ir::Minus(ir::Boxes{*own}, boxes) : Result<ir::Boxes>(tl::make_unexpected(own.error()));
    const auto inside = left ? ir::Minus(ir::Boxes{*own}, *left) : left;
    if (!inside) Problem(rule, inside.error().message);
    return !inside || inside->empty() ? Share::kNone : left->empty() ? Share::kAll
                                                                     : Share::kSome;
  }

  void Deny(const Rule& rule) {
    const auto taken = ir::Minus(allowed_, permitted_);
    if (!taken) return Problem(rule, taken.error().message);
    if (ShareOf(rule, *taken) == Share::kNone) return;
    // `complain` beats `deny` (2.3).
    if (ShareOf(rule, permitted_) != Share::kNone) return Problem(rule, "AppArmor cannot refuse these links at some of the names only: another rule permits them at others");
    if (rule.integers.count("subset") != 0) return Problem(rule, "AppArmor cannot refuse links by what their names' permissions have in common");
    // Recorded, as what no rule mentions.
    Add("audit deny ", rule);
  }

  // A link is asked of its new name, then of both; `deny` takes from the second only, and silences that one only: so that the first is
  // never refused (and recorded), it is granted.
  void Quiet(const Rule& rule) {
    if (ShareOf(rule, permitted_) != Share::kNone) return Problem(rule, "AppArmor cannot be silent of this: a rule permits some of these links");
    if (rule.integers.count("subset") != 0) return Problem(rule, "AppArmor cannot tell links by what their names' permissions have in common where it refuses them");
    Add("", rule);
    Add("deny ", rule);
  }

  void Audit(const Rule& rule) {
    const Share share = ShareOf(rule, permitted_);
    if (share == Share::kNone) return;
    if (share == Share::kSome) return Problem(rule, "AppArmor can record this only where it grants it, and not all of the links are granted: name what is permitted");
    Add("audit ", rule);
  }

  // Where two rules let one link pass, the subset is asked for if one of them says so.
  void CheckSubsets() {
    for (const Rule* rule : rules_) {
      if (rule->effect != Effect::kAllow || rule->integers.count("subset") == 0) continue;
      for (const Rule* other : rules_) {
        if (other->effect != Effect::kAllow || other->integers.count("subset") != 0) continue;
        const auto own = ir::BoxOf(*other, operation_);
        if (own && ShareOf(*rule, {*own}) != Share::kNone) Problem(*rule, "another rule lets some of these links pass whatever the permissions of their names, and AppArmor would ask for the subset all the same");
      }
    }
  }

  const ir::Domain& domain_;
  Profile& profile_;
  const ir::FacetId facet_;
  int operation_ = 0;
  std::vector<const Rule*> rules_;
  ir::Boxes permitted_;
  ir::Boxes allowed_;
};

}  // namespace

void LowerLinks(const ir::Domain& domain, Profile& profile) { LinkLowering(domain, profile).Run(); }

}  // namespace ravelin::apparmor
