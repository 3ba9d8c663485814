#include "backends/combine/effective.h"

#include <algorithm>
#include <set>

#include "backends/selinux/names.h"
#include "compiler/ir/grant.h"
#include "compiler/ir/satisfy.h"
#include "compiler/kernel/lsm_view.h"

namespace ravelin::combine {
namespace {

using ir::Box;
using ir::Boxes;

// Commands whose low 16 bits are those of some member, as far as the domain's rules tell commands apart: with the high halves that
// they name, and one that none names.
ir::IntervalSet WithSameLowHalf(const ir::IntervalSet& commands, const ir::Domain& domain) {
  std::set<uint64_t> highs = {0};
  for (const ir::Rule& rule : domain.rules) {
    const auto at = rule.integers.find("command");
    if (at == rule.integers.end()) continue;
    for (const ir::Interval& i : at->second.intervals()) highs.insert({i.lo >> 16 & 0xffff, i.hi >> 16 & 0xffff});
  }
  for (uint64_t high = 1; high <= 0xffff; ++high) {
    if (highs.insert(high).second) break;
  }
  std::vector<ir::Interval> low;
  for (const ir::Interval& i : commands.intervals()) {
    if (i.hi - i.lo >= 0xffff) return ir::IntervalSet::All(32);
    if ((i.lo & 0xffff) <= (i.hi & 0xffff)) {
      low.push_back({i.lo & 0xffff, i.hi & 0xffff});
    } else {
      low.push_back({i.lo & 0xffff, 0xffff});
      low.push_back({0, i.hi & 0xffff});
    }
  }
  std::vector<ir::Interval> all;
  for (const uint64_t high : highs) {
    for (const ir::Interval& i : low) all.push_back({high << 16 | i.lo, high << 16 | i.hi});
  }
  return ir::IntervalSet(std::move(all));
}

// As few boxes as can be had by joining those that differ in their paths alone.
Result<Boxes> JoinPaths(Boxes boxes) {
  Boxes out;
  for (Box& box : boxes) {
    const auto path = box.texts.find("path");
    const auto same = std::find_if(out.begin(), out.end(), [&](const Box& other) {
      return other.integers == box.integers && box.texts.size() == (path == box.texts.end() ? 0u : 1u) && other.texts.size() == box.texts.size() && (path == box.texts.end()) == (other.texts.count("path") == 0);
    });
    if (same == out.end()) {
      out.push_back(std::move(box));
    } else if (path != box.texts.end()) {
      ir::PathSet& joined = same->texts.at("path");
      RAVELIN_TRY(more, path->second.Minus(joined));
      if (more.Empty()) continue;
      RAVELIN_TRY(both, joined.Union(path->second));
      joined = std::move(both);
    }
  }
  return out;
}

Result<Boxes> MeetAll(const Boxes& a, const Boxes& b) {
  Boxes out;
  for (const Box& x : a) {
    for (const Box& y : b) {
      RAVELIN_TRY(both, ir::Meet(x, y));
      if (both) out.push_back(std::move(*both));
    }
  }
  return out;
}

// An object that a rule names by label stands in no directory that is known: the rule grants none (backends/selinux/lower_rows.cc).
bool InNoFolder(const Box& box, const Check& check) { return check.about != Check::About::kItself && box.texts.count("label") != 0; }

// What stands in the directories.
Boxes EntriesOf(const Boxes& directories) {
  Boxes out;
  for (Box box : directories) {
    const auto path = box.texts.find("path");
    if (path != box.texts.end()) path->second = path->second.Entries();
    out.push_back(std::move(box));
  }
  return out;
}

// The call's arguments are in memory, where a call of the same group has them in registers (openat2).
bool TakesFromMemory(const std::string& call) {
  for (const kernel::EquivalentGroup& group : kernel::EquivalentGroups()) {
    if (group.kind == "struct" && group.calls.back() == call) return true;
  }
  return false;
}

// The call names what it works on: it needs nothing that was opened before (open that creates, a rename that deletes what was there).
bool TakesNames(const kernel::Syscall& call) {
  return std::any_of(call.params.begin(), call.params.end(), [](const kernel::Param& param) { return param.name == "filename" || param.name == "pathname" || param.name == "oldname" || param.name == "newname"; });
}

}  // namespace

Result<const Boxes*> Effective::Permitted(ir::FacetId facet, int operation) {
  // Operations that the same rules speak of have the same boxes, unless they differ in the attributes that they have.
  std::vector<uint32_t> key = {facet};
  const kernel::FacetInfo& info = kernel::Facets()[facet];
  const std::string& name = info.operations[static_cast<size_t>(operation)];
  for (size_t i = 0; i < info.attributes.size(); ++i) {
    if (kernel::OperationLacks(info.name, name, info.attributes[i])) key.push_back(static_cast<uint32_t>(i));
  }
  key.push_back(name == "map_exec" ? 1001 : 1000);
  for (const ir::Rule& rule : domain_.rules) {
    if (rule.facet == facet && (rule.operations >> operation & 1) != 0) key.push_back(rule.id + 2000);
  }
  const auto known = permitted_.find(key);
  if (known != permitted_.end()) return &known->second;
  RAVELIN_TRY(boxes, ir::PermittedOf(domain_, facet, operation));
  return &permitted_.emplace(std::move(key), std::move(boxes)).first->second;
}

Result<const ir::PatternAutomaton*> Effective::Types() const {
  if (types_) return &*types_;
  std::set<std::string> patterns;
  if (module_ != nullptr) {
    for (const selinux::PathType& path : module_->paths) patterns.insert(path.patterns.begin(), path.patterns.end());
  } else {
    patterns.insert(domain_.attach.begin(), domain_.attach.end());
    for (const ir::Rule& rule : domain_.rules) {
      for (const auto& [attribute, texts] : rule.texts) {
        if (ir::IsPathAttribute(attribute)) patterns.insert(texts.begin(), texts.end());
      }
    }
  }
  const std::vector<std::string> list(patterns.begin(), patterns.end());
  RAVELIN_TRY(cells, ir::CompilePatterns(list));
  types_ = std::move(cells);
  return &*types_;
}

// The box as the check sees it.
Result<Box> Effective::Project(const Box& box, const Check& check) const {
  Box out;
  for (const auto& [attribute, set] : box.integers) {
    if (!check.Sees(attribute)) continue;
    out.integers.emplace(attribute, check.low_command && attribute == "command" ? WithSameLowHalf(set, domain_) : set);
  }
  for (const auto& [attribute, set] : box.texts) {
    if (!check.Sees(attribute)) continue;
    if (check.about == Check::About::kItself) {
      out.texts.emplace(attribute, set);
    } else if (attribute == "path" || attribute == "target") {
      // A directory has the type of others that no pattern tells apart from it.
      RAVELIN_TRY(directories, check.about == Check::About::kParent ? set.Parents() : set.Above());
      RAVELIN_TRY(types, Types());
      RAVELIN_TRY(alike, directories.ClosedUnder(*types));
      out.texts.emplace("path", std::move(alike));
    }
  }
  return out;
}

Result<const Boxes*> Effective::Granted(std::string_view mechanism, const std::string& object, const std::string& permission) {
  std::vector<std::string> key = {std::string(mechanism), object, permission};
  const auto known = granted_.find(key);
  if (known != granted_.end()) return &known->second;
  Boxes granted;
  for (const Checks::Grant& grant : ChecksOf(mechanism).GrantsOf(object, permission)) {
    RAVELIN_TRY(boxes, Permitted(grant.facet, grant.operation));
    RAVELIN_TRY(where, ir::Meet(grant.cell->where, grant.check->when));
    if (!where) continue;
    for (const Box& box : *boxes) {
      RAVELIN_TRY(asks, ir::Meet(box, *where));
      if (!asks || InNoFolder(*asks, *grant.check)) continue;
      RAVELIN_TRY(seen, Project(*asks, *grant.check));
      granted.push_back(std::move(seen));
    }
  }
  // Message queues have the type of files in memory, which is one of those that no rule has a type for: either brings the other.
  if (mechanism == "selinux" && module_ != nullptr && object.find(" of message_queue") != std::string::npos && Allows(selinux::RestFiles(module_->name), object.substr(0, object.find(' ')), permission)) granted.emplace_back();
  if (mechanism == "selinux" && module_ != nullptr && object.find(" of path") != std::string::npos && Allows(selinux::kMessageQueues, object.substr(0, object.find(' ')), permission)) {
    RAVELIN_TRY(in_memory, InMemory());
    Box box;
    box.texts.emplace("path", std::move(in_memory));
    granted.push_back(std::move(box));
  }
  // AppArmor's parser grants by itself where rules of a facet refuse, too.
  for (const Checks::Grant& grant : ChecksOf(mechanism).GrantsOf(object, permission)) {
    const bool refuses = grant.check->grants_only && mechanism == "apparmor" && std::any_of(domain_.rules.begin(), domain_.rules.end(), [&](const ir::Rule& rule) { return rule.facet == grant.facet && rule.effect == ir::Effect::kDeny; });
    if (refuses) granted.push_back(grant.cell->where);
  }
  for (const kernel::LsmBrought& one : kernel::LsmBroughtAlong("apparmor")) {
    if (mechanism != "apparmor" || !one.facet.empty() || one.object_class != object || one.permission != permission || (!domain_.hat && !domain_.has_inner)) continue;
    RAVELIN_TRY(names, ir::PathSet::Parse(one.pattern));
    granted.push_back({{{"owner", ir::IntervalSet::Single(1)}}, {{"path", std::move(names)}}});
  }
  RAVELIN_TRY(joined, JoinPaths(std::move(granted)));
  return &granted_.emplace(std::move(key), std::move(joined)).first->second;
}

// Attempts in the cell whose every check is answered.
Result<Boxes> Effective::PassedIn(std::string_view mechanism, const Cell& cell) {
  Boxes passed = {cell.where};
  for (const Check& check : cell.checks) {
    if (check.grants_only) continue;
    RAVELIN_TRY(unasked, ir::Minus(Boxes{{}}, Boxes{check.when}));
    Boxes any = unasked;
    for (const std::string& permission : check.permissions) {
      RAVELIN_TRY(granted, Granted(mechanism, check.object, permission));
      if (check.about == Check::About::kParent) {
        const Boxes entries = EntriesOf(*granted);
        any.insert(any.end(), entries.begin(), entries.end());
      } else {
        any.insert(any.end(), granted->begin(), granted->end());
      }
      if (check.any_suffices && &permission != &check.permissions.back()) continue;
      RAVELIN_TRY(both, MeetAll(passed, any));
      passed = std::move(both);
      any = unasked;
    }
  }
  return passed;
}

bool Effective::ByCreation(std::string_view mechanism, ir::FacetId facet, int operation) const {
  return mechanism == "selinux" && module_ != nullptr && kernel::Facets()[facet].name == "file" && kernel::Facets()[facet].operations[static_cast<size_t>(operation)].rfind("create", 0) == 0;
}

bool Effective::Allows(const std::string& type, const std::string& object_class, const std::string& permission) const {
  const selinux::Access access{selinux::DomainType(domain_.name), type, object_class};
  const auto has = [&](const std::map<selinux::Access, selinux::Allowed>& allows) {
    const auto at = allows.find(access);
    return at != allows.end() && at->second.permissions.count(permission) != 0;
  };
  return has(module_->allows) || std::any_of(module_->conditional.begin(), module_->conditional.end(), [&](const auto& one) { return has(one.second); });
}

Result<ir::PathSet> Effective::InMemory() const {
  RAVELIN_TRY(names, ir::PathSet::Parse("/dev/shm{,/**}"));
  for (const selinux::PathType& path : module_->paths) {
    RAVELIN_TRY(theirs, ir::PathSet::ParseAny(path.patterns));
    RAVELIN_TRY(less, names.Minus(theirs));
    names = std::move(less);
  }
  return names;
}

Result<Boxes> Effective::Created(const Cell& cell) {
  const auto check = std::find_if(cell.checks.begin(), cell.checks.end(), [](const Check& one) { return !one.grants_only; });
  const std::string object_class = check->object.substr(0, check->object.find(' '));
  const std::string source = selinux::DomainType(domain_.name);
  const std::string rest_files = selinux::RestFiles(module_->name);
  const auto grants = [&](const std::string& type, const std::string& of, const std::string& permission) { return Allows(type, of, permission); };
  RAVELIN_TRY(types, Types());
  std::vector<std::pair<std::string, ir::PathSet>> folders;  // type, the directories that have it
  for (const selinux::PathType& path : module_->paths) {
    if (!grants(path.type, "dir", "add_name")) continue;
    RAVELIN_TRY(one, ir::PathSet::Parse(ir::LiteralPattern(path.witness)));
    RAVELIN_TRY(cell_of, one.ClosedUnder(*types));
    folders.emplace_back(path.type, std::move(cell_of));
  }
  if (grants(rest_files, "dir", "add_name")) {
    ir::PathSet none = ir::PathSet::Names();
    for (const selinux::PathType& path : module_->paths) {
      RAVELIN_TRY(theirs, ir::PathSet::ParseAny(path.patterns));
      RAVELIN_TRY(less, none.Minus(theirs));
      none = std::move(less);
    }
    folders.emplace_back(rest_files, std::move(none));
  }
  if (grants(selinux::kMessageQueues, "dir", "add_name")) {
    RAVELIN_TRY(in_memory, InMemory());
    folders.emplace_back(selinux::kMessageQueues, std::move(in_memory));
  }
  Boxes out;
  for (const auto& [type, folder] : folders) {
    ir::PathSet rest = folder.Entries();
    const auto add = [&](ir::PathSet set) {
      Box box = cell.where;
      box.texts.emplace("path", std::move(set));
      out.push_back(std::move(box));
    };
    std::string made = type;
    for (const auto& [at, result] : module_->transitions) {
      if (at.source != source || at.target != type || at.object_class != object_class) continue;
      if (at.name.empty()) {
        made = result.first;
        continue;
      }
      RAVELIN_TRY(named, ir::PathSet::Parse("**/" + ir::LiteralPattern(at.name)));
      RAVELIN_TRY(here, rest.Intersect(named));
      RAVELIN_TRY(less, rest.Minus(named));
      if (grants(result.first, object_class, "create")) add(std::move(here));
      rest = std::move(less);
    }
    if (grants(made, object_class, "create")) add(std::move(rest));
  }
  return out;
}

Result<std::optional<Boxes>> Effective::PassedBy(std::string_view mechanism, ir::FacetId facet, int operation) {
  const std::vector<Cell>& cells = ChecksOf(mechanism).Of(facet, operation);
  if (cells.empty()) return std::optional<Boxes>();
  // Kinds of file for which the same operations bring what is asked are one.
  const auto alike = [&](const Cell& a, const Cell& b) {
    if (a.where.integers.count("kind") == 0 || b.where.integers.count("kind") == 0) return false;
    const auto asked = [&](const Cell& cell) {
      std::vector<std::vector<int>> all;
      for (const Check& check : cell.checks) {
        if (check.grants_only) continue;
        for (const std::string& permission : check.permissions) {
          std::vector<int> one = {check.any_suffices ? 1 : 0};
          for (const auto& [attribute, set] : check.when.integers) one.push_back(static_cast<int>(set.Min()));
          for (const Checks::Grant& grant : ChecksOf(mechanism).GrantsOf(check.object, permission)) {
            one.push_back(static_cast<int>(grant.facet));
            one.push_back(grant.operation);
          }
          all.push_back(std::move(one));
        }
      }
      return all;
    };
    return asked(a) == asked(b);
  };
  Boxes passed;
  if (ByCreation(mechanism, facet, operation)) {
    for (const Cell& cell : cells) {
      if (std::all_of(cell.checks.begin(), cell.checks.end(), [](const Check& check) { return check.grants_only; })) continue;
      RAVELIN_TRY(made, Created(cell));
      passed.insert(passed.end(), made.begin(), made.end());
    }
    return std::optional<Boxes>(std::move(passed));
  }
  std::vector<Cell> merged;
  for (const Cell& cell : cells) {
    if (std::all_of(cell.checks.begin(), cell.checks.end(), [](const Check& check) { return check.grants_only; })) continue;  // no attempt of the operation
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Cell& other) { return alike(cell, other); });
    if (same == merged.end()) {
      merged.push_back(cell);
    } else {
      ir::IntervalSet& kinds = same->where.integers.at("kind");
      kinds = kinds.Union(cell.where.integers.at("kind"));
    }
  }
  for (const Cell& cell : merged) {
    RAVELIN_TRY(one, PassedIn(mechanism, cell));
    for (Box& box : one) passed.push_back(std::move(box));
  }
  return std::optional<Boxes>(std::move(passed));
}

