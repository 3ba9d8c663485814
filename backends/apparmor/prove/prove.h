// Proof: a compiled profile permits, for every input, what the policy's view through AppArmor permits (docs/semantics.md,
// chapter 8).  From the IR, the view table and the compiled bytes alone: nothing that emits profiles is seen here.
#pragma once

#include <optional>
#include <string>

#include "backends/apparmor/read/compiled.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::apparmor {

struct Proof {
  bool proved = false;
  std::string difference;  // a concrete name or event, what the policy says of it and what the profile
};

// `features`: the set of compiler/kernel/apparmor_features.h that the profile was compiled for.
// Fails with kTooLarge or kMalformed where the question could not be decided.
Result<Proof> Prove(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile, const std::string& features);

// --- the parts; nullopt: equal
using Difference = Result<std::optional<std::string>>;
Difference ProveFiles(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile);
Difference ProveAttachment(const ir::Domain& domain, const CompiledProfile& profile);
Difference ProveCapabilities(const ir::Domain& domain, const CompiledProfile& profile);
Difference ProveNetwork(const ir::Domain& domain, const CompiledProfile& profile, const std::string& features);
Difference ProvePeers(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile, const std::string& features);
Difference ProveMounts(const ir::Domain& domain, const CompiledProfile& profile, const std::string& features);
Difference ProveDomains(const ir::Domain& domain, const CompiledProfile& profile);
Difference ProveLimits(const ir::Domain& domain, const CompiledProfile& profile);
Difference ProveNothingElse(const ir::Domain& domain, const CompiledProfile& profile);

}  // namespace ravelin::apparmor
