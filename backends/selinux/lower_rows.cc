// One row of the view at a time: which objects it is asked for, and what of that is permitted.
#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/lowering.h"
#include "backends/selinux/names.h"
#include "compiler/base/check.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

using ir::IntervalSet;

IntervalSet ValuesOf(const kernel::ValueTest& test) {
  IntervalSet values;
  for (const uint64_t v : test.values) values = values.Union(IntervalSet::Single(v));
  return test.excluded ? values.Complement(32) : values;
}

// Both boxes' constraints; false where they exclude each other.
bool Constrain(Box& box, const std::string& attribute, const IntervalSet& values) {
  const auto [at, fresh] = box.emplace(attribute, values);
  if (!fresh) at->second = at->second.Intersect(values);
  return !at->second.empty();
}

}  // namespace

Box Lowering::ConditionsOf(const Row& row) {
  Box conditions;
  for (const kernel::SelinuxCondition& condition : row.conditions) {
    if (condition.words.empty()) Constrain(conditions, condition.attribute, ValuesOf(condition.numbers));
  }
  return conditions;
}

std::vector<std::string> Lowering::ClassesOf(const Row& row) const {
  if (row.classes != std::vector<std::string>{"@socket"}) return row.classes;
  std::set<std::string> classes;
  for (const kernel::SelinuxSocketRow& socket : kernel::SelinuxSocketRows()) classes.insert(socket.object_class);
  return {classes.begin(), classes.end()};
}

// Families, types and protocols whose sockets have the class.
std::vector<Box> Lowering::SocketBoxes(const std::string& object_class) const {
  std::vector<Box> boxes;
  for (const kernel::SelinuxSocketRow& socket : kernel::SelinuxSocketRows()) {
    const bool extended = std::all_of(socket.needs.policy_capabilities.begin(), socket.needs.policy_capabilities.end(), [&](const std::string& name) { return target_.policy_capabilities.count(name) != 0; });
    const bool known = extended && (!socket.needs.kernel || *socket.needs.kernel <= target_.kernel);
    const bool internet = socket.family.Holds(2) && !socket.family.excluded;
    const std::string actual = known ? socket.object_class : internet ? "rawip_socket"
                                                                      : "socket";
    if (actual != object_class) continue;
    boxes.push_back({{"family", ValuesOf(socket.family)}, {"type", ValuesOf(socket.type)}, {"protocol", ValuesOf(socket.protocol)}});
  }
  return boxes;
}

std::vector<Lowering::Target> Lowering::PathTargets(const Current& at, const std::string& attribute) const {
  std::vector<Target> targets;
  const bool labelled = attribute == "path";
  Box rest = {{attribute, IntervalSet::Single(0)}};
  for (const auto& [label, type] : types_) {
    Target target{{{attribute, IntervalSet::Single(label)}}, {type}, {}};
    if (labelled) target.fixed["label"] = IntervalSet::Single(Vocabulary::kOther);
    targets.push_back(std::move(target));
  }
  for (const std::string& name : module_.labels) {
    Target target{rest, {name}, {}};
    if (labelled) target.fixed["label"] = IntervalSet::Single(at.reach->vocabulary().Number("label", name));
    targets.push_back(std::move(target));
  }
  if (labelled) rest["label"] = IntervalSet::Single(Vocabulary::kOther);
  targets.push_back({std::move(rest), {RestFiles(module_.name)}, {}});
  return targets;
}

std::vector<Lowering::Target> Lowering::PeerTargets(const Current& at) const {
  const auto fixed = [&](const std::string& text) { return Box{{"peer", IntervalSet::Single(at.reach->vocabulary().Number("peer", text))}}; };
  std::vector<Target> targets = {{fixed("self"), {at.type}}, {fixed("outside"), {RestDomains(module_.name)}}};
  for (const DomainTypes& other : module_.domains) {
    if (other.name == at.domain->name) continue;
    targets.push_back({fixed(other.name), {other.type}});
  }
  for (const std::string& name : module_.peers) targets.push_back({fixed("label:" + name), {name}});
  return targets;
}

std::vector<std::string> Lowering::FileTypes() const {
  std::vector<std::string> types;
  for (const auto& [label, type] : types_) types.push_back(type);
  types.insert(types.end(), module_.labels.begin(), module_.labels.end());
  types.push_back(RestFiles(module_.name));
  return types;
}

std::vector<Lowering::Target> Lowering::TargetsOf(const Current& at, const Row& row) const {
  if (row.Sees("path")) return PathTargets(at, "path");
  if (row.Sees("on")) return PathTargets(at, "on");
  if (row.Sees("target")) return PathTargets(at, "target");
  if (row.Sees("peer")) return PeerTargets(at);
  if (row.Sees("any_file")) return {{{}, FileTypes()}};
  if (row.Sees("filesystem")) return {{{}, {kFilesystems}}};
  if (row.Sees("message_queue")) return {{{}, {kMessageQueues}}};
  if (row.Sees("node")) return {{{}, {kNodes}}};
  if (row.Sees("kernel")) return {{{}, {kKernel}}};
  if (row.Sees("outside")) return {{{}, {RestDomains(module_.name)}}};
  if (row.Sees("opener")) {
    Target all{{}, {RestDomains(module_.name)}, {}};
    for (const DomainTypes& domain : module_.domains) all.types.push_back(domain.type);
    return {std::move(all)};
  }
  if (row.Sees("port")) {
    std::vector<Target> targets;
    for (const std::string protocol : kProtocols) {
      IntervalSet named;
      for (const PortType& port : module_.ports) {
        if (port.protocols.count(protocol) == 0) continue;
        targets.push_back({{{"port", port.ports}}, {port.type}, protocol + "_socket"});
        named = named.Union(port.ports);
      }
      targets.push_back({{{"port", named.Complement(16)}}, {RestPorts(module_.name)}, protocol + "_socket"});
    }
    return targets;
  }
  return {{{}, {at.type}}};
}