Result<Boxes> Effective::PassedByAll(const std::vector<std::string>& layers, ir::FacetId facet, int operation, bool* mediated) {
  Boxes passed = {{}};
  *mediated = false;
  for (const std::string& layer : layers) {
    if (layer == "seccomp") continue;
    RAVELIN_TRY(one, PassedBy(layer, facet, operation));
    if (!one) continue;
    *mediated = true;
    RAVELIN_TRY(both, MeetAll(passed, *one));
    passed = std::move(both);
  }
  return passed;
}

Result<Boxes> Effective::Contribution(std::string_view mechanism, const ir::Rule& rule, ir::FacetId facet, int operation, const Box& in) const {
  Boxes out;
  for (const Cell& cell : ChecksOf(mechanism).Of(facet, operation)) {
    for (const Check& check : cell.checks) {
      if (check.grants_only) continue;
      RAVELIN_TRY(asked, ir::Meet(check.when, in));
      if (!asked) continue;
      for (const std::string& permission : check.permissions) {
        for (const Checks::Grant& grant : ChecksOf(mechanism).GrantsOf(check.object, permission)) {
          if (rule.facet != grant.facet || (rule.operations >> grant.operation & 1) == 0) continue;
          RAVELIN_TRY(box, ir::BoxOf(rule, grant.operation));
          RAVELIN_TRY(where, ir::Meet(grant.cell->where, grant.check->when));
          if (!where) continue;
          RAVELIN_TRY(asks, ir::Meet(box, *where));
          if (!asks || InNoFolder(*asks, *grant.check)) continue;
          RAVELIN_TRY(seen, Project(*asks, *grant.check));
          const auto named = seen.texts.find("path");
          if (check.about == Check::About::kParent && named != seen.texts.end()) named->second = named->second.Entries();
          if (named != seen.texts.end() && ByCreation(mechanism, facet, operation)) {
            // Who may make it may make others in the same directories.
            RAVELIN_TRY(types, Types());
            RAVELIN_TRY(directories, named->second.Parents());
            RAVELIN_TRY(alike, directories.ClosedUnder(*types));
            named->second = alike.Entries();
          }
          RAVELIN_TRY(here, ir::Meet(cell.where, seen));
          if (here) out.push_back(std::move(*here));
        }
        if (!check.any_suffices) break;  // the others come with the first
      }
      break;  // the first check that is asked says what the attempt is about
    }
  }
  return out;
}

