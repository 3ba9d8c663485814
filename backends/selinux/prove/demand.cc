#include "backends/selinux/prove/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/names.h"
#include "compiler/kernel/selinux_facts.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

using Row = kernel::SelinuxViewRow;
using Kind = DemandTarget::Kind;

bool Met(const kernel::SelinuxNeeds& needs, const TargetFacts& target) {
  if (needs.kernel && *needs.kernel > target.kernel) return false;
  for (const std::string& name : needs.policy_capabilities) {
    if (target.policy_capabilities.count(name) == 0) return false;
  }
  return true;
}

// What the kernel calls a socket (security/selinux/hooks.c socket_type_to_security_class).
std::string ClassOfSocket(uint64_t family, uint64_t type, uint64_t protocol, const TargetFacts& target) {
  for (const kernel::SelinuxSocketRow& row : kernel::SelinuxSocketRows()) {
    if (!row.family.Holds(family) || !row.type.Holds(type) || !row.protocol.Holds(protocol)) continue;
    if (Met(row.needs, target)) return row.object_class;
    break;
  }
  return family == 2 || family == 10 ? "rawip_socket" : "socket";
}

const char* ProtocolOf(const std::string& object_class) {
  return object_class == "tcp_socket" ? "tcp" : object_class == "udp_socket" ? "udp"
                                            : object_class == "dccp_socket"  ? "dccp"
                                            : object_class == "sctp_socket"  ? "sctp"
                                                                             : "";
}

// Asked of directories on the way to a name.
bool IsAbove(const Row& row) { return row.Sees("above") || row.Sees("above_target"); }

class DomainDemand {
 public:
  DomainDemand(const ir::Policy& policy, const ir::Domain& domain, const World& world, const std::vector<DecodedPort>& ports, const TargetFacts& target, Demand& out)
      : policy_(policy), domain_(domain), world_(world), ports_(ports), target_(target), out_(out), type_(DomainType(domain.name)) {}

  Result<void> Run() {
    for (size_t facet = 0; facet < kernel::Facets().size(); ++facet) {
      const FacetEvents events(domain_, static_cast<ir::FacetId>(facet), world_);
      for (const Row& row : kernel::SelinuxViewRows()) {
        if (row.facet != kernel::Facets()[facet].name || row.classes.empty() || !Met(row.needs, target_)) continue;
        const auto& operations = kernel::Facets()[facet].operations;
        const int operation = static_cast<int>(std::find(operations.begin(), operations.end(), row.operation) - operations.begin());
        if (row.facet == "exec" && !row.Sees("above")) {
          const auto done = Exec(events, operation, row);
          if (!done) return done;
        } else {
          Ask(events, operation, row);
        }
      }
    }
    Creations();
    Base();
    return {};
  }

  // Ports that rules tell apart, by protocol.
  void SpokenPorts() {
    const FacetEvents events(domain_, ir::FacetOf("network"), world_);
    const auto& family = events.AtomsOf("family");
    const auto& type = events.AtomsOf("type");
    const auto& protocol = events.AtomsOf("protocol");
    const auto takes = [](const Atoms& atoms, size_t rule, size_t atom) { return atoms.matches[rule].empty() || atoms.matches[rule][atom]; };
    for (size_t r = 0; r < events.rules().size(); ++r) {
      const auto port = events.rules()[r]->integers.find("port");
      if (port == events.rules()[r]->integers.end()) continue;
      for (size_t f = 0; f < family.size(); ++f) {
        for (size_t t = 0; t < type.size(); ++t) {
          for (size_t p = 0; p < protocol.size(); ++p) {
            if (!takes(family, r, f) || !takes(type, r, t) || !takes(protocol, r, p)) continue;
            const std::string name = ProtocolOf(SocketClass(family.numbers[f].lo, type.numbers[t].lo, protocol.numbers[p].lo));
            if (!name.empty()) out_.spoken[name] = out_.spoken[name].Union(port->second);
          }
        }
      }
    }
  }

