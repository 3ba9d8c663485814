#include <fmt/format.h>

#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"
#include "compiler/driver/profile_lines.h"

namespace ravelin::driver {

Result<std::optional<apparmor::Artifact>> CompileApparmor(const Frontend& front, diag::Sink& sink) {
  RAVELIN_TRY(artifact, apparmor::Compile(front.policy, {front.target.apparmor_features}, ProfileHead(front)));
  bool good = true;
  for (size_t i = 0; i < artifact.profiles.size(); ++i) {
    const ir::Domain& domain = front.policy.domains[i];
    const apparmor::ProfileResult& profile = artifact.profiles[i];
    for (const apparmor::Problem& problem : profile.problems) {
      good = false;
      const source::Span span = problem.rule < domain.rules.size() ? domain.rules[problem.rule].from.span : domain.from.span;
      sink.Report(diag::Kind::kApparmorNotExpressible, span, problem.message);
    }
    if (artifact.text.empty() || profile.proved) continue;
    good = false;
    sink.Report(diag::Kind::kProofFailed, domain.from.span, fmt::format("the AppArmor profile of policy `{}` is not proved: {}", domain.name, profile.why_not)).Help("nothing was written; this is a defect of the compiler, please report it with the policy");
  }
  if (!good) return std::optional<apparmor::Artifact>();
  return std::optional<apparmor::Artifact>(std::move(artifact));
}

}  // namespace ravelin::driver
