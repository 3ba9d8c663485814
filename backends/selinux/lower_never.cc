// `never` as neverallow: libsepol checks what the artifact grants, whoever granted it.
#include <algorithm>

#include "backends/selinux/lowering.h"
#include "backends/selinux/names.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {

void Lowering::AddNevers(const ir::Domain& domain) {
  const Reach reach(domain, cells_);
  const Current at{&domain, &reach, DomainType(domain.name), {}};
  for (const ir::Rule& rule : at.domain->rules) {
    if (rule.effect != ir::Effect::kNever) continue;
    const std::string& facet = kernel::Facets()[rule.facet].name;
    for (const Row& row : kernel::SelinuxViewRows()) {
      if (row.facet != facet || !Asked(row) || row.Sees("parent") || row.Sees("above") || row.Sees("above_target") || row.Sees("after")) continue;
      if (facet == "exec" && !(row.Sees("path") && HoldsFor(row, TransitionOf(rule)))) continue;  // the outcome of an exec is no object
      const auto& operations = kernel::Facets()[rule.facet].operations;
      const int operation = static_cast<int>(std::find(operations.begin(), operations.end(), row.operation) - operations.begin());
      if ((rule.operations >> operation & 1) == 0) continue;
      for (const Target& target : TargetsOf(at, row)) {
        for (const std::string& object_class : ClassesOf(row)) {
          if (!target.Takes(object_class)) continue;
          std::vector<Box> boxes = row.Sees("family") ? SocketBoxes(object_class) : std::vector<Box>{{}};
          bool touched = false;
          ir::IntervalSet commands;
          bool violated = false;
          for (Box& box : boxes) {
            box.insert(target.fixed.begin(), target.fixed.end());
            bool meets = true;
            for (const auto& [attribute, values] : ConditionsOf(row)) box.emplace(attribute, values);
            for (const auto& [attribute, values] : at.reach->BoxOf(rule, rule.facet, operation)) {
              const auto [found, fresh] = box.emplace(attribute, values);
              if (!fresh) found->second = found->second.Intersect(values);
              meets = meets && !found->second.empty();
            }
            if (!meets) continue;
            touched = true;
            if (const auto named = box.find("command"); named != box.end()) commands = commands.Union(LowCommands(named->second));
            violated = violated || at.reach->Permits(rule.facet, operation, box).has_value();
          }
          if (!touched) continue;
          for (const std::string& type : target.types) {
            Never never{at.type, type, object_class, {}, rule.from.place, std::nullopt};
            const auto granted = module_.allows.find({at.type, type, object_class});
            for (const std::string& permission : row.permissions) {
              const bool other = granted != module_.allows.end() && granted->second.permissions.count(permission) != 0;
              if (violated || !other) never.permissions.push_back(permission);
              // Where the permission is granted for other commands, these are forbidden by themselves.
              const auto listed = module_.commands.find({at.type, type, object_class});
              if (permission != "ioctl" || violated || !other || listed == module_.commands.end()) continue;
              const ir::IntervalSet rest = commands.Minus(listed->second.values);
              if (!rest.empty()) module_.nevers.push_back({at.type, type, object_class, {permission}, rule.from.place, rest});
            }
            if (!never.permissions.empty()) module_.nevers.push_back(std::move(never));
          }
        }
      }
    }
  }
}

}  // namespace ravelin::selinux
