// What must be allowed: the checks that permitted events ask.  Internal to the proof.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/selinux/prove/events.h"
#include "backends/selinux/target.h"

namespace ravelin::selinux {

// Whom a check is about: one type, a kind of path, or what is left of the host's.
struct DemandTarget {
  enum class Kind : uint8_t { kType,
                              kPath,
                              kRestFiles,
                              kRestDomains,
                              kRestPorts,
                              kAllFilesystems,
                              kAllNodes };
  Kind kind = Kind::kType;
  std::string type;   // kType
  uint32_t path = 0;  // kPath: index of World::kinds
  auto operator<=>(const DemandTarget&) const = default;
};

struct DemandKey {
  std::string source;
  DemandTarget target;
  std::string object_class;
  auto operator<=>(const DemandKey&) const = default;
};

struct Demand {
  std::map<DemandKey, std::map<std::string, std::string>> checks;            // permission -> an event that asks it
  std::map<DemandKey, ir::IntervalSet> commands;                             // of `ioctl`, low 16 bits
  std::map<DemandKey, std::map<std::string, ir::IntervalSet>> ports;         // permission -> ports for which it is asked, of a port type
  std::set<std::pair<std::string, std::pair<uint32_t, std::string>>> execs;  // domain's type, kind of path -> type after the exec
  std::map<DemandKey, std::map<std::string, std::string>> nevers;            // what events of `never` ask -> the rule
  std::map<DemandKey, ir::IntervalSet> never_commands;                       // of `ioctl` among those, low 16 bits
  std::map<std::string, ir::IntervalSet> spoken;                             // protocol -> ports that rules name
  std::set<std::string> port_types;                                          // of those ports, by the artifact's table
  std::set<uint32_t> folders;                                                // kinds of directory in which something may be created or removed
  // domain's type, class of the new object -> kinds of path that it may create
  std::map<std::pair<std::string, std::string>, std::set<uint32_t>> creations;
};

// `ports`: types of ports by the artifact's own table.
Result<Demand> DemandOf(const ir::Policy& policy, const World& world, const std::vector<DecodedPort>& ports, const TargetFacts& target);

}  // namespace ravelin::selinux
