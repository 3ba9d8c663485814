#include "backends/combine/effective.h"

#include <algorithm>

#include "compiler/ir/grant.h"
#include "compiler/ir/satisfy.h"
#include "compiler/kernel/apparmor_features.h"

namespace ravelin::combine {
namespace {

using ir::Box;
using ir::Boxes;
using kernel::LsmRow;

// Names of files are asked for as files or as directories; in boxes that is the attribute `kind`.
constexpr uint64_t kFile = 0, kDirectory = 1;
bool IsName(const std::string& object_class) { return object_class == "file" || object_class == "dir" || object_class == "any" || object_class == "exec"; }
std::optional<uint64_t> KindOf(const std::string& object_class) {
  if (object_class == "file" || object_class == "exec") return kFile;
  if (object_class == "dir") return kDirectory;
  return std::nullopt;
}

// True when a grant of `granted` answers what `asked` asks, permission by permission.
bool Answers(std::string_view mechanism, const LsmRow& granted, const LsmRow& asked, const std::string& permission) {
  const bool same_object = granted.object_class == asked.object_class || (IsName(granted.object_class) && IsName(asked.object_class));
  if (!same_object) return false;
  if (std::find(granted.permissions.begin(), granted.permissions.end(), permission) != granted.permissions.end()) return true;
  for (const kernel::LsmImplication& implied : kernel::LsmImplications(mechanism)) {
    if (implied.object_class == granted.object_class && implied.implied == permission && std::find(granted.permissions.begin(), granted.permissions.end(), implied.permission) != granted.permissions.end()) return true;
  }
  return false;
}

// The box as the check sees it.
Box Project(const Box& box, const LsmRow& row) {
  Box out;
  const auto sees = [&](const std::string& attribute) { return std::find(row.sees.begin(), row.sees.end(), attribute) != row.sees.end(); };
  for (const auto& [attribute, set] : box.integers) {
    if (sees(attribute)) out.integers.emplace(attribute, set);
  }
  for (const auto& [attribute, set] : box.texts) {
    if (sees(attribute)) out.texts.emplace(attribute, set);
  }
  if (const auto kind = KindOf(row.object_class)) out.integers["kind"] = ir::IntervalSet::Single(*kind);
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

// The call's arguments are in memory, where a call of the same group has them in registers (openat2).
bool TakesFromMemory(const std::string& call) {
  for (const kernel::EquivalentGroup& group : kernel::EquivalentGroups()) {
    if (group.kind == "struct" && group.calls.back() == call) return true;
  }
  return false;
}

}  // namespace

std::vector<const LsmRow*> Effective::RowsOf(std::string_view mechanism, ir::FacetId facet, int operation) const {
  const kernel::FacetInfo& info = kernel::Facets()[facet];
  std::vector<const LsmRow*> rows = kernel::LsmRowsOf(mechanism, info.name, info.operations[static_cast<size_t>(operation)]);
  std::erase_if(rows, [&](const LsmRow* row) {
    return row->object_class.empty() || std::any_of(row->wants.begin(), row->wants.end(), [&](const std::string& want) { return !kernel::HasApparmorFeature(facts_.apparmor_features, want); });
  });
  return rows;
}

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

Result<std::optional<Boxes>> Effective::PassedBy(std::string_view mechanism, ir::FacetId facet, int operation) {
  const std::vector<const LsmRow*> asked = RowsOf(mechanism, facet, operation);
  if (asked.empty()) return std::optional<Boxes>();
  Boxes passed = {{}};
  for (const LsmRow* row : asked) {
    for (const std::string& permission : row->permissions) {
      // Every operation whose grant answers this check, projected on what the check sees.
      Boxes granted;
      std::vector<const Boxes*> seen;
      for (size_t other = 0; other < kernel::Facets()[facet].operations.size(); ++other) {
        for (const LsmRow* grant : RowsOf(mechanism, facet, static_cast<int>(other))) {
          if (!Answers(mechanism, *grant, *row, permission)) continue;
          RAVELIN_TRY(boxes, Permitted(facet, static_cast<int>(other)));
          for (const Box& box : *boxes) granted.push_back(Project(box, *grant));
        }
      }
      if (const auto kind = KindOf(row->object_class)) {
        RAVELIN_TRY(of_kind, MeetAll(granted, {{{{"kind", ir::IntervalSet::Single(*kind)}}, {}}}));
        granted = std::move(of_kind);
      }
      RAVELIN_TRY(both, MeetAll(passed, granted));
      passed = std::move(both);
    }
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

Result<Boxes> Effective::Contribution(std::string_view mechanism, const ir::Rule& rule, ir::FacetId facet, int operation) const {
  Boxes out;
  if (rule.facet != facet) return out;
  for (const LsmRow* row : RowsOf(mechanism, facet, operation)) {
    for (size_t other = 0; other < kernel::Facets()[facet].operations.size(); ++other) {
      if ((rule.operations >> other & 1) == 0) continue;
      for (const LsmRow* grant : RowsOf(mechanism, facet, static_cast<int>(other))) {
        if (!Answers(mechanism, *grant, *row, row->permissions.front())) continue;
        RAVELIN_TRY(box, ir::BoxOf(rule, static_cast<int>(other)));
        out.push_back(Project(box, *grant));
      }
    }
  }
  return out;
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
        // Calls that always ask for it are its way in, and so are those that take the same from memory; the others that serve it work on
        // what was opened before.
        const bool needs = row.row->mode == kernel::RowMode::kNeeds || TakesFromMemory(call->name);
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
