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
  std::set<std::string> ours;
  switch (target.kind) {
    case Kind::kType:
      return {target.type};
    case Kind::kPath:
      return {world.kinds[target.path].type};
    case Kind::kRestFiles:
      for (const PathKind& kind : world.kinds) ours.insert(kind.type);
      ours.insert(world.file_labels.begin(), world.file_labels.end());
      return Minus(MembersOf(decoded, kFiles), ours);
    case Kind::kRestDomains:
      for (const std::string& peer : world.peers) ours.insert(peer.rfind("label:", 0) == 0 ? peer.substr(6) : DomainType(peer));
      ours.insert(probe);
      return Minus(MembersOf(decoded, kDomains), ours);
    case Kind::kRestPorts:
      return Minus(MembersOf(decoded, kPorts), demand.port_types);
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
  const auto context_of = [&](const std::string& type, bool process) {
    const auto renamed = std::find_if(called.begin(), called.end(), [&](const auto& one) { return one.second == type; });
    const std::string& name = renamed == called.end() ? type : renamed->first;
    const auto as = [&](const char* role) { return query.Context(fmt::format("{}:{}:{}:s0", kUser, role, name)); };
    const auto id = as(process ? kRole : kObjectRole);
    return id || !process ? id : as(kObjectRole);  // domains of users have other roles
  };
  std::map<std::string, unsigned> classes;
  for (const auto& one : decoded.classes) {
    if (const auto id = query.Class(one.first)) classes[one.first] = *id;
  }
  const auto probe_id = probe.empty() ? std::nullopt : context_of(probe, true);
  if (!probe.empty() && !probe_id) result.inconclusive.push_back("the host's policy has no probe " + probe);
  for (const ir::Domain& domain : policy.domains) {
    const std::string source = DomainType(domain.name);
    const auto source_id = context_of(source, true);
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
      if (type == probe) continue;
      const bool ours = std::any_of(policy.domains.begin(), policy.domains.end(), [&](const ir::Domain& d) { return DomainType(d.name) == type; });
      const auto target_id = context_of(type, ours || MembersOf(decoded, kDomains).count(type) != 0);
      if (!target_id) {
        result.inconclusive.push_back(fmt::format("{} has no context of {}", type, kUser));
        continue;
      }
      // What the probe has of itself, a domain has of itself.
      const std::string probed = type == source ? probe : type;
      const auto probed_id = type == source ? probe_id : target_id;
      auto& by_class = by_type[type];
      for (const auto& [name, permissions] : by_class) {
        if (decoded.classes.count(name) == 0) Report({source, type, name, permissions.begin()->first, true, fmt::format("the policy has no class {} ({})", name, permissions.begin()->second)});
      }
      for (const auto& [name, class_id] : classes) {
        const auto& permissions = decoded.classes.at(name);
        const unsigned allowed = query.Allowed(*source_id, *target_id, class_id);
        const auto wanted = by_class.find(name);
        result.quadruples += permissions.size();
        if (allowed == 0 && wanted == by_class.end()) continue;
        const unsigned anyway = probe_id ? query.Allowed(*probe_id, *probed_id, class_id) : 0;
        std::string more;
        unsigned known = 0;
        for (const std::string& permission : permissions) {
          const auto bit = query.Permission(class_id, permission);
          known |= bit.value_or(0);
          const bool is = bit && (allowed & *bit) != 0;
          const bool host = bit && (anyway & *bit) != 0;
          const bool asked = wanted != by_class.end() && wanted->second.count(permission) != 0;
          if (host && !asked) more += " " + permission;
          const bool should = asked || host;
          if (is == should) continue;
          const std::string why = asked ? wanted->second.at(permission) : host ? "the host grants it to every domain"
                                                                               : "no event asks it";
          Report({source, type, name, permission, should, fmt::format("{} {} {} {}: {} ({})", source, type, name, permission, should ? "not granted" : "granted", why)});
        }
        if ((allowed & ~known) != 0) result.inconclusive.push_back(fmt::format("{} {} {}: a permission that the decompiled policy does not name", source, type, name));
        if (!more.empty()) result.host_grants.push_back(fmt::format("(allow {} {} ({} ({})))", source, type, name, more.substr(1)));
        // Commands: without a list of its own, all of them.
        const auto ioctl = query.Permission(class_id, "ioctl");
        if (!ioctl || (allowed & *ioctl) == 0) continue;
        const auto listed = [&](const std::string& of, const std::string& on) {
          const auto at = decoded.commands.find({of, on, name});
          return at == decoded.commands.end() ? ir::IntervalSet::All(16) : at->second;
        };
        const ir::IntervalSet granted = listed(source, type);
        const auto asked = commands.find({source, type, name});
        ir::IntervalSet demanded = asked == commands.end() ? ir::IntervalSet() : asked->second;
        if ((anyway & *ioctl) != 0) demanded = demanded.Union(listed(probe, probed));
        if (granted == demanded) continue;
        const ir::IntervalSet missing = demanded.Minus(granted);
        const uint64_t witness = missing.empty() ? granted.Minus(demanded).Min() : missing.Min();
        Report({source, type, name, fmt::format("ioctl {:#x}", witness), !missing.empty(), fmt::format("{} {} {} ioctl command {:#06x}: {}", source, type, name, witness, missing.empty() ? "granted, and no event asks it" : "not granted")});
      }
    }
  }
}

