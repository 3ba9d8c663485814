#include "backends/seccomp/filter_spec.h"

#include <algorithm>

namespace ravelin::seccomp {

ir::Predicate PermittedBy(const CallAnswer& call) {
  std::vector<ir::Predicate> permitted;
  std::vector<ir::Predicate> earlier;
  for (const Clause& clause : call.clauses) {
    if (Permits(clause.action)) permitted.push_back(ir::Predicate::And({clause.when, ir::Predicate::Not(ir::Predicate::Or(earlier))}));
    earlier.push_back(clause.when);
  }
  return ir::Predicate::Or(std::move(permitted));
}

const CallAnswer* AnswerOf(const FilterSpec& spec, kernel::Arch arch, uint32_t number) {
  for (const ArchSpec& one : spec.arches) {
    if (one.arch != arch) continue;
    const auto it = std::lower_bound(one.calls.begin(), one.calls.end(), number, [](const auto& call, uint32_t n) { return call.number < n; });
    if (it != one.calls.end() && it->number == number) return &*it;
  }
  return nullptr;
}

}  // namespace ravelin::seccomp
