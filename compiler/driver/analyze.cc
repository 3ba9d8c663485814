#include "compiler/driver/analyze.h"

#include <algorithm>
#include <set>

#include "backends/selinux/sepol/sepol.h"

namespace ravelin::driver {

std::vector<std::string> LayersNotBuilt(const ir::Domain& domain) {
  std::set<std::string> missing;
  for (const auto& set : domain.layer_sets) {
    for (const std::string& layer : set) {
      if (!IsBuilt(layer)) missing.insert(layer);
    }
  }
  return {missing.begin(), missing.end()};
}

bool IsBuilt(std::string_view layer) { return layer != "selinux" || selinux::SepolIsBuilt(); }

Analysis Analyze(const ir::Policy& policy, const ir::Domain& domain, const seccomp::FilterSpec& spec, const combine::LayerFacts& facts, GapsAre gaps, const selinux::Module* module, diag::Sink& sink) {
  Analysis analysis;
  CheckConflicts(domain, sink);
  CheckUnreachable(domain, sink);
  CheckBypasses(domain, spec, sink);
  combine::Effective effective(domain, spec, facts, module);
  analysis.nevers = CheckNevers(policy, effective, spec, sink);
  analysis.gaps = CheckGaps(effective, gaps, sink);
  if (gaps == GapsAre::kErrors || gaps == GapsAre::kWarnings) {
    CheckLayers(effective, spec, sink);
    CheckWriteExecute(effective, sink);
    CheckAliases(effective, sink);
  }
  analysis.layers_not_built = LayersNotBuilt(domain);
  return analysis;
}

}  // namespace ravelin::driver
