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
    case Kind::kType: return {target.type};
    case Kind::kPath: return {world.kinds[target.path].type};
    case Kind::kFiles:
      for (const PathKind& kind : world.kinds) own.insert(kind.type);
      own.insert(world.file_labels.begin(), world.file_labels.end());
      return Minus(MembersOf(decoded, kFiles), own);
    case Kind::kDomains:
      for (const std::string& peer : world.peers) own.insert(peer.rfind("label:", 0) == 0 ? peer.substr(6) : DomainType(peer));
      return Minus(MembersOf(decoded, kDomains), own);
    case Kind::kPorts:
      for (const DecodedPort& port : decoded.ports) own.insert(port.type);
      return Minus(MembersOf(decoded, kPorts), own);
    case Kind::kFilesystems: return Minus(MembersOf(decoded, kFilesystems), {});
    case Kind::kNodes: return Minus(MembersOf(decoded, kNodes), {});
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
      const bool process = MembersOf(decoded, kDomains).count(type) != 0;
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
  for (const PathKind& kind : world.kinds) {
    if (kind.patterns.empty() && !kind.type.empty()) Report({"", kind.witness, "file", "", false, fmt::format("{} has type {}, and no pattern takes it", kind.witness, kind.type)});
    if (!kind.patterns.empty() && kind.type.empty()) Report({"", kind.witness, "file", "", true, fmt::format("{} has no type, and `{}` takes it", kind.witness, world.patterns[kind.patterns.front()])});
    if (!kind.type.empty() && decoded.types.count(kind.type) == 0) Report({"", kind.witness, "file", "", true, fmt::format("{} has type {}, which the policy does not have", kind.witness, kind.type)});
  }
}

void Comparison::Transitions() const {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::string> actual;
  std::set<std::tuple<std::string, std::string, std::string, std::string>> justified;
  for (const DecodedTransition& t : decoded.transitions) actual[{t.source, t.target, t.object_class, t.name}] = t.result;
  const auto types_of_kind = [&](uint32_t kind) {
    return TypesOf(world.kinds[kind].type.empty() ? DemandTarget{DemandTarget::Kind::kFiles, "", 0} : DemandTarget{DemandTarget::Kind::kPath, "", kind});
  };
  for (const auto& [source, exec] : demand.execs) {
    for (const std::string& type : types_of_kind(exec.first)) {
      justified.insert({source, type, "process", ""});
      const auto at = actual.find({source, type, "process", ""});
      if (at != actual.end() && at->second == exec.second) continue;
      Report({source, world.kinds[exec.first].witness, "process", "transition", true, fmt::format("{} executing {} becomes {}, not {}", source, world.kinds[exec.first].witness, at == actual.end() ? source : at->second, exec.second)});
    }
  }
  // New objects: the named transition, else the one for any name, else the directory's type.
  std::map<uint32_t, std::set<std::pair<uint32_t, std::string>>> entries;  // kind of the directory -> kinds in it, with a path
  for (const auto& [labels, path] : world.tree->Entries()) entries[world.kind_of_label.at(labels.first)].insert({world.kind_of_label.at(labels.second), path});
  const auto plain = [&](const PathKind& kind) {
    return std::any_of(kind.patterns.begin(), kind.patterns.end(), [&](uint32_t p) { return world.patterns[p].find_first_of("*?[{\\") == std::string::npos; });
  };
  for (const auto& [creator, kinds] : demand.creations) {
    for (const auto& [folder, inside] : entries) {
      std::set<std::string> open;  // types that entries with any name should get
      for (const auto& [kind, path] : inside) {
        if (kinds.count(kind) != 0 && !world.kinds[kind].type.empty() && !plain(world.kinds[kind])) open.insert(world.kinds[kind].type);
      }
      for (const std::string& folder_type : types_of_kind(folder)) {
        for (const auto& [kind, path] : inside) {
          if (kinds.count(kind) == 0 || world.kinds[kind].type.empty()) continue;
          const std::string& wanted = world.kinds[kind].type;
          std::tuple<std::string, std::string, std::string, std::string> key{creator.first, folder_type, creator.second, plain(world.kinds[kind]) ? path.substr(path.rfind('/') + 1) : ""};
          auto at = actual.find(key);
          if (at == actual.end()) {
            std::get<3>(key) = "";
            at = actual.find(key);
          }
          const std::string created = at == actual.end() ? folder_type : at->second;
          if (created == wanted) {
            justified.insert(key);
          } else if (open.size() > 1 && open.count(wanted) != 0 && !plain(world.kinds[kind])) {
            result.labels.push_back(fmt::format("{} creates {} as {}, and file_contexts say {}", creator.first, path, created, wanted));
          } else {
            Report({creator.first, path, creator.second, "create", true, fmt::format("{} creates {} as {}, and its type is {}", creator.first, path, created, wanted)});
          }
        }
      }
    }
  }
  for (const ir::Domain& domain : policy.domains) {
    const std::string source = DomainType(domain.name);
    for (const auto& [key, to] : actual) {
      if (std::get<0>(key) != source || justified.count(key) != 0) continue;
      Report({source, std::get<1>(key), std::get<2>(key), "transition", false, fmt::format("{} {} {} {}: a transition to {} that nothing asks for", source, std::get<1>(key), std::get<2>(key), std::get<3>(key), to)});
    }
    // The launcher's exec of what starts the domain.
    std::set<std::string> starts;
    for (uint32_t k = 0; k < world.kinds.size(); ++k) {
      const bool attached = std::any_of(domain.attach.begin(), domain.attach.end(), [&](const std::string& p) { return std::binary_search(world.kinds[k].patterns.begin(), world.kinds[k].patterns.end(), world.pattern_index.at(p)); });
      if (attached) starts.insert(world.kinds[k].type);
    }
    if (domain.attach.empty()) starts.insert(EntryType(domain.name));
    for (const std::string& start : starts) {
      const auto at = actual.find({kLauncher, start, "process", ""});
      if (at == actual.end() || at->second != source) Report({kLauncher, start, "process", "transition", true, fmt::format("{} does not start {}", start, source)});
    }
  }
}

}  // namespace ravelin::selinux
