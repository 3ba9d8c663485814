#include "profiler/generalize/curve.h"

#include <map>

#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {

std::vector<Curve> CurvesOf(const observe::Recording& recording) {
  const size_t runs = recording.runs.size();
  std::map<std::string, std::vector<size_t>> seen_in;  // by facet: [n] things that n of the runs showed
  for (const Seen& seen : SeenIn(recording, {})) {
    std::vector<size_t>& counts = seen_in[seen.facet];
    counts.resize(runs + 1);
    ++counts[seen.evidence.runs.size()];
  }
  std::vector<Curve> out;
  for (const auto& [facet, counts] : seen_in) {
    Curve curve{facet, std::vector<double>(runs, 0)};
    for (size_t n = 1; n <= runs; ++n) {
      // A choice of k runs misses what n of them show with the chance C(runs - n, k) / C(runs, k).
      double missed = 1;
      for (size_t k = 1; k <= runs; ++k) {
        missed *= k > runs - n ? 0 : static_cast<double>(runs - n - k + 1) / static_cast<double>(runs - k + 1);
        curve.things[k - 1] += static_cast<double>(counts[n]) * (1 - missed);
      }
    }
    out.push_back(std::move(curve));
  }
  return out;
}

}  // namespace ravelin::generalize
