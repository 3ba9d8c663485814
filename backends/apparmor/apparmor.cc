#include "backends/apparmor/apparmor.h"

#include <fmt/format.h>

#include "backends/apparmor/emit.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"

namespace ravelin::apparmor {

Result<Artifact> Compile(const ir::Policy& policy, const TargetFacts& target, const std::vector<std::string>& head) {
  Artifact artifact;
  std::vector<Profile> profiles;
  bool good = true;
  for (const ir::Domain& domain : policy.domains) {
    profiles.push_back(Lower(policy, domain, target));
    artifact.profiles.push_back({domain.name, false, "", profiles.back().problems});
    good &= profiles.back().problems.empty();
  }
  if (!good) return artifact;
  ProfileText text = Emit(profiles, head);
  RAVELIN_TRY(verdict, RunParser(text.text, kernel::ApparmorFeaturesText(target.features)));
  if (!verdict.accepted) {
    const size_t line = verdict.line > 0 ? static_cast<size_t>(verdict.line) : 0;
    const std::string place = line > 0 && line <= text.places.size() ? text.places[line - 1] : "";
    return Fail(ErrorCode::kMalformed, fmt::format("apparmor_parser rejects the profile{}: {}", place.empty() ? "" : " (the line comes from " + place + ")", verdict.message));
  }
  artifact.binary_size = verdict.binary.size();
  RAVELIN_TRY(version, ParserVersion());
  artifact.parser = std::move(version);
  RAVELIN_TRY(compiled, ReadCompiled(verdict.binary));
  for (size_t i = 0; i < policy.domains.size(); ++i) {
    const CompiledProfile* own = nullptr;
    for (const CompiledProfile& one : compiled) {
      if (one.name == ir::QualifiedName(policy.domains[i])) own = &one;
    }
    ProfileResult& result = artifact.profiles[i];
    if (own == nullptr) {
      result.why_not = "the compiled file lacks its profile";
      continue;
    }
    const auto proof = Prove(policy, policy.domains[i], *own, target.features);
    result.proved = proof.has_value() && proof->proved;
    result.why_not = proof ? proof->difference : proof.error().message;
  }
  if (compiled.size() != policy.domains.size()) return Fail(ErrorCode::kMalformed, "the compiled file holds a profile that no policy asked for");
  artifact.text = std::move(text.text);
  return artifact;
}

}  // namespace ravelin::apparmor
