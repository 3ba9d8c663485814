#include "compiler/driver/analyze.h"

#include <algorithm>
#include <set>

namespace ravelin::driver {

std::vector<std::string> LayersNotBuilt(const ir::Domain& domain) {
  std::set<std::string> missing;
  for (const auto& set : domain.layer_sets) {
    for (const std::string& layer : set) {
      if (layer != "seccomp") missing.insert(layer);
    }
  }
  return {missing.begin(), missing.end()};
}

Analysis Analyze(const ir::Domain& domain, const seccomp::FilterSpec& spec, GapsAre gaps, diag::Sink& sink) {
  Analysis analysis;
  CheckConflicts(domain, sink);
  CheckUnreachable(domain, sink);
  CheckBypasses(domain, spec, sink);
  analysis.nevers = CheckNevers(domain, spec, sink);
  CheckGaps(domain, gaps, sink);
  analysis.layers_not_built = LayersNotBuilt(domain);
  return analysis;
}

}  // namespace ravelin::driver
