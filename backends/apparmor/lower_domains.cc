// Changes of domain by a process itself: change_profile rules.
#include <fmt/format.h>

#include "backends/apparmor/glob.h"
#include "backends/apparmor/lower.h"
#include "compiler/ir/boxes.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

constexpr ir::OperationSet kBoth = 3;  // change, change_at_exec (facets.tsv)
constexpr int kAtExec = 1;

class DomainLowering {
 public:
  DomainLowering(const ir::Domain& domain, Profile& profile) : domain_(domain), profile_(profile) {}

  void Run() {
    const ir::FacetDefault& fallback = domain_.defaults[ir::FacetOf("domain")];
    if (fallback.stated && Permits(fallback.action)) {
      open_ = true;
      profile_.lines.push_back({"change_profile", fallback.from.place});
    }
    for (const Rule& rule : domain_.rules) {
      const bool says = rule.effect == Effect::kAllow || rule.effect == Effect::kDeny;
      if (rule.facet != ir::FacetOf("domain") || !says || rule.texts.count("label") != 0) continue;
      if (rule.operations != kBoth) {
        profile_.problems.push_back({rule.id, "AppArmor lets a process change its profile at once and at an exec, or neither: name both, `{ change, change_at_exec }`"});
        continue;
      }
      (rule.effect == Effect::kAllow ? allows_ : denies_).push_back(&rule);
    }
    for (const Rule* rule : allows_) {
      CheckEnvironment(*rule);
      Lines("", *rule);
    }
    for (const Rule* rule : denies_) {
      if (open_ || !allows_.empty()) profile_.problems.push_back({rule->id, "AppArmor cannot refuse some changes of domain beside others that it permits: a refusal at one exec is one at every exec"});
      // Recorded, as what no rule mentions.
      Lines("audit deny ", *rule);
    }
  }

 private:
  void Lines(const std::string& prefix, const Rule& rule) {
    std::vector<std::string> execs;
    const auto path = rule.texts.find("path");
    for (size_t i = 0; path != rule.texts.end() && i < path->second.size(); ++i) {
      const auto globs = PlainGlobs(path->second[i]);
      if (!globs) return profile_.problems.push_back({rule.id, globs.error().message});
      for (const std::string& glob : *globs) execs.push_back(" " + Quote(glob));
    }
    // Whether the environment is kept can be said of named programs only.
    if (path == rule.texts.end()) execs = {rule.keeps_environment ? " /**" : ""};
    std::vector<std::string> targets;
    const auto to = rule.texts.find("to");
    for (size_t i = 0; to != rule.texts.end() && i < to->second.size(); ++i) {
      const auto glob = TextGlob(to->second[i]);
      if (!glob) return profile_.problems.push_back({rule.id, glob.error().message});
      targets.push_back(" -> " + Quote(*glob));
    }
    if (to == rule.texts.end()) targets = {""};
    for (const std::string& exec : execs) {
      for (const std::string& target : targets) profile_.lines.push_back({fmt::format("{}change_profile{}{}{}", prefix, rule.keeps_environment && rule.effect == Effect::kAllow ? " unsafe" : "", exec, target), rule.from.place});
    }
  }

  // Where rules for named programs meet, they must agree.
  void CheckEnvironment(const Rule& rule) {
    for (const Rule* other : allows_) {
      if (other == &rule) return;
      const bool named = (rule.keeps_environment || rule.texts.count("path") != 0) && (other->keeps_environment || other->texts.count("path") != 0);
      if (!named || other->keeps_environment == rule.keeps_environment) continue;
      const auto a = ir::BoxOf(rule, kAtExec);
      const auto b = ir::BoxOf(*other, kAtExec);
      const auto both = a && b ? ir::Meet(*a, *b) : Result<std::optional<ir::Box>>(tl::make_unexpected(a ? b.error() : a.error()));
      if (!both) profile_.problems.push_back({rule.id, both.error().message});
      if (both && *both) profile_.problems.push_back({rule.id, "another rule keeps the environment at some of these changes, or scrubs it, and AppArmor must be told one of the two"});
    }
  }

  const ir::Domain& domain_;
  Profile& profile_;
  bool open_ = false;
  std::vector<const Rule*> allows_;
  std::vector<const Rule*> denies_;
};

}  // namespace

void LowerDomains(const ir::Domain& domain, Profile& profile) { DomainLowering(domain, profile).Run(); }

}  // namespace ravelin::apparmor
