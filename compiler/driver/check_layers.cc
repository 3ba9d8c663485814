// What one layer of a set grants and another makes unreachable, and capabilities that no permitted call uses.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/driver/analyze.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/grant.h"
#include "compiler/ir/satisfy.h"
#include "compiler/kernel/cross_facts.h"

namespace ravelin::driver {
namespace {

using ir::Effect;
using ir::Rule;
using LayerSet = std::vector<std::string>;

std::string LayerTitle(const std::string& layer) { return layer == "apparmor" ? "AppArmor" : layer == "selinux" ? "SELinux" : layer; }

// Modules that stand beside the filter in some declared set, each once.
std::set<std::string> ModulesBesideFilter(const ir::Domain& domain) {
  std::set<std::string> out;
  for (const LayerSet& set : domain.layer_sets) {
    if (std::find(set.begin(), set.end(), "seccomp") == set.end()) continue;
    for (const std::string& layer : set) {
      if (layer != "seccomp" && IsBuilt(layer)) out.insert(layer);
    }
  }
  return out;
}

class Checker {
 public:
  Checker(combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink) : effective_(effective), domain_(effective.domain()), spec_(spec), modules_(ModulesBesideFilter(domain_)), sink_(sink) {}

  void Run() {
    for (const Rule& rule : domain_.rules) {
      if (rule.effect != Effect::kAllow) continue;
      if (kernel::Facets()[rule.facet].name == "capability") Capability(rule);
      if (modules_.empty()) continue;
      // A module of rules serves several policies: that one has no use for a part of it is no mistake.
      if (!rule.calls.empty() && rule.from.via.empty()) Calls(rule);
      if (rule.calls.empty()) Grant(rule);
    }
  }

 private:
  // An operation is refused altogether by the filter although a module grants it.
  void Grant(const Rule& rule) {
    std::vector<std::string> dead;
    std::string module;
    for (size_t i = 0; i < kernel::Facets()[rule.facet].operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      const auto operation = static_cast<int>(i);
      const auto asks = std::find_if(modules_.begin(), modules_.end(), [&](const std::string& one) { return !effective_.CellsOf(one, rule.facet, operation).empty(); });
      if (asks == modules_.end()) continue;
      module = *asks;
      const auto box = ir::BoxOf(rule, operation);
      if (!box || effective_.FindCarrier(rule.facet, operation, *box, combine::Effective::Ways::kAll)) return;
      dead.push_back(kernel::Facets()[rule.facet].operations[i]);
    }
    if (dead.empty()) return;
    const std::string& facet = kernel::Facets()[rule.facet].name;
    auto& d = sink_.Report(diag::Kind::kUnreachableGrant, rule.from.span, fmt::format("{} grants `{} {{ {} }}`, and seccomp permits no call that carries it out", LayerTitle(module), facet, fmt::join(dead, " ")));
    const std::string refused = RefusedCarrier(facet, dead.front());
    if (!refused.empty()) d.Help(fmt::format("for example {} is refused; allow a call that does it, or take the rule away", refused));
  }

  std::string RefusedCarrier(const std::string& facet, const std::string& operation) const {
    for (const seccomp::ArchSpec& arch : spec_.arches) {
      for (const std::string& name : kernel::CallsFor(arch.arch, facet, operation)) {
        const kernel::Syscall* call = kernel::FindSyscall(arch.arch, name);
        if (call != nullptr && !ir::IsX32Number(arch.arch, call->number)) return fmt::format("`{}`", name);
      }
    }
    return "";
  }

