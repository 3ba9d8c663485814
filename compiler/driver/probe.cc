#include "compiler/driver/probe.h"

#include <unistd.h>

#include "backends/seccomp/lower.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/verify.h"

namespace ravelin::driver {

Result<std::optional<Probed>> ProbePolicy(Frontend& front, size_t index, const kernels::Setting& setting, Frontend* enforced) {
  const ir::Domain& domain = front.policy.domains[index];
  RAVELIN_TRY(plan, probe::MakePlan(domain, geteuid() == 0));
  RAVELIN_TRY(root, probe::Root::Make(plan));
  Workload workload;
  workload.setting = setting;
  workload.setting.root = root.folder();
  workload.command = {plan.program};
  workload.directory = "/";
  workload.gaps = GapsAre::kWarnings;
  RAVELIN_TRY(request, PrepareVerification(enforced != nullptr ? *enforced : front, index, workload));
  if (!request) return std::optional<Probed>();
  const auto module = LowerSelinux(front, selinux::Form::kStandalone, front.sink);
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  combine::Effective effective(domain, spec, FactsOf(front.target), module ? &*module : nullptr);
  RAVELIN_TRY(reports, probe::RunProbes(*request, plan, effective));
  return std::optional(Probed{std::move(plan), std::move(reports)});
}

}  // namespace ravelin::driver
