#include "compiler/driver/gap_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/combine/effective.h"
#include "backends/combine/gaps.h"
#include "backends/seccomp/lower.h"
#include "compiler/driver/compile.h"

namespace ravelin::driver {

std::vector<GapRows> GapRowsOf(Frontend& front) {
  const auto module = LowerSelinux(front, selinux::Form::kStandalone, front.sink);
  std::vector<GapRows> out;
  for (const ir::Domain& domain : front.policy.domains) {
    GapRows& here = out.emplace_back();
    const seccomp::FilterSpec spec = seccomp::Lower(domain);
    combine::Effective effective(domain, spec, FactsOf(front.target), module ? &*module : nullptr);
    std::vector<combine::Gap> all;
    for (const auto& set : domain.layer_sets) {
      if (!module && std::find(set.begin(), set.end(), "selinux") != set.end()) {
        here.not_judged.push_back(fmt::format("{}: the policy cannot be lowered for SELinux; `ravelin compile` says why", fmt::join(set, " + ")));
        continue;
      }
      const auto gaps = combine::FindGaps(effective, set);
      if (!gaps) {
        here.not_judged.push_back(fmt::format("{}: {}", fmt::join(set, " + "), gaps.error().message));
        continue;
      }
      all.insert(all.end(), gaps->begin(), gaps->end());
    }
    here.rows = RowsOf(domain, all);
  }
  return out;
}

}  // namespace ravelin::driver
