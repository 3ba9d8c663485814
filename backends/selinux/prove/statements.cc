// What the proof reads off the module beside allows and transitions: its neverallows and the types of ports.
#include <fmt/format.h>

#include "backends/selinux/names.h"
#include "backends/selinux/prove/compare.h"

namespace ravelin::selinux {
namespace {

bool EndsWith(const std::string& text, std::string_view end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }

// The target of a neverallow, whatever the module is called.
std::string Anonymous(const std::string& target) {
  for (const std::string& rest : {RestFiles(""), RestDomains(""), RestPorts("")}) {
    if (EndsWith(target, rest)) return rest;
  }
  return target;
}

}  // namespace

void Comparison::Nevers() const {
  using Kind = DemandTarget::Kind;
  const auto name_of = [&](const DemandTarget& target) -> std::string {
    switch (target.kind) {
      case Kind::kType:
        return target.type;
      case Kind::kPath:
        return world.kinds[target.path].type;
      case Kind::kRestFiles:
        return RestFiles("");
      case Kind::kRestDomains:
        return RestDomains("");
      case Kind::kRestPorts:
        return RestPorts("");
      case Kind::kAllFilesystems:
        return kFilesystems;
      case Kind::kAllNodes:
        return kNodes;
    }
    return "";
  };
  std::set<std::vector<std::string>> granted;
  for (const auto& [key, permissions] : demand.checks) {
    for (const auto& permission : permissions) granted.insert({key.source, name_of(key.target), key.object_class, permission.first});
  }
  std::map<std::vector<std::string>, std::string> wanted;
  for (const auto& [key, permissions] : demand.nevers) {
    for (const auto& [permission, place] : permissions) {
      const std::vector<std::string> never = {key.source, name_of(key.target), key.object_class, permission};
      if (granted.count(never) == 0) wanted.emplace(never, place);
    }
  }
  std::set<std::vector<std::string>> stated;
  for (const auto& never : own.nevers) stated.insert({never[0], Anonymous(never[1]), never[2], never[3]});
  NeverCommands(granted, name_of);
  for (const auto& [never, place] : wanted) {
    if (stated.count(never) == 0) Report({never[0], never[1], never[2], never[3], true, fmt::format("no neverallow for {} {} {} {} ({} never)", never[0], never[1], never[2], never[3], place)});
  }
  for (const auto& never : stated) {
    if (wanted.count(never) == 0) Report({never[0], never[1], never[2], never[3], false, fmt::format("a neverallow for {} {} {} {} that no rule asks for", never[0], never[1], never[2], never[3])});
  }
}

// neverallowx for commands of `never`, where ioctl is granted for others.
void Comparison::NeverCommands(const std::set<std::vector<std::string>>& granted, const std::function<std::string(const DemandTarget&)>& name_of) const {
  std::map<std::vector<std::string>, ir::IntervalSet> permitted;
  for (const auto& [key, commands] : demand.commands) {
    auto& all = permitted[{key.source, name_of(key.target), key.object_class}];
    all = all.Union(commands);
  }
  std::map<std::vector<std::string>, ir::IntervalSet> wanted;
  for (const auto& [key, commands] : demand.never_commands) {
    const std::vector<std::string> on = {key.source, name_of(key.target), key.object_class};
    if (granted.count({on[0], on[1], on[2], "ioctl"}) == 0) continue;  // all of ioctl must never be granted
    auto& all = wanted[on];
    all = all.Union(commands.Minus(permitted[on]));
  }
  std::map<std::vector<std::string>, ir::IntervalSet> stated;
  for (const auto& [never, commands] : own.never_commands) {
    auto& all = stated[{never[0], Anonymous(never[1]), never[2]}];
    all = all.Union(commands);
  }
  const auto compare = [&](const auto& here, const auto& there, bool missing, const char* what) {
    for (const auto& [on, commands] : here) {
      const auto same = there.find(on);
      const ir::IntervalSet rest = same == there.end() ? commands : commands.Minus(same->second);
      if (!rest.empty()) Report({on[0], on[1], on[2], "ioctl", missing, fmt::format("{} for {} {} {} ioctl command {:#06x}", what, on[0], on[1], on[2], rest.Min())});
    }
  };
  compare(wanted, stated, true, "no neverallowx");
  compare(stated, wanted, false, "no rule asks for the neverallowx");
}

void Comparison::Ports() const {
  std::map<std::string, ir::IntervalSet> listed;  // by protocol
  for (const DecodedPort& port : decoded.ports) {
    const ir::IntervalSet ports({{port.lo, port.hi}});
    if (demand.port_types.count(port.type) != 0) listed[port.protocol] = listed[port.protocol].Union(ports);
    const auto spoken = demand.spoken.find(port.protocol);
    if (own.types.count(port.type) == 0) {
      const bool named = spoken != demand.spoken.end() && !spoken->second.Intersect(ports).empty();
      if (probe.empty() && named) Report({"", port.type, port.protocol + "_socket", "name_bind", true, fmt::format("{} port {} has type {}, which is not the module's", port.protocol, port.lo, port.type)});
      continue;
    }
    const ir::IntervalSet more = spoken == demand.spoken.end() ? ports : ports.Minus(spoken->second);
    if (!more.empty()) Report({"", port.type, port.protocol + "_socket", "name_bind", false, fmt::format("{} port {} has type {}, and no rule speaks of it", port.protocol, more.Min(), port.type)});
  }
  for (const auto& [protocol, spoken] : demand.spoken) {
    const ir::IntervalSet less = spoken.Minus(listed[protocol]);
    if (!less.empty()) Report({"", "", protocol + "_socket", "name_bind", true, fmt::format("{} port {} has no type of its own, and a rule speaks of it", protocol, less.Min())});
  }
  // One type for ports that are not permitted alike is not the tightest there is.
  for (const auto& [key, by_permission] : demand.ports) {
    const std::string protocol = key.object_class.substr(0, key.object_class.find('_'));
    ir::IntervalSet all;
    if (key.target.kind == DemandTarget::Kind::kType) {
      if (own.types.count(key.target.type) == 0) continue;  // the host's types are what they are
      for (const DecodedPort& port : decoded.ports) {
        if (port.type == key.target.type && port.protocol == protocol) all = all.Union(ir::IntervalSet({{port.lo, port.hi}}));
      }
    } else {
      all = ir::IntervalSet::All(16).Minus(listed[protocol]);
    }
    for (const auto& [permission, asked] : by_permission) {
      const ir::IntervalSet rest = all.Minus(asked);
      const std::string type = key.target.type.empty() ? "no type of its own" : "type " + key.target.type;
      if (!rest.empty()) Report({key.source, key.target.type, key.object_class, permission, false, fmt::format("{} port {} has {}, for which {} is granted, and no event asks it", protocol, rest.Min(), type, permission)});
    }
  }
}

}  // namespace ravelin::selinux
