#include "backends/selinux/prove/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/names.h"

namespace ravelin::selinux {
namespace {

constexpr size_t kMaxDifferences = 50;

const std::set<std::string>& MembersOf(const DecodedPolicy& decoded, const char* attribute) {
  static const std::set<std::string> none;
  const auto at = decoded.attributes.find(attribute);
  return at == decoded.attributes.end() ? none : at->second;
}

std::vector<std::string> Minus(const std::set<std::string>& all, const std::set<std::string>& without) {
  std::vector<std::string> out;
  std::set_difference(all.begin(), all.end(), without.begin(), without.end(), std::back_inserter(out));
  return out;
}

// (source, type, class) -> permission -> an event that asks it
using Expected = std::map<std::string, std::map<std::string, std::map<std::string, std::map<std::string, std::string>>>>;

}  // namespace

void Comparison::Report(Difference difference) const {
  if (result.differences.size() < kMaxDifferences) result.differences.push_back(std::move(difference));
}

std::vector<std::string> Comparison::TypesOf(const DemandTarget& target) const {
  using Kind = DemandTarget::Kind;
  std::set<std::string> own;
  switch (target.kind) {
    case Kind::kType:
      return {target.type};
    case Kind::kPath:
      return {world.kinds[target.path].type};
    case Kind::kRestFiles:
      for (const PathKind& kind : world.kinds) own.insert(kind.type);
      own.insert(world.file_labels.begin(), world.file_labels.end());
      return Minus(MembersOf(decoded, kFiles), own);
    case Kind::kRestDomains:
      for (const std::string& peer : world.peers) own.insert(peer.rfind("label:", 0) == 0 ? peer.substr(6) : DomainType(peer));
      return Minus(MembersOf(decoded, kDomains), own);
    case Kind::kRestPorts:
      for (const DecodedPort& port : decoded.ports) own.insert(port.type);
      return Minus(MembersOf(decoded, kPorts), own);
    case Kind::kAllFilesystems:
      return Minus(MembersOf(decoded, kFilesystems), {});
    case Kind::kAllNodes:
      return Minus(MembersOf(decoded, kNodes), {});
  }
  return {};
}

void Comparison::Quadruples(PolicyQuery& query) const {
  Expected expected;
  std::map<std::tuple<std::string, std::string, std::string>, ir::IntervalSet> commands;
  std::map<DemandTarget, std::vector<std::string>> types;
  const auto types_of = [&](const DemandTarget& target) -> const std::vector<std::string>& {
    const auto [at, fresh] = types.try_emplace(target);
    if (fresh) at->second = TypesOf(target);
    return at->second;
  };
  for (const auto& [key, permissions] : demand.checks) {
    for (const std::string& type : types_of(key.target)) expected[key.source][type][key.object_class].insert(permissions.begin(), permissions.end());
  }
  for (const auto& [key, values] : demand.commands) {
    for (const std::string& type : types_of(key.target)) {
      auto& all = commands[{key.source, type, key.object_class}];
      all = all.Union(values);
    }
  }
  // One type for paths or ports that are not permitted alike is not the tightest there is.
  std::map<std::string, std::vector<uint32_t>> kinds_of;
  for (uint32_t k = 0; k < world.kinds.size(); ++k) {
    if (!world.kinds[k].type.empty()) kinds_of[world.kinds[k].type].push_back(k);
  }
  for (const auto& [key, permissions] : demand.checks) {
    if (key.target.kind != DemandTarget::Kind::kPath) continue;
    for (const uint32_t other : kinds_of.at(world.kinds[key.target.path].type)) {
      const auto same = demand.checks.find({key.source, {DemandTarget::Kind::kPath, "", other}, key.object_class});
      for (const auto& [permission, event] : permissions) {
        if (same != demand.checks.end() && same->second.count(permission) != 0) continue;
        Report({key.source, world.kinds[other].witness, key.object_class, permission, false,
                fmt::format("{} and {} have one type {}, but {} is asked of the first only ({})", world.kinds[key.target.path].witness, world.kinds[other].witness, world.kinds[other].type, permission, event)});
      }
    }
  }
  for (const auto& [key, by_permission] : demand.ports) {
    ir::IntervalSet all;
    for (const DecodedPort& port : decoded.ports) {
      if (port.type == key.target.type && port.protocol + "_socket" == key.object_class) all = all.Union(ir::IntervalSet({{port.lo, port.hi}}));
    }
    for (const auto& [permission, asked] : by_permission) {
      const ir::IntervalSet rest = all.Minus(asked);
      if (!rest.empty()) Report({key.source, key.target.type, key.object_class, permission, false, fmt::format("port {} has type {}, for which {} is granted, and no event asks it", rest.Min(), key.target.type, permission)});
    }
  }
  const std::string level = ":s0";
  for (const ir::Domain& domain : policy.domains) {
    const std::string source = DomainType(domain.name);
    const auto source_id = query.Context(fmt::format("{}:{}:{}{}", kUser, kRole, source, level));
    if (!source_id || decoded.types.count(source) == 0) {
      Report({source, source, "process", "", true, fmt::format("the policy has no domain {}", source)});
      continue;
    }
    if (decoded.permissive.count(source) != 0) Report({source, source, "process", "", false, fmt::format("{} is permissive", source)});
    auto& by_type = expected[source];
    for (const auto& [type, by_class] : by_type) {
      if (decoded.types.count(type) == 0) Report({source, type, by_class.begin()->first, by_class.begin()->second.begin()->first, true, fmt::format("the policy has no type {} ({})", type, by_class.begin()->second.begin()->second)});
    }
    for (const std::string& type : decoded.types) {
      const bool own = std::any_of(policy.domains.begin(), policy.domains.end(), [&](const ir::Domain& d) { return DomainType(d.name) == type; });
      const bool process = own || MembersOf(decoded, kDomains).count(type) != 0;
      const auto target_id = query.Context(fmt::format("{}:{}:{}{}", kUser, process ? kRole : kObjectRole, type, level));
      if (!target_id) {
        result.inconclusive.push_back(fmt::format("{} has no context {}:{}:{}{}", type, kUser, process ? kRole : kObjectRole, type, level));
        continue;
      }
      auto& by_class = by_type[type];
      for (const auto& [name, permissions] : by_class) {
        if (decoded.classes.count(name) == 0) Report({source, type, name, permissions.begin()->first, true, fmt::format("the policy has no class {} ({})", name, permissions.begin()->second)});
      }
      for (const auto& [name, permissions] : decoded.classes) {
        const auto class_id = query.Class(name);
        if (!class_id) continue;
        const unsigned allowed = query.Allowed(*source_id, *target_id, *class_id);
        const auto wanted = by_class.find(name);
        result.quadruples += permissions.size();
        if (allowed == 0 && wanted == by_class.end()) continue;
        for (const std::string& permission : permissions) {
          const auto bit = query.Permission(*class_id, permission);
          const bool is = bit && (allowed & *bit) != 0;
          const bool should = wanted != by_class.end() && wanted->second.count(permission) != 0;
          if (is == should) continue;
          const std::string why = should ? wanted->second.at(permission) : "no event asks it";
          Report({source, type, name, permission, should, fmt::format("{} {} {} {}: {} ({})", source, type, name, permission, should ? "not granted" : "granted", why)});
        }
        // Commands: without a list of its own, all of them.
        const auto ioctl = query.Permission(*class_id, "ioctl");
        if (!ioctl || (allowed & *ioctl) == 0) continue;
        const auto listed = decoded.commands.find({source, type, name});
        const ir::IntervalSet granted = listed == decoded.commands.end() ? ir::IntervalSet::All(16) : listed->second;
        const auto asked = commands.find({source, type, name});
        const ir::IntervalSet demanded = asked == commands.end() ? ir::IntervalSet() : asked->second;
        if (granted == demanded) continue;
        const ir::IntervalSet missing = demanded.Minus(granted);
        const uint64_t witness = missing.empty() ? granted.Minus(demanded).Min() : missing.Min();
        Report({source, type, name, fmt::format("ioctl {:#x}", witness), !missing.empty(), fmt::format("{} {} {} ioctl command {:#06x}: {}", source, type, name, witness, missing.empty() ? "granted, and no event asks it" : "not granted")});
      }
    }
  }
}

void Comparison::Contexts() const {
  for (uint32_t k = 0; k < world.kinds.size(); ++k) {
    const PathKind& kind = world.kinds[k];
    if (kind.patterns.empty() && !kind.type.empty() && demand.folders.count(k) == 0) Report({"", kind.witness, "file", "", false, fmt::format("{} has type {}, and no pattern takes it", kind.witness, kind.type)});
    if (!kind.patterns.empty() && kind.type.empty()) Report({"", kind.witness, "file", "", true, fmt::format("{} has no type, and `{}` takes it", kind.witness, world.patterns[kind.patterns.front()])});
    if (!kind.type.empty() && decoded.types.count(kind.type) == 0) Report({"", kind.witness, "file", "", true, fmt::format("{} has type {}, which the policy does not have", kind.witness, kind.type)});
  }
}

}  // namespace ravelin::selinux
