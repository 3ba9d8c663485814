#include "compiler/driver/probe.h"

#include <unistd.h>

#include "backends/seccomp/lower.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/verify.h"

namespace ravelin::driver {

Result<std::optional<Probed>> ProbePolicy(Frontend& front, size_t index, const ProbeOptions& options, Frontend* enforced) {
  const ir::Domain& domain = front.policy.domains[index];
  RAVELIN_TRY(plan, probe::MakePlan(domain, geteuid() == 0));
  RAVELIN_TRY(root, probe::Root::Make(plan));
  Workload workload;
  workload.machine = options.machine;
  workload.command = {plan.program};
  workload.directory = "/";
  workload.root = root.folder();
  workload.memory_mb = options.memory_mb;
  workload.gaps = GapsAre::kWarnings;
  workload.limit_ms = options.limit_ms;
  workload.host_isolation = options.host_isolation;
  RAVELIN_TRY(request, PrepareVerification(enforced != nullptr ? *enforced : front, index, workload));
  if (!request) return std::optional<Probed>();
  const auto module = LowerSelinux(front, selinux::Form::kStandalone, front.sink);
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  combine::Effective effective(domain, spec, FactsOf(front.target), module ? &*module : nullptr);
  RAVELIN_TRY(reports, probe::RunProbes(*request, plan, effective));
  return std::optional(Probed{std::move(plan), std::move(reports)});
}

}  // namespace ravelin::driver
