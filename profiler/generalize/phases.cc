#include "profiler/generalize/phases.h"

#include <algorithm>
#include <optional>

namespace ravelin::generalize {
namespace {

std::optional<double> MarkerOf(const observe::Run& run, const std::set<std::string>& markers) {
  std::optional<double> out;
  for (const auto& [fact, sighting] : run.facts) {
    if (fact.facet == "syscall" && markers.count(fact.operation) != 0) out = out ? std::min(*out, sighting.first) : sighting.first;
  }
  return out;
}

}  // namespace

Steady SteadyOf(const observe::Recording& recording, const std::set<std::string>& markers) {
  Steady out;
  for (const auto& [id, run] : recording.runs) {
    const auto marker = MarkerOf(run, markers);
    if (!marker) {
      out.without_marker.push_back(id);
      continue;
    }
    observe::Run rest = run;
    std::erase_if(rest.facts, [&](const auto& entry) { return entry.second.last < *marker; });
    for (auto& [fact, sighting] : rest.facts) sighting.first = std::max(sighting.first, *marker);
    out.recording.runs.emplace(id, std::move(rest));
  }
  return out;
}

}  // namespace ravelin::generalize
