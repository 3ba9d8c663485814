#include "backends/selinux/prove/prove.h"

#include <cctype>
#include <set>

#include "backends/selinux/names.h"
#include "backends/selinux/prove/compare.h"

namespace ravelin::selinux {
namespace {

// The order in which a policy store would install our entries must be the one that was proved.
bool SameOrder(const std::vector<DecodedContext>& ours, const std::vector<DecodedContext>& merged) {
  size_t next = 0;
  for (const DecodedContext& entry : merged) {
    if (next < ours.size() && !entry.host && ours[next].text == entry.text && ours[next].type == entry.type) ++next;
  }
  return next == ours.size();
}

// The text with some of its words replaced.
std::string Renamed(std::string text, const std::map<std::string, std::string>& names) {
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; };
  for (const auto& [from, to] : names) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      const size_t end = at + from.size();
      if ((at > 0 && part(text[at - 1])) || (end < text.size() && part(text[end]))) continue;
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace

Result<ProofResult> Prove(const ir::Policy& policy, const ArtifactText& artifact, const TargetFacts& target) {
  ProofResult result;
  RAVELIN_TRY(decoded, DecodePolicy(Renamed(artifact.decompiled, artifact.called), artifact.booleans));
  RAVELIN_TRY(own, DecodeModule(Renamed(artifact.cil, artifact.called)));
  RAVELIN_TRY(contexts, DecodeContexts(artifact.file_contexts));
  RAVELIN_TRY(merged, MergedContexts(artifact.sorted, contexts, artifact.reused, result.inconclusive));
  RAVELIN_TRY(world, World::Build(policy, SameOrder(contexts, merged) ? merged : contexts, artifact.reused));
  result.cells = world.kinds.size();
  RAVELIN_TRY(demand, DemandOf(policy, world, decoded.ports, target));
  const Comparison comparison{policy, world, demand, decoded, own, artifact.probe, artifact.reused, artifact.called, target, result};
  if (!SameOrder(contexts, merged)) comparison.Report({"", "", "file", "", false, "file_contexts are not in the order in which a policy store sorts them"});
  for (const std::string& capability : target.policy_capabilities) {
    if (decoded.policy_capabilities.count(capability) == 0) comparison.Report({"", "", "", capability, true, "the policy lacks the capability " + capability});
  }
  for (const ir::Domain& domain : policy.domains) {
    if (decoded.conditional.count(DomainType(domain.name)) == 0 || decoded.conditional.count(artifact.probe) != 0) continue;
    comparison.Report({DomainType(domain.name), "", "", "", false, DomainType(domain.name) + " is granted something under a boolean"});
  }
  comparison.Contexts();
  comparison.KernelNames(artifact.standalone);
  comparison.Transitions();
  comparison.Nevers();
  comparison.Ports();
  RAVELIN_TRY(query, PolicyQuery::Load(artifact.binary));
  comparison.Quadruples(query);
  result.proved = result.differences.empty() && result.inconclusive.empty();
  return result;
}

}  // namespace ravelin::selinux
