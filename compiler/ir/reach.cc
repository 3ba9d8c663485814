#include "compiler/ir/reach.h"

#include <map>

#include "compiler/base/check.h"
#include "compiler/ir/boxes.h"

namespace ravelin::ir {
namespace {

class Search {
 public:
  explicit Search(const Policy& policy) : policy_(policy), reached_(policy.domains.size(), false) {
    for (size_t i = 0; i < policy.domains.size(); ++i) {
      by_name_.emplace(policy.domains[i].name, i);
      by_pattern_.emplace(LiteralPattern(QualifiedName(policy.domains[i])), i);
    }
  }

  Reach From(size_t start) {
    Visit(start);
    while (!open_.empty()) {
      const size_t next = open_.back();
      open_.pop_back();
      Leave(next);
    }
    for (size_t i = 0; i < reached_.size(); ++i) {
      if (reached_[i] && i != start) reach_.domains.push_back(i);
    }
    return std::move(reach_);
  }

 private:
  void Visit(size_t domain) {
    if (reached_[domain]) return;
    reached_[domain] = true;
    open_.push_back(domain);
  }

  void Outside(const Provenance& by, bool unconfined) {
    if (reach_.outside && (reach_.unconfined || !unconfined)) return;
    reach_.outside = by.place;
    reach_.unconfined = unconfined;
  }

  void Leave(size_t index) {
    const Domain& domain = policy_.domains[index];
    const FacetId changes = FacetOf("domain");
    const FacetDefault& fallback = domain.defaults[changes];
    if (fallback.stated && Permits(fallback.action)) Outside(fallback.from, false);
    for (size_t i = 0; i < policy_.domains.size(); ++i) {
      const Domain& other = policy_.domains[i];
      if ((other.hat && other.parent == domain.name) || (domain.hat && domain.parent == other.name)) Visit(i);
    }
    for (const Rule& rule : domain.rules) {
      if (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain) continue;
      if (const auto at = rule.texts.find("transition"); at != rule.texts.end()) {
        for (const std::string& outcome : at->second) Exec(rule, outcome);
      }
      if (rule.facet == changes) Change(rule);
    }
  }

  void Exec(const Rule& rule, const std::string& outcome) {
    if (outcome == "self") return;
    const auto named = by_name_.find(outcome);
    if (named != by_name_.end()) return Visit(named->second);
    Outside(rule.from, outcome == "unconfined_danger");
  }

  void Change(const Rule& rule) {
    const auto to = rule.texts.find("to");
    if (to == rule.texts.end()) return Outside(rule.from, false);
    for (const std::string& pattern : to->second) {
      const auto named = by_pattern_.find(pattern);
      if (named == by_pattern_.end()) {
        Outside(rule.from, false);
      } else {
        Visit(named->second);
      }
    }
  }

  const Policy& policy_;
  std::vector<bool> reached_;
  std::vector<size_t> open_;
  std::map<std::string, size_t> by_name_;
  std::map<std::string, size_t> by_pattern_;
  Reach reach_;
};

}  // namespace

Reach ReachOf(const Policy& policy, size_t from) {
  RAVELIN_CHECK(from < policy.domains.size(), "a domain of another policy");
  return Search(policy).From(from);
}

}  // namespace ravelin::ir
