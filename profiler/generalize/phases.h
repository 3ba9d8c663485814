// Starting up and steady work: what of a run came after a marker.
//
// The marker is a system call, the first accept(2) of a service unless the operator says another.  A fact belongs to the steady state where it was seen at the marker or later; what is
// needed before alone (binding, becoming another user, reading the configuration) does not.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "profiler/observe/fact.h"

namespace ravelin::generalize {

struct Steady {
  observe::Recording recording;               // of the runs that reach the marker, what came from there on
  std::vector<std::string> without_marker;    // runs, by identity, that do not
};
Steady SteadyOf(const observe::Recording& recording, const std::set<std::string>& markers);

inline const std::set<std::string>& UsualMarkers() {
  static const std::set<std::string> calls = {"accept", "accept4"};
  return calls;
}

}  // namespace ravelin::generalize