void Lowering::LowerRow(const Current& at, ir::FacetId facet, int operation, const Row& row) {
  const std::string& name = kernel::Facets()[facet].name;
  if (row.Sees("parent") || row.Sees("above") || row.Sees("above_target")) return LowerFolders(at, facet, operation, row);
  if (name == "exec") return LowerExec(at, operation, row);
  const Box conditions = ConditionsOf(row);
  const bool socket = row.Sees("family");
  for (const Target& target : TargetsOf(at, row)) {
    if (name == "file" && row.operation == "ioctl" && row.permissions == std::vector<std::string>{"ioctl"}) {
      LowerCommands(at, facet, operation, row, target);
      continue;
    }
    for (const std::string& object_class : ClassesOf(row)) {
      if (!target.Takes(object_class)) continue;
      std::vector<Box> boxes = socket ? SocketBoxes(object_class) : std::vector<Box>{{}};
      Places places;
      for (Box& box : boxes) {
        box.insert(target.fixed.begin(), target.fixed.end());
        box.insert(conditions.begin(), conditions.end());
        const auto permitted = at.reach->Permits(facet, operation, box);
        if (permitted) places.insert(permitted->begin(), permitted->end());
      }
      if (places.empty()) continue;
      for (const std::string& type : target.types) Add(at.type, type, object_class, row.permissions, places);
    }
  }
}

IntervalSet Lowering::LowCommands(const IntervalSet& commands) {
  std::vector<ir::Interval> low;
  for (const ir::Interval& i : commands.intervals()) {
    if (i.hi - i.lo >= 0xffff) {
      low.push_back({0, 0xffff});
    } else if ((i.lo & 0xffff) <= (i.hi & 0xffff)) {
      low.push_back({i.lo & 0xffff, i.hi & 0xffff});
    } else {
      low.push_back({i.lo & 0xffff, 0xffff});
      low.push_back({0, i.hi & 0xffff});
    }
  }
  return IntervalSet(std::move(low));
}

// ioctl: which commands are permitted, by their low 16 bits.
void Lowering::LowerCommands(const Current& at, ir::FacetId facet, int operation, const Row& row, const Target& target) {
  std::set<uint64_t> edges = {0};
  const auto edge = [&](const IntervalSet& set) {
    for (const ir::Interval& i : set.intervals()) {
      edges.insert(i.lo);
      if (i.hi < 0xffffffff) edges.insert(i.hi + 1);
    }
  };
  IntervalSet asked = IntervalSet::All(32);
  for (const kernel::SelinuxCondition& condition : row.conditions) asked = asked.Intersect(ValuesOf(condition.numbers));
  const auto& cell = target.fixed.at("path");
  for (const ir::Rule* rule : at.reach->Candidates(facet, operation, static_cast<uint32_t>(cell.Min()))) {
    const auto command = rule->integers.find("command");
    if (command != rule->integers.end()) edge(command->second);
  }
  std::vector<ir::Interval> permitted;
  Places places;
  for (auto lo = edges.begin(); lo != edges.end(); ++lo) {
    const auto next = std::next(lo);
    const ir::Interval part{*lo, next == edges.end() ? 0xffffffff : *next - 1};
    Box box = target.fixed;
    box["command"] = IntervalSet({part}).Intersect(asked);
    if (box["command"].empty()) continue;
    const auto by = at.reach->Permits(facet, operation, box);
    if (!by) continue;
    places.insert(by->begin(), by->end());
    for (const ir::Interval& i : box["command"].intervals()) permitted.push_back(i);
  }
  if (permitted.empty()) return;
  const IntervalSet commands = LowCommands(IntervalSet(std::move(permitted)));
  for (const std::string& object_class : row.classes) {
    for (const std::string& type : target.types) {
      Add(at.type, type, object_class, row.permissions, places);
      if (commands != IntervalSet::All(16)) module_.commands[{at.type, type, object_class}] = {commands, places};
    }
  }
}

std::set<uint32_t> Lowering::PermittedCells(const Current& at, ir::FacetId facet, int operation, Box fixed, const std::string& attribute) const {
  std::set<uint32_t> cells;
  if (attribute == "path") fixed["label"] = IntervalSet::Single(Vocabulary::kOther);
  for (const auto& [label, witness] : cells_.tree->Witnesses()) {
    fixed[attribute] = IntervalSet::Single(label);
    if (at.reach->Permits(facet, operation, fixed)) cells.insert(label);
  }
  return cells;
}

// Rows about the directories that an object stands in.
void Lowering::LowerFolders(const Current& at, ir::FacetId facet, int operation, const Row& row) {
  const auto permitted = PermittedCells(at, facet, operation, ConditionsOf(row), row.Sees("above_target") ? "target" : "path");
  if (permitted.empty()) return;
  const Places places = {fmt::format("{} {} on what lies below", row.facet, row.operation)};
  std::set<uint32_t> folders;
  if (!row.Sees("parent")) {
    folders = cells_.tree->Above(permitted);
  } else {
    for (const auto& entry : cells_.tree->Entries()) {
      if (permitted.count(entry.first.second) != 0) folders.insert(entry.first.first);
    }
  }
  for (const uint32_t label : folders) {
    for (const std::string& object_class : row.classes) Add(at.type, TypeOfLabel(label), object_class, row.permissions, places);
  }
}

}  // namespace ravelin::selinux
