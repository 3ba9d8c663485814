#include "compiler/ir/booleans.h"

namespace ravelin::ir {

std::set<std::string> BooleansOf(const Policy& policy) {
  std::set<std::string> names;
  for (const Domain& domain : policy.domains) {
    for (const Rule& rule : domain.rules) {
      if (!rule.boolean.empty()) names.insert(rule.boolean);
    }
  }
  return names;
}

Policy WithBooleans(const Policy& policy, const std::set<std::string>& on) {
  Policy out = policy;
  for (Domain& domain : out.domains) domain = WithBooleans(std::move(domain), on);
  return out;
}

Domain WithBooleans(Domain domain, const std::set<std::string>& on) {
  for (Rule& rule : domain.rules) {
    if (!rule.boolean.empty() && on.count(rule.boolean) == 0) rule.operations = 0;
  }
  return domain;
}

}  // namespace ravelin::ir