  // What the events of one `never` rule ask of objects: those that a domain with no other rule, an allow, would be granted.
  static Result<void> Nevers(const ir::Policy& policy, const ir::Domain& domain, const ir::Rule& rule, const World& world, const std::vector<DecodedPort>& ports, const TargetFacts& target, Demand& out) {
    ir::Domain only = domain;
    only.rules = {rule};
    only.rules[0].id = 0;
    only.rules[0].effect = ir::Effect::kAllow;
    for (ir::FacetDefault& d : only.defaults) d = Refusing(d);
    Demand asked;
    asked.port_types = out.port_types;
    DomainDemand demand(policy, only, world, ports, target, asked);
    const FacetEvents events(only, rule.facet, world);
    for (const Row& row : kernel::SelinuxViewRows()) {
      if (row.facet != kernel::Facets()[rule.facet].name || row.classes.empty() || !Met(row.needs, target) || row.Sees("parent") || IsAbove(row) || row.Sees("after")) continue;
      const auto& operations = kernel::Facets()[rule.facet].operations;
      const int operation = static_cast<int>(std::find(operations.begin(), operations.end(), row.operation) - operations.begin());
      if (row.facet != "exec") {
        demand.Ask(events, operation, row);
      } else if (row.Sees("path")) {
        const auto done = demand.Exec(events, operation, row);
        if (!done) return done;
      }
    }
    for (const auto& [key, permissions] : asked.checks) {
      for (const auto& permission : permissions) out.nevers[key].emplace(permission.first, rule.from.place);
    }
    for (const auto& [key, commands] : asked.commands) {
      auto& all = out.never_commands[key];
      all = all.Union(commands);
    }
    return {};
  }

 private:
  // `event` makes the text of it: most checks are asked by many events, and the first one is kept.
  template <typename Event>
  void Need(const std::string& source, const DemandTarget& target, const std::string& object_class, const std::vector<std::string>& permissions, const Event& event) {
    auto& checks = out_.checks[{source, target, object_class}];
    for (const std::string& permission : permissions) {
      if (checks.count(permission) == 0) checks.emplace(permission, event());
    }
  }

  const std::string& SocketClass(uint64_t family, uint64_t type, uint64_t protocol) const {
    const auto [at, fresh] = socket_classes_.try_emplace({family, type, protocol});
    if (fresh) at->second = ClassOfSocket(family, type, protocol, target_);
    return at->second;
  }

  DemandTarget TargetOfKind(uint32_t kind) const {
    if (world_.kinds[kind].type.empty()) return {Kind::kRestFiles, "", 0};
    return {Kind::kPath, "", kind};
  }

  DemandTarget TargetOf(const FacetEvents::Object& object) const {
    if (!object.label.empty()) return {Kind::kType, object.label, 0};
    return TargetOfKind(object.kind);
  }

  std::vector<DemandTarget> AnyFile() const {
    std::vector<DemandTarget> all = {{Kind::kRestFiles, "", 0}};
    for (uint32_t k = 0; k < world_.kinds.size(); ++k) all.push_back(TargetOfKind(k));
    for (const std::string& label : world_.file_labels) all.push_back({Kind::kType, label, 0});
    return all;
  }

  // Objects by the name that they have; what has a label alone has none of ours.
  std::vector<DemandTarget> OldNames(const std::vector<uint32_t>& kinds) const {
    std::vector<DemandTarget> all;
    bool nobodys = false;
    for (const uint32_t k : kinds) {
      all.push_back(TargetOfKind(k));
      nobodys = nobodys || (world_.kinds[k].patterns.empty() && world_.kinds[k].type.empty());
    }
    for (const std::string& label : world_.file_labels) {
      if (nobodys) all.push_back({Kind::kType, label, 0});
    }
    return all;
  }

  DemandTarget PeerTarget(const std::string& peer) const {
    if (peer == "outside") return {Kind::kRestDomains, "", 0};
    if (peer.rfind("label:", 0) == 0) return {Kind::kType, peer.substr(6), 0};
    return {Kind::kType, peer == "self" ? type_ : DomainType(peer), 0};
  }

  std::string Show(const Row& row, const FacetEvents::Object* object) const {
    std::string what = fmt::format("{} {}", row.facet, row.operation);
    if (object != nullptr) what += " on " + (object->label.empty() ? world_.kinds[object->kind].witness : "label " + object->label);
    return what;
  }

  static std::vector<std::string> SeenBy(const Row& row) {
    std::vector<std::string> seen;
    for (const char* attribute : {"family", "type", "protocol", "port", "peer", "target"}) {
      if (row.Sees(attribute) || (row.Sees("above_target") && std::string_view(attribute) == "target")) seen.emplace_back(attribute);
    }
    for (const auto& condition : row.conditions) seen.push_back(condition.attribute);
    return seen;
  }

  // Classes of the object of an event; none where the row is not asked of it.
  std::vector<std::string> ClassesOf(const FacetEvents& events, const Row& row, const FacetEvents::Values& values) const {
    for (const auto& condition : row.conditions) {
      if (!condition.numbers.Holds(events.AtomsOf(condition.attribute).numbers[values.at(condition.attribute)].lo)) return {};
    }
    if (!row.Sees("family")) return row.classes;
    const auto value = [&](const char* attribute) { return events.AtomsOf(attribute).numbers[values.at(attribute)].lo; };
    const std::string& object_class = SocketClass(value("family"), value("type"), value("protocol"));
    if (row.classes.front() == "@socket" || std::find(row.classes.begin(), row.classes.end(), object_class) != row.classes.end()) return {object_class};
    return {};
  }

