#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"

namespace ravelin::driver {
namespace {

// What no proof would cover is not written.
bool HasRaw(const Frontend& front, diag::Sink& sink) {
  bool any = false;
  for (const ir::Domain& domain : front.policy.domains) {
    for (const auto& raw : domain.raw) {
      if (raw.first != "selinux") continue;
      any = true;
      sink.Report(diag::Kind::kSelinuxNotExpressible, domain.from.span, fmt::format("`raw selinux` of policy `{}` cannot be proved, so it is not written", domain.name)).Help("say it with rules, or load a module of your own beside this one");
    }
  }
  return any;
}

void Report(const selinux::Conflict& conflict, const ir::Policy& policy, diag::Sink& sink) {
  constexpr diag::Kind kKinds[] = {diag::Kind::kSelinuxNameTaken, diag::Kind::kSelinuxLabelConflict, diag::Kind::kSelinuxPortConflict};
  const ir::Domain& domain = policy.domains[conflict.domain];
  sink.Report(kKinds[static_cast<size_t>(conflict.kind)], conflict.rule ? domain.rules[*conflict.rule].from.span : domain.from.span, conflict.text).Help(conflict.help);
}

}  // namespace

selinux::TargetFacts SelinuxFactsOf(const resolve::Target& target) { return {target.kernel, std::min(target.selinux_policy_version, selinux::kNewestPolicyVersion), target.selinux_policy_capabilities}; }

std::optional<selinux::Module> LowerSelinux(const Frontend& front, selinux::Form form, diag::Sink& sink) {
  const bool named = std::any_of(front.policy.domains.begin(), front.policy.domains.end(), [](const ir::Domain& domain) {
    return std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [](const auto& set) { return std::find(set.begin(), set.end(), "selinux") != set.end(); });
  });
  if (!named || HasRaw(front, sink)) return std::nullopt;
  auto module = selinux::LowerFor(front.policy, {form, "", SelinuxFactsOf(front.target)});
  if (module) return std::move(*module);
  sink.Report(diag::Kind::kSelinuxNotExpressible, front.policy.domains.front().from.span, module.error().message);
  return std::nullopt;
}

Result<std::optional<selinux::Artifact>> CompileSelinux(const Frontend& front, selinux::Form form, const selinux::Host* host, diag::Sink& sink) {
  if (HasRaw(front, sink)) return std::optional<selinux::Artifact>();
  selinux::Options options;
  options.form = form;
  options.target = SelinuxFactsOf(front.target);
  options.host = host;
  auto artifact = selinux::Compile(front.policy, options);
  const ir::Domain& first = front.policy.domains.front();
  if (!artifact) {
    // What the language can say and SELinux cannot is the policy's; all else is the world's or ours.
    if (artifact.error().code != ErrorCode::kUnsupported) return tl::make_unexpected(artifact.error());
    sink.Report(diag::Kind::kSelinuxNotExpressible, first.from.span, artifact.error().message);
    return std::optional<selinux::Artifact>();
  }
  if (!artifact->module.conflicts.empty()) {
    for (const selinux::Conflict& conflict : artifact->module.conflicts) Report(conflict, front.policy, sink);
    return std::optional<selinux::Artifact>();
  }
  if (!artifact->proof.proved) {
    const selinux::ProofResult& proof = artifact->proof;
    const std::string why = !proof.differences.empty() ? proof.differences.front().text : !proof.inconclusive.empty() ? "inconclusive: " + proof.inconclusive.front() : "";
    sink.Report(diag::Kind::kProofFailed, first.from.span, fmt::format("the SELinux module is not proved: {}", why)).Help("nothing was written; this is a defect of the compiler, please report it with the policy");
    return std::optional<selinux::Artifact>();
  }
  return std::optional<selinux::Artifact>(std::move(*artifact));
}

}  // namespace ravelin::driver
