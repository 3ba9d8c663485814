#include "backends/combine/checks.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::combine {
namespace {

using ir::Box;
using ir::IntervalSet;

// Kinds of file are values of the attribute `kind`, which no rule constrains.
Box OfKind(uint64_t kind) { return {{{"kind", IntervalSet::Single(kind)}}, {}}; }

IntervalSet ValuesOf(const kernel::ValueTest& test) {
  IntervalSet values;
  for (const uint64_t value : test.values) values = values.Union(IntervalSet::Single(value));
  return test.excluded ? values.Complement(32) : values;
}

std::pair<ir::FacetId, size_t> Place(const std::string& facet_name, const std::string& operation) {
  const ir::FacetId facet = ir::FacetOf(facet_name);
  const auto& operations = kernel::Facets()[facet].operations;
  const auto at = std::find(operations.begin(), operations.end(), operation);
  RAVELIN_CHECK(at != operations.end(), "a view table names an unknown operation");
  return {facet, static_cast<size_t>(at - operations.begin())};
}

Cell& CellFor(std::vector<Cell>& cells, const std::string& key, std::map<std::string, size_t>& known, Box where) {
  const auto [at, fresh] = known.emplace(key, cells.size());
  if (fresh) cells.push_back({std::move(where), {}});
  return cells[at->second];
}

bool Met(const kernel::SelinuxNeeds& needs, const LayerFacts& facts) {
  if (needs.kernel && *needs.kernel > facts.kernel) return false;
  return std::all_of(needs.policy_capabilities.begin(), needs.policy_capabilities.end(), [&](const std::string& name) { return facts.selinux_policy_capabilities.count(name) != 0; });
}

// Classes of files by the value of `kind`.
const std::vector<std::string>& FileClasses() {
  static const std::vector<std::string> classes = {"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"};
  return classes;
}

// The attributes on which the answer of a row depends, and how the object that they name is called.
struct Object {
  std::string name;  // "" : the domain itself
  std::vector<std::string> attributes;
  Check::About about = Check::About::kItself;
};
Object ObjectOf(const kernel::SelinuxViewRow& row) {
  if (row.Sees("path")) return {"path", {"path", "label"}, Check::About::kItself};
  if (row.Sees("parent")) return {"path", {"path", "label"}, Check::About::kParent};
  if (row.Sees("above")) return {"path", {"path", "label"}, Check::About::kAbove};
  if (row.Sees("above_target")) return {"path", {"target"}, Check::About::kAbove};
  if (row.Sees("on")) return {"path", {"on"}, Check::About::kItself};
  if (row.Sees("target")) return {"target", {"target"}, Check::About::kItself};
  if (row.Sees("port")) return {"port", {"port"}, Check::About::kItself};
  if (row.Sees("peer")) return {"peer", {"peer"}, Check::About::kItself};
  for (const char* fixed : {"any_file", "filesystem", "message_queue", "node", "kernel", "outside", "opener"}) {
    if (row.Sees(fixed)) return {fixed, {}, Check::About::kItself};
  }
  return {};
}

}  // namespace

bool Check::Sees(std::string_view attribute) const { return std::find(sees.begin(), sees.end(), attribute) != sees.end(); }

Checks::Checks(std::string_view mechanism, const LayerFacts& facts) {
  for (const kernel::FacetInfo& facet : kernel::Facets()) cells_.emplace_back(facet.operations.size());
  if (mechanism == "apparmor") AddApparmor(facts);
  if (mechanism == "selinux") AddSelinux(facts);
  Index(mechanism);
}

void Checks::AddApparmor(const LayerFacts& facts) {
  std::map<std::pair<ir::FacetId, size_t>, std::map<std::string, size_t>> known;
  for (const kernel::LsmRow& row : kernel::LsmRows("apparmor")) {
    if (row.object_class.empty()) continue;
    if (std::any_of(row.wants.begin(), row.wants.end(), [&](const std::string& want) { return !kernel::HasApparmorFeature(facts.apparmor_features, want); })) continue;
    const auto place = Place(row.facet, row.operation);
    std::vector<Cell>& cells = cells_[place.first][place.second];
    const auto add = [&](const std::string& object, Box where) {
      Check check;
      check.object = object;
      check.permissions = row.permissions;
      check.sees = row.sees;
      CellFor(cells, object, known[place], std::move(where)).checks.push_back(std::move(check));
    };
    // Names of files are looked up as they are, names of directories with a slash behind them.
    const bool any = row.object_class == "any";
    if (any || row.object_class == "file" || row.object_class == "exec") add("file", OfKind(0));
    if (any || row.object_class == "dir") add("dir", OfKind(1));
    if (!any && row.object_class != "file" && row.object_class != "exec" && row.object_class != "dir") add(row.object_class, {});
  }
  // What the parser grants of its own accord comes with whatever the facet permits (and with what its rules refuse: Effective::Granted).
  for (const kernel::LsmBrought& one : kernel::LsmBroughtAlong("apparmor")) {
    if (one.facet.empty()) continue;  // of the domain, not of what it permits: Effective::Granted
    const ir::FacetId facet = ir::FacetOf(one.facet);
    auto names = ir::PathSet::Parse(one.pattern);
    RAVELIN_CHECK(names.has_value(), "a view table names a malformed pattern");
    Check check;
    check.object = one.object_class;
    check.permissions = {one.permission};
    check.sees = {"path", "owner"};
    check.grants_only = true;
    Box where = OfKind(one.object_class == "dir" ? 1 : 0);
    where.integers["owner"] = IntervalSet::Single(1);
    where.texts.emplace("path", std::move(*names));
    cells_[facet].front().push_back({where, {check}});  // of the first operation: it has no path of its own
  }
}