  void Ask(const FacetEvents& events, int operation, const Row& row) {
    const bool by_object = row.Sees("path") || row.Sees("on") || row.Sees("parent") || row.Sees("above");
    const bool whole = row.facet == "file" && row.operation == "ioctl" && row.permissions == std::vector<std::string>{"ioctl"};
    std::set<uint32_t> kinds;  // for rows about directories
    events.ForEach(operation, by_object, SeenBy(row), [&](const FacetEvents::Object& object, const FacetEvents::Values& values) {
      const auto classes = ClassesOf(events, row, values);
      if (classes.empty()) return;
      if (row.Sees("above_target")) {
        const auto& old_names = events.AtomsOf("target").kinds[values.at("target")];
        kinds.insert(old_names.begin(), old_names.end());
        return;
      }
      if (row.Sees("parent") || row.Sees("above")) {
        if (object.label.empty()) kinds.insert(object.kind);
        return;
      }
      for (const DemandTarget& target : TargetsOf(events, row, object, values, classes.front())) {
        for (const std::string& object_class : classes) {
          Need(type_, target, object_class, row.permissions, [&] { return Show(row, by_object ? &object : nullptr); });
          if (row.Sees("port")) Port({type_, target, object_class}, row.permissions, events.AtomsOf("port").numbers[values.at("port")]);
          if (whole) Command({type_, target, object_class}, events.AtomsOf("command").numbers[values.at("command")]);
        }
      }
    });
    if (kinds.empty()) return;
    if (row.Sees("parent")) {
      const auto changed = FoldersOf(row, kinds);
      out_.folders.insert(changed.begin(), changed.end());
    }
    for (const uint32_t folder : FoldersOf(row, kinds)) Need(type_, TargetOfKind(folder), row.classes.front(), row.permissions, [&] { return Show(row, nullptr) + " below " + world_.kinds[folder].witness; });
  }

  std::vector<DemandTarget> TargetsOf(const FacetEvents& events, const Row& row, const FacetEvents::Object& object, const FacetEvents::Values& values, const std::string& object_class) const {
    if (row.Sees("path") || row.Sees("on")) return {TargetOf(object)};
    if (row.Sees("peer")) return {PeerTarget(events.AtomsOf("peer").texts[values.at("peer")])};
    if (row.Sees("any_file")) return AnyFile();
    if (row.Sees("target")) return OldNames(events.AtomsOf("target").kinds[values.at("target")]);
    if (row.Sees("filesystem")) return {{Kind::kAllFilesystems, "", 0}};
    if (row.Sees("message_queue")) return {{Kind::kType, kMessageQueues, 0}};
    if (row.Sees("node")) return {{Kind::kAllNodes, "", 0}};
    if (row.Sees("kernel")) return {{Kind::kType, kKernel, 0}};
    if (row.Sees("outside")) return {{Kind::kRestDomains, "", 0}};
    if (row.Sees("opener")) {
      std::vector<DemandTarget> all = {{Kind::kRestDomains, "", 0}};
      for (const ir::Domain& other : policy_.domains) all.push_back({Kind::kType, DomainType(other.name), 0});
      return all;
    }
    if (row.Sees("port")) return PortTargets(events.AtomsOf("port").numbers[values.at("port")], ProtocolOf(object_class));
    return {{Kind::kType, type_, 0}};
  }

  // Types of the ports of an interval by the policy's own table; the host's for what it does not list.
  std::vector<DemandTarget> PortTargets(const ir::Interval& interval, const std::string& protocol) const {
    ir::IntervalSet left({interval});
    std::vector<DemandTarget> targets;
    for (const DecodedPort& port : ports_) {
      const ir::IntervalSet here({{port.lo, port.hi}});
      if (port.protocol != protocol || left.Intersect(here).empty()) continue;
      const bool apart = out_.port_types.count(port.type) != 0;  // else one of the many that no rule speaks of
      targets.push_back(apart ? DemandTarget{Kind::kType, port.type, 0} : DemandTarget{Kind::kRestPorts, "", 0});
      left = left.Minus(here);
    }
    if (!left.empty()) targets.push_back({Kind::kRestPorts, "", 0});
    return targets;
  }