void Comparison::Contexts() const {
  for (const std::string& type : reused) {
    if (decoded.of_filesystems.count(type) != 0) Report({"", type, "file", "", false, fmt::format("the host's type {} is reused, and a whole file system has it", type)});
    for (const DecodedTransition& t : decoded.transitions) {
      const bool ours = std::any_of(policy.domains.begin(), policy.domains.end(), [&](const ir::Domain& domain) { return DomainType(domain.name) == t.source; });
      if (t.result != type || t.object_class == "process" || t.target == type || ours) continue;
      Report({"", type, t.object_class, "", false, fmt::format("the host's type {} is reused, and {} creates such objects in {}", type, t.source, t.target)});
      break;
    }
  }
  // A directory may have a type of its own that nothing was created in after all; what is granted on it is compared as on any.
  std::set<std::string> of_patterns;
  for (const PathKind& kind : world.kinds) {
    if (!kind.patterns.empty()) of_patterns.insert(kind.type);
  }
  for (uint32_t k = 0; k < world.kinds.size(); ++k) {
    const PathKind& kind = world.kinds[k];
    if (kind.patterns.empty() && of_patterns.count(kind.type) != 0 && !kind.type.empty() && demand.folders.count(k) == 0) Report({"", kind.witness, "file", "", false, fmt::format("{} has type {}, and no pattern takes it", kind.witness, kind.type)});
    if (!kind.patterns.empty() && kind.type.empty()) Report({"", kind.witness, "file", "", true, fmt::format("{} has no type, and `{}` takes it", kind.witness, world.patterns[kind.patterns.front()])});
    if (!kind.host.empty()) {
      Difference wins{"", kind.witness, "file", "", true, fmt::format("{} should have type {}, and the host's entry {} wins", kind.witness, kind.type, kind.host)};
      for (const uint32_t p : kind.patterns) wins.patterns.push_back(world.patterns[p]);
      Report(std::move(wins));
    }
    if (!kind.reused.empty() && kind.reused != kind.type) Report({"", kind.witness, "file", "", false, fmt::format("{} has the host's type {}, which is reused for other paths", kind.witness, kind.reused)});
    if (!kind.type.empty() && decoded.types.count(kind.type) == 0) Report({"", kind.witness, "file", "", true, fmt::format("{} has type {}, which the policy does not have", kind.witness, kind.type)});
  }
}

}  // namespace ravelin::selinux