void Checks::AddSelinux(const LayerFacts& facts) {
  std::map<std::pair<ir::FacetId, size_t>, std::map<std::string, size_t>> known;
  const auto check_of = [](const kernel::SelinuxViewRow& row, const std::string& object_class) {
    const Object object = ObjectOf(row);
    Check check;
    check.object = object_class + (object.name.empty() ? "" : " of " + object.name);
    check.permissions = row.permissions;
    check.any_suffices = row.any_suffices;
    check.sees = object.attributes;
    check.about = object.about;
    // Who may reach an object was granted its directories, too, and who may watch it the whole file system.  Of a new name of an object
    // nothing else is asked than its directory.
    check.grants_only = row.Sees("follow") || row.Sees("sometimes") || check.about == Check::About::kAbove || (check.about == Check::About::kParent && row.operation != "rename_to" && row.operation != "link") || (row.facet == "file" && row.Sees("filesystem"));
    check.low_command = row.permissions == std::vector<std::string>{"ioctl"};
    if (check.low_command) check.sees.emplace_back("command");
    for (const kernel::SelinuxCondition& condition : row.conditions) {
      if (condition.words.empty()) check.when.integers[condition.attribute] = ValuesOf(condition.numbers);
    }
    std::vector<ir::Interval> unasked;
    for (const auto& [lo, hi] : row.unasked_ports) unasked.push_back({lo, hi});
    if (!unasked.empty()) check.when.integers["port"] = IntervalSet(std::move(unasked)).Complement(64);
    return check;
  };
  for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
    if (row.classes.empty() || !Met(row.needs, facts)) continue;
    const auto place = Place(row.facet, row.operation);
    std::vector<Cell>& cells = cells_[place.first][place.second];
    auto& names = known[place];
    if (row.facet == "network") {
      for (const kernel::SelinuxSocketRow& socket : kernel::SelinuxSocketRows()) {
        const bool internet = socket.family.Holds(2) && !socket.family.excluded;
        const std::string object_class = Met(socket.needs, facts) ? socket.object_class : internet ? "rawip_socket"
                                                                                                   : "socket";
        const bool own = row.classes == std::vector<std::string>{"@socket"};
        // A name in the file system is asked for where the family has such addresses (AF_UNIX).
        const bool named = row.Sees("path") || row.Sees("above");
        if (named ? !(socket.family.Holds(1) && !socket.family.excluded) : !own && std::find(row.classes.begin(), row.classes.end(), object_class) == row.classes.end()) continue;
        const Box where = {{{"family", ValuesOf(socket.family)}, {"type", ValuesOf(socket.type)}, {"protocol", ValuesOf(socket.protocol)}}, {}};
        const std::string key = std::to_string(&socket - kernel::SelinuxSocketRows().data());
        CellFor(cells, key, names, where).checks.push_back(check_of(row, named ? row.classes.front() : object_class));
      }
      continue;
    }
    const bool files = (row.facet == "file" && !row.Sees("opener")) || row.facet == "exec";
    if (!files) {
      // Classes of capabilities differ by the user namespace, those of a mount point by its kind: they are granted together.
      for (const std::string& object_class : row.classes) {
        Check check = check_of(row, object_class);
        if (!check.grants_only) CellFor(cells, "", names, {}).checks.push_back(std::move(check));  // alone it mediates nothing
      }
      continue;
    }
    // What an exec asks for either of its outcomes is granted by exec rules alone, for the same paths.
    if (std::any_of(row.conditions.begin(), row.conditions.end(), [](const kernel::SelinuxCondition& condition) { return !condition.words.empty() && condition.numbers.excluded; })) continue;
    if (row.Sees("parent") || row.Sees("above") || row.Sees("above_target") || row.Sees("filesystem")) {
      const Check check = check_of(row, row.classes.front());
      if (cells.empty() && check.grants_only) continue;
      if (cells.empty()) CellFor(cells, "", names, {});
      for (Cell& cell : cells) {
        cell.checks.push_back(check);
        if (check.grants_only) break;  // once is enough
      }
      continue;
    }
    for (const std::string& object_class : row.classes) {
      const auto kind = std::find(FileClasses().begin(), FileClasses().end(), object_class) - FileClasses().begin();
      const Check check = check_of(row, object_class);
      CellFor(cells, object_class, names, OfKind(static_cast<uint64_t>(kind))).checks.push_back(check);
    }
  }
}

void Checks::Index(std::string_view mechanism) {
  for (size_t facet = 0; facet < cells_.size(); ++facet) {
    for (size_t operation = 0; operation < cells_[facet].size(); ++operation) {
      for (const Cell& cell : cells_[facet][operation]) {
        for (const Check& check : cell.checks) {
          const Grant grant{static_cast<ir::FacetId>(facet), static_cast<int>(operation), &cell, &check};
          for (const std::string& permission : check.permissions) {
            grants_[{check.object, permission}].push_back(grant);
            if (mechanism != "apparmor") continue;
            for (const kernel::LsmImplication& implied : kernel::LsmImplications(mechanism)) {
              if (implied.object_class == check.object && implied.permission == permission) grants_[{check.object, implied.implied}].push_back(grant);
            }
          }
        }
      }
    }
  }
}

const std::vector<Checks::Grant>& Checks::GrantsOf(const std::string& object, const std::string& permission) const {
  static const std::vector<Grant> none;
  const auto at = grants_.find({object, permission});
  return at == grants_.end() ? none : at->second;
}

}  // namespace ravelin::combine