  void Port(const DemandKey& key, const std::vector<std::string>& permissions, const ir::Interval& ports) {
    for (const std::string& permission : permissions) {
      auto& all = out_.ports[key][permission];
      all = all.Union(ir::IntervalSet({ports}));
    }
  }

  void Command(const DemandKey& key, const ir::Interval& commands) {
    std::vector<ir::Interval> low = {{commands.lo & 0xffff, commands.hi & 0xffff}};
    if (commands.hi - commands.lo >= 0xffff) {
      low = {{0, 0xffff}};
    } else if (low[0].lo > low[0].hi) {
      low = {{0, commands.hi & 0xffff}, {commands.lo & 0xffff, 0xffff}};
    }
    auto& all = out_.commands[key];
    all = all.Union(ir::IntervalSet(low));
  }

  std::set<uint32_t> FoldersOf(const Row& row, const std::set<uint32_t>& kinds) const {
    std::set<uint32_t> labels;
    for (const auto& [label, kind] : world_.kind_of_label) {
      if (kinds.count(kind) != 0) labels.insert(label);
    }
    std::set<uint32_t> folders;
    if (IsAbove(row)) {
      for (const uint32_t label : world_.tree->Above(labels)) folders.insert(world_.kind_of_label.at(label));
    } else {
      for (const auto& entry : world_.tree->Entries()) {
        if (labels.count(entry.first.second) != 0) folders.insert(world_.kind_of_label.at(entry.first.first));
      }
    }
    return folders;
  }

  // 6.5: of the rules that permit the exec the one whose paths lie within the others' decides.
  Result<std::string> AfterExec(const FacetEvents& events, int operation, const FacetEvents::Object& object) const {
    const auto transition = [](const ir::Rule& rule) {
      const auto at = rule.texts.find("transition");
      return at == rule.texts.end() ? std::string("self") : at->second.front();
    };
    const auto takes = [&](const ir::Rule& rule, const PathKind& kind) {
      const auto path = rule.texts.find("path");
      if (path == rule.texts.end()) return true;
      return std::any_of(path->second.begin(), path->second.end(), [&](const std::string& p) { return std::binary_search(kind.patterns.begin(), kind.patterns.end(), world_.pattern_index.at(p)); });
    };
    const auto within = [&](const ir::Rule& inner, const ir::Rule& outer) {
      return std::all_of(world_.kinds.begin(), world_.kinds.end(), [&](const PathKind& kind) { return !takes(inner, kind) || takes(outer, kind); });
    };
    const ir::Rule* best = nullptr;
    for (const ir::Rule* rule : events.Permitting(operation, object)) {
      if (best == nullptr || (transition(*rule) != transition(*best) && within(*rule, *best) && object.label.empty())) best = rule;
      if (!object.label.empty()) best = rule;
    }
    if (best == nullptr) return std::string("self");
    for (const ir::Rule* rule : events.Permitting(operation, object)) {
      if (object.label.empty() && transition(*rule) != transition(*best) && !within(*best, *rule)) return Fail(ErrorCode::kUnsupported, "exec rules overlap with different transitions on " + world_.kinds[object.kind].witness);
    }
    return transition(*best);
  }

  Result<void> Exec(const FacetEvents& events, int operation, const Row& row) {
    bool filtered = domain_.layer_sets.empty();
    for (const auto& set : domain_.layer_sets) filtered = filtered || (std::count(set.begin(), set.end(), "seccomp") != 0 && std::count(set.begin(), set.end(), "selinux") != 0);
    if (row.Sees("nnp") && !filtered) return {};
    Result<void> result;
    events.ForEach(operation, true, {}, [&](const FacetEvents::Object& object, const FacetEvents::Values&) {
      const auto after = AfterExec(events, operation, object);
      if (!after) {
        result = tl::make_unexpected(after.error());
        return;
      }
      for (const auto& condition : row.conditions) {
        if ((condition.words.front() == *after) == condition.numbers.excluded) return;
      }
      const std::string after_type = *after == "self" ? type_ : *after == "unconfined_danger" ? kUnconfined
                                                                                              : DomainType(*after);
      if (*after != "self" && object.label.empty()) out_.execs.insert({type_, {object.kind, after_type}});
      if (row.Sees("after") && *after == "unconfined_danger") return;
      const DemandTarget target = row.Sees("path") ? TargetOf(object) : DemandTarget{Kind::kType, after_type, 0};
      for (const std::string& object_class : row.classes) Need(row.Sees("after") ? after_type : type_, target, object_class, row.permissions, [&] { return Show(row, &object); });
    });
    return result;
  }