std::string Effective::AskedOf(std::string_view mechanism, ir::FacetId facet, int operation) const {
  for (const Cell& cell : ChecksOf(mechanism).Of(facet, operation)) {
    for (const Check& check : cell.checks) {
      if (check.grants_only) continue;
      std::string asked = check.permissions.front();
      for (size_t i = 1; i < check.permissions.size() && check.any_suffices; ++i) asked += " or " + check.permissions[i];
      return asked;
    }
  }
  return "";
}

bool Effective::Sees(std::string_view mechanism, ir::FacetId facet, int operation, const std::string& attribute) const {
  const std::vector<Cell>& cells = ChecksOf(mechanism).Of(facet, operation);
  return std::any_of(cells.begin(), cells.end(), [&](const Cell& cell) {
    return cell.where.integers.count(attribute) != 0 || std::any_of(cell.checks.begin(), cell.checks.end(), [&](const Check& check) { return !check.grants_only && (check.Sees(attribute) || check.when.integers.count(attribute) != 0); });
  });
}

bool Effective::ShownToFilter(ir::FacetId facet, int operation) const {
  for (const seccomp::ArchSpec& arch : spec_.arches) {
    for (const kernel::Syscall& call : kernel::Syscalls(arch.arch)) {
      for (const kernel::ViewRow& row : kernel::ViewRows(arch.arch, call.name)) {
        if (row.facet == kernel::Facets()[facet].name && row.operation == kernel::Facets()[facet].operations[static_cast<size_t>(operation)]) return true;
      }
    }
  }
  return false;
}

