#include "profiler/generalize/completeness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "profiler/generalize/coverage.h"

namespace ravelin::generalize {
namespace {

constexpr const char* kFacets[] = {"system call", "argument", "path", "exec", "network", "capability"};

}  // namespace

double UpperBound(size_t successes, size_t trials, double confidence) {
  if (trials == 0 || successes >= trials) return 1;
  double low = static_cast<double>(successes) / static_cast<double>(trials);
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double p = (low + high) / 2;
    // The chance of so few or fewer, by its logarithm.
    double tail = 0;
    for (size_t k = 0; k <= successes; ++k) {
      const auto n = static_cast<double>(trials);
      const auto j = static_cast<double>(k);
      tail += std::exp(std::lgamma(n + 1) - std::lgamma(j + 1) - std::lgamma(n - j + 1) + j * std::log(p) + (n - j) * std::log1p(-p));
    }
    (tail > 1 - confidence ? low : high) = p;
  }
  return high;
}

size_t RunsNeeded(size_t clean_runs, double wanted, double confidence) {
  const auto all = static_cast<size_t>(std::ceil(std::log(1 - confidence) / std::log1p(-wanted)));
  return all > clean_runs ? all - clean_runs : 0;
}

Result<Completeness> JudgeCompleteness(const observe::Recording& recording, const Options& options) {
  Completeness out;
  std::vector<std::string> all;
  for (const auto& [id, run] : recording.runs) {
    if (options.runs.empty() || std::find(options.runs.begin(), options.runs.end(), id) != options.runs.end()) all.push_back(id);
  }
  out.runs = all.size();
  RAVELIN_TRY(whole, Coverage::Of(recording, options, all));
  // Runs that show the same, where names that change are the pattern that covers them.
  std::set<std::set<std::string>> shown;
  std::vector<std::string> samples;
  for (const std::string& id : all) {
    if (shown.insert(Shown(recording, id, whole)).second) {
      samples.push_back(id);
    } else {
      ++out.replicas;
    }
  }
  std::map<std::string, FacetCompleteness> facets;
  for (const char* name : kFacets) facets[name] = {name, samples.size(), 0, 0, 0, 1};
  size_t any = 0;
  for (size_t i = 0; i < samples.size() && samples.size() >= 2; ++i) {
    std::vector<std::string> others = samples;
    others.erase(others.begin() + static_cast<long>(i));
    RAVELIN_TRY(coverage, Coverage::Of(recording, options, others));
    const auto surprises = Surprises(recording, samples[i], coverage);
    for (const auto& [facet, things] : surprises) {
      facets[facet].singletons += things.size();
      ++facets[facet].surprised;
    }
    any += surprises.empty() ? 0 : 1;
  }
  facets["any"] = {"any", samples.size(), 0, any, 0, 1};
  for (const char* name : {"any", "system call", "argument", "path", "exec", "network", "capability"}) {
    FacetCompleteness& facet = facets[name];
    if (facet.runs > 0) facet.chance = static_cast<double>(facet.surprised) / static_cast<double>(facet.runs);
    facet.bound = UpperBound(facet.surprised, facet.runs);
    if (facet.facet == "any") {
      for (const auto& [key, other] : facets) facet.singletons += key == "any" ? 0 : other.singletons;
    }
    out.facets.push_back(facet);
  }
  return out;
}

std::string Completeness::Words() const {
  const FacetCompleteness& any = facets.front();
  std::string out;
  if (replicas != 0) out += fmt::format("{} of {} runs show what another run shows and do not count; vary the input.  ", replicas, runs);
  if (any.runs < kFewestRuns) return out + fmt::format("{} run{}: too few runs to say how complete this is ({} at least)", any.runs, any.runs == 1 ? "" : "s", kFewestRuns);
  out += fmt::format("after {} runs the chance that the next one is denied something is about {:.0f}% (at most {:.0f}%)", any.runs, any.chance * 100, std::ceil(any.bound * 100));
  const size_t clean = any.surprised == 0 ? any.runs : 0;
  return out + fmt::format("; {} more runs without anything new bring that to 5%, {} to 1%", RunsNeeded(clean, 0.05), RunsNeeded(clean, 0.01));
}

}  // namespace ravelin::generalize