  void Creations() {
    const ir::FacetId facet = ir::FacetOf("file");
    const FacetEvents events(domain_, facet, world_);
    const auto& operations = kernel::Facets()[facet].operations;
    for (size_t i = 0; i < operations.size(); ++i) {
      if (operations[i].rfind("create", 0) != 0) continue;
      for (const Row& row : kernel::SelinuxViewRows()) {
        if (row.facet != "file" || row.operation != operations[i] || !row.Sees("path") || row.permissions.front() != "create") continue;
        events.ForEach(static_cast<int>(i), true, {}, [&](const FacetEvents::Object& object, const FacetEvents::Values&) {
          if (object.label.empty()) out_.creations[{type_, row.classes.front()}].insert(object.kind);
        });
      }
    }
  }

  static ir::FacetDefault Refusing(ir::FacetDefault d) {
    d.stated = true;
    d.action = ir::Action{ir::ActionKind::kErrno, 1};
    return d;
  }

  // base/grants.tsv, as far as the domain is the source.
  void Base() {
    for (const BaseGrant& grant : BaseGrants()) {
      if (grant.source != "domain" || (target_.container && grant.target != "self" && grant.target != "domain")) continue;
      std::vector<DemandTarget> targets = {{Kind::kType, type_, 0}};
      if (grant.target == "launcher") targets = {{Kind::kType, kLauncher, 0}};
      if (grant.target == "terminals") targets = {{Kind::kType, kTerminals, 0}};
      if (grant.target == "filesystems") targets = {{Kind::kAllFilesystems, "", 0}};
      if (grant.target == "entry" && domain_.attach.empty()) targets = {{Kind::kType, EntryType(domain_.name), 0}};
      if (grant.target == "entry" && !domain_.attach.empty()) {
        targets.clear();
        for (uint32_t k = 0; k < world_.kinds.size(); ++k) {
          const bool attached = std::any_of(domain_.attach.begin(), domain_.attach.end(), [&](const std::string& p) { return std::binary_search(world_.kinds[k].patterns.begin(), world_.kinds[k].patterns.end(), world_.pattern_index.at(p)); });
          if (attached) targets.push_back(TargetOfKind(k));
        }
      }
      for (const DemandTarget& target : targets) {
        Need(type_, target, grant.object_class, grant.permissions, [&] { return "the base: " + grant.reason; });
        if (std::count(grant.permissions.begin(), grant.permissions.end(), "ioctl") != 0) Command({type_, target, grant.object_class}, {0, 0xffff});
      }
    }
    if (!target_.container) return;
    for (const BaseGrant& grant : ContainerGrants()) {
      const DemandTarget target{Kind::kType, grant.target == "socket" ? domain_.name + ".socket" : grant.target, 0};
      Need(type_, target, grant.object_class, grant.permissions, [&] { return "the base: " + grant.reason; });
      if (std::count(grant.permissions.begin(), grant.permissions.end(), "ioctl") != 0) Command({type_, target, grant.object_class}, {0, 0xffff});
    }
  }

  const ir::Policy& policy_;
  const ir::Domain& domain_;
  const World& world_;
  const std::vector<DecodedPort>& ports_;
  const TargetFacts& target_;
  Demand& out_;
  const std::string type_;
  mutable std::map<std::array<uint64_t, 3>, std::string> socket_classes_;  // by family, type and protocol
};

}  // namespace

Result<Demand> DemandOf(const ir::Policy& policy, const World& world, const std::vector<DecodedPort>& ports, const TargetFacts& target) {
  Demand demand;
  for (const ir::Domain& domain : policy.domains) DomainDemand(policy, domain, world, ports, target, demand).SpokenPorts();
  std::map<std::string, ir::IntervalSet> left = demand.spoken;
  for (const DecodedPort& port : ports) {  // the first that holds a port decides
    const ir::IntervalSet here({{port.lo, port.hi}});
    if (left[port.protocol].Intersect(here).empty()) continue;
    demand.port_types.insert(port.type);
    left[port.protocol] = left[port.protocol].Minus(here);
  }
  for (const ir::Domain& domain : policy.domains) {
    const auto done = DomainDemand(policy, domain, world, ports, target, demand).Run();
    if (!done) return tl::make_unexpected(done.error());
  }
  for (const ir::Domain& domain : policy.domains) {
    for (const ir::Rule& rule : domain.rules) {
      if (rule.effect != ir::Effect::kNever) continue;
      const auto done = DomainDemand::Nevers(policy, domain, rule, world, ports, target, demand);
      if (!done) return tl::make_unexpected(done.error());
    }
  }
  return demand;
}

}  // namespace ravelin::selinux
