#include "backends/selinux/prove/prove.h"

#include <set>

#include "backends/selinux/prove/compare.h"

namespace ravelin::selinux {
namespace {

// The order in which a policy store would install our entries must be the one that was proved.
bool SameOrder(const std::vector<DecodedContext>& ours, const std::vector<DecodedContext>& sorted) {
  size_t next = 0;
  for (const DecodedContext& entry : sorted) {
    if (next < ours.size() && ours[next].text == entry.text && ours[next].type == entry.type) ++next;
  }
  return next == ours.size();
}

}  // namespace

Result<ProofResult> Prove(const ir::Policy& policy, const ArtifactText& artifact, const TargetFacts& target) {
  ProofResult result;
  RAVELIN_TRY(decoded, DecodePolicy(artifact.decompiled));
  RAVELIN_TRY(contexts, DecodeContexts(artifact.file_contexts));
  RAVELIN_TRY(sorted, DecodeContexts(artifact.sorted));
  RAVELIN_TRY(world, World::Build(policy, contexts));
  result.cells = world.kinds.size();
  RAVELIN_TRY(demand, DemandOf(policy, world, decoded.ports, target));
  const Comparison comparison{policy, world, demand, decoded, result};
  if (!SameOrder(contexts, sorted)) comparison.Report({"", "", "file", "", false, "file_contexts are not in the order in which a policy store sorts them"});
  for (const std::string& capability : target.policy_capabilities) {
    if (decoded.policy_capabilities.count(capability) == 0) comparison.Report({"", "", "", capability, true, "the policy lacks the capability " + capability});
  }
  comparison.Contexts();
  comparison.Transitions();
  RAVELIN_TRY(query, PolicyQuery::Load(artifact.binary));
  comparison.Quadruples(query);
  result.proved = result.differences.empty() && result.inconclusive.empty();
  return result;
}

}  // namespace ravelin::selinux