  // Calls that a rule permits for their own sake, and that always ask for what a module refuses whatever the object is.
  void Calls(const Rule& rule) {
    std::map<std::pair<std::string, std::string>, std::set<std::string>> dead;  // module and what it refuses -> calls
    for (const ir::CallMatch& match : rule.calls) {
      const kernel::Syscall* call = kernel::FindSyscall(match.arch, match.number);
      const seccomp::CallAnswer* answer = seccomp::AnswerOf(spec_, match.arch, match.number);
      if (call == nullptr || answer == nullptr) continue;
      const ir::Predicate permitted = ir::Predicate::And({match.when, seccomp::PermittedBy(*answer)});
      std::vector<ir::Predicate> in_vain;  // registers with which something is asked that a module refuses
      std::pair<std::string, std::string> refused;
      for (const ir::ConditionalRow& row : ir::RowsOf(match.arch, *call)) {
        if (row.row->mode != kernel::RowMode::kNeeds) continue;  // an attempt that finds no object does nothing either
        const auto by = std::find_if(modules_.begin(), modules_.end(), [&](const std::string& one) { return RefusesAll(one, row.facet, row.operation); });
        if (by == modules_.end()) continue;
        if (in_vain.empty()) refused = {*by, fmt::format("{} {{ {} }}", row.row->facet, row.row->operation)};
        in_vain.push_back(row.when);
      }
      if (in_vain.empty() || !ir::FindArgs(permitted)) continue;
      if (!ir::FindArgs(ir::Predicate::And({permitted, ir::Predicate::Not(ir::Predicate::Or(std::move(in_vain)))}))) dead[refused].insert(call->name);
    }
    for (const auto& entry : dead) {
      const auto& [module, refused] = entry.first;
      sink_.Report(diag::Kind::kUnreachableCall, rule.from.span, fmt::format("seccomp permits `{}`, and {} refuses every `{}` that {} for", fmt::join(entry.second, "`, `"), LayerTitle(module), refused, entry.second.size() == 1 ? "it asks" : "they ask"))
          .Help(fmt::format("allow it to the module, too: `allow {}`; or do not permit the call", refused));
    }
  }

  bool RefusesAll(const std::string& module, ir::FacetId facet, int operation) {
    if (effective_.CellsOf(module, facet, operation).empty()) return false;
    const auto passed = effective_.PassedBy(module, facet, operation);
    return passed && *passed && (*passed)->empty();
  }

  void Capability(const Rule& rule) {
    const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
    for (const kernel::CapabilityUse& use : kernel::CapabilityUses()) {
      const auto at = std::find(facet.operations.begin(), facet.operations.end(), use.capability) - facet.operations.begin();
      if (static_cast<size_t>(at) == facet.operations.size() || (rule.operations >> at & 1) == 0) continue;
      const auto is_permitted = [&](const std::string& name) {
        return std::any_of(spec_.arches.begin(), spec_.arches.end(), [&](const seccomp::ArchSpec& arch) {
          const kernel::Syscall* call = kernel::FindSyscall(arch.arch, name);
          const seccomp::CallAnswer* answer = call == nullptr ? nullptr : seccomp::AnswerOf(spec_, arch.arch, call->number);
          return answer != nullptr && ir::FindArgs(seccomp::PermittedBy(*answer)).has_value();
        });
      };
      if (std::any_of(use.calls.begin(), use.calls.end(), is_permitted)) continue;
      sink_.Report(diag::Kind::kCapabilityUnused, rule.from.span, fmt::format("capability `{}` is granted, and no permitted call uses it", use.capability))
          .Help(fmt::format("{} {} refused; take the capability away, or allow what needs it", Some(use.calls), use.calls.size() == 1 ? "is" : "are"));
    }
  }

  // "`bind`", "`setuid`, `setreuid` and others"
  static std::string Some(const std::vector<std::string>& calls) {
    std::string out;
    for (size_t i = 0; i < std::min<size_t>(calls.size(), 3); ++i) out += fmt::format("{}`{}`", i == 0 ? "" : ", ", calls[i]);
    return calls.size() > 3 ? out + " and others" : out;
  }

  combine::Effective& effective_;
  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
  std::set<std::string> modules_;
  diag::Sink& sink_;
};

}  // namespace

void CheckLayers(combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink) { Checker(effective, spec, sink).Run(); }

}  // namespace ravelin::driver