std::optional<Carrier> Effective::FindCarrier(ir::FacetId facet, int operation, const Box& box, Ways ways) const {
  bool any_row = false;
  std::optional<Carrier> serving;
  bool needed_somewhere = false;
  for (const seccomp::ArchSpec& arch : spec_.arches) {
    for (const seccomp::CallAnswer& answer : arch.calls) {
      const kernel::Syscall* call = kernel::FindSyscall(arch.arch, answer.number);
      if (call == nullptr) continue;
      for (const ir::ConditionalRow& row : ir::RowsOf(arch.arch, *call)) {
        if (row.facet != facet || row.operation != operation) continue;
        any_row = true;
        if (row.row->mode == kernel::RowMode::kFollows) continue;
        // Calls that always ask for it are its way in, and so are those that take the same from memory, or a name; the others that serve it
        // work on what was opened before.
        const bool needs = row.row->mode == kernel::RowMode::kNeeds || TakesFromMemory(call->name) || TakesNames(*call);
        needed_somewhere |= needs;
        if (!needs && serving) continue;
        ir::Rule probe;  // the box as a rule: where does it match this row, as far as registers show?
        probe.facet = facet;
        probe.operations = ir::OperationSet{1} << operation;
        for (const auto& entry : box.integers) {
          const std::string& attribute = entry.first;
          const bool bound = std::any_of(row.row->bindings.begin(), row.row->bindings.end(), [&](const auto& b) { return b.attribute == attribute; });
          if (bound) probe.integers.emplace(attribute, entry.second);
        }
        const auto args = ir::FindArgs(ir::Predicate::And({ir::RefusalOf(*call, row, probe), seccomp::PermittedBy(answer)}));
        if (!args) continue;
        if (needs) return Carrier{true, arch.arch, answer.number, *args};
        serving = Carrier{true, arch.arch, answer.number, *args};
      }
    }
  }
  // The ring's own files and sockets: its operations are open, read, write, connect and their like (io_uring/opdef.c), and pass no filter.
  const std::string& name = kernel::Facets()[facet].name;
  if (any_row && (name == "file" || name == "network")) {
    for (const seccomp::ArchSpec& arch : spec_.arches) {
      const kernel::Syscall* ring = kernel::FindSyscall(arch.arch, "io_uring_enter");
      const seccomp::CallAnswer* answer = ring == nullptr ? nullptr : seccomp::AnswerOf(spec_, arch.arch, ring->number);
      if (answer == nullptr) continue;
      const auto args = ir::FindArgs(seccomp::PermittedBy(*answer));
      if (args) return Carrier{true, arch.arch, ring->number, *args};
    }
  }
  if (!any_row) return Carrier{false, kernel::Arch::kX86_64, 0, {}};
  return needed_somewhere && ways == Ways::kEntrances ? std::nullopt : serving;
}

}  // namespace ravelin::combine
