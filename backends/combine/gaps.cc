#include "backends/combine/gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "backends/combine/labels.h"
#include "compiler/base/check.h"
#include "compiler/ir/booleans.h"
#include "compiler/ir/operation_words.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::combine {
namespace {

using ir::Box;
using ir::Boxes;
using ir::Effect;
using ir::Rule;

bool Has(const std::vector<std::string>& layers, std::string_view layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); }

std::string LayerName(std::string_view layer) {
  if (layer == "apparmor") return "AppArmor";
  if (layer == "selinux") return "SELinux";
  return "seccomp";
}

class Finder {
 public:
  Finder(Effective& effective, const std::vector<std::string>& layers, const Box* at = nullptr) : effective_(effective), domain_(effective.domain()), at_(at) {
    for (const char* layer : {"seccomp", "apparmor", "selinux"}) {
      if (Has(layers, layer)) layers_.emplace_back(layer);
    }
  }

  Result<std::vector<Gap>> Run() {
    const ir::FacetId syscall = ir::FacetOf("syscall");
    for (size_t facet = 0; facet < kernel::Facets().size(); ++facet) {
      if (facet == syscall) continue;
      for (size_t operation = 0; operation < kernel::Facets()[facet].operations.size(); ++operation) {
        const auto done = One(static_cast<ir::FacetId>(facet), static_cast<int>(operation));
        if (!done) return tl::make_unexpected(done.error());
      }
    }
    Transitions();
    const auto done = Booleans();
    if (!done) return tl::make_unexpected(done.error());
    if (Has(layers_, "selinux") && effective_.module() != nullptr) {
      for (Gap& gap : LabelGaps(domain_, *effective_.module(), layers_)) {
        if (gap.wider && Has(layers_, "seccomp")) {
          gap.carrier = effective_.FindCarrier(gap.facet, gap.operation, {}, Effective::Ways::kEntrances);
          if (!gap.carrier) continue;
        }
        gaps_.push_back(std::move(gap));
      }
    }
    for (Gap& gap : FileSystemGaps(domain_, layers_)) gaps_.push_back(std::move(gap));
    if (const auto found = ExclusiveLocks(); !found) return tl::make_unexpected(found.error());
    return std::move(gaps_);
  }

  Result<std::vector<Gap>> RunAt(ir::FacetId facet, int operation) {
    const auto done = One(facet, operation);
    if (!done) return tl::make_unexpected(done.error());
    if (facet == ir::FacetOf("exec") || facet == ir::FacetOf("domain")) Transitions();
    return std::move(gaps_);
  }

 private:
  Result<void> One(ir::FacetId facet, int operation) {
    bool mediated = false;
    RAVELIN_TRY(permitted, effective_.Permitted(facet, operation));
    if (permitted->size() == 1 && permitted->front().integers.empty() && permitted->front().texts.empty()) return {};  // nothing is refused
    RAVELIN_TRY(passed, effective_.PassedByAll(layers_, facet, operation, &mediated));
    const kernel::FacetInfo& info = kernel::Facets()[facet];
    if (!mediated && kernel::OperationIsPassive(info.name, info.operations[static_cast<size_t>(operation)])) return {};
    if (!mediated) {
      RAVELIN_TRY(possible, CanBeCarried(info.name));
      if (!possible) return {};
    }
    // A name is given to what another was taken from.
    if (const auto& [name, from] = std::pair(info.operations[static_cast<size_t>(operation)], ir::OperationsNamed(facet, "rename_from")); name == "rename_to" && !passed.empty()) {
      bool asked = false;
      RAVELIN_TRY(taken, effective_.PassedByAll(layers_, facet, std::countr_zero(from), &asked));
      if (taken.empty()) return {};
    }
    if (at_ != nullptr) {
      Boxes here;
      for (const Box& box : passed) {
        RAVELIN_TRY(both, ir::Meet(box, *at_));
        if (both) here.push_back(std::move(*both));
      }
      passed = std::move(here);
    }
    RAVELIN_TRY(excess, ir::Minus(passed, *permitted));
    for (Box& box : excess) {
      // What is no name of an object is no attempt.
      if (const auto path = box.texts.find("path"); path != box.texts.end() && info.name != "network") {
        RAVELIN_TRY(names, path->second.Intersect(ir::PathSet::Names()));
        if (names.Empty()) continue;
        path->second = std::move(names);
      }
      std::optional<Carrier> carrier;
      if (Has(layers_, "seccomp")) {
        carrier = effective_.FindCarrier(facet, operation, box, Effective::Ways::kEntrances);
        if (!carrier) continue;
      }
      const auto done = Attribute(facet, operation, box, mediated, carrier);
      if (!done) return done;
    }
    return {};
  }

  // AppArmor asks more than `lock` of whoever locks a whole file against everybody (security/apparmor/lsm.c apparmor_file_lock: F_WRLCK,
  // which flock(2) asks for with LOCK_EX): to write it, however it was opened.
  Result<void> ExclusiveLocks() {
    if (!Has(layers_, "apparmor") || !PermitsFlock()) return {};
    const ir::FacetId file = ir::FacetOf("file");
    const int lock = std::countr_zero(ir::OperationsNamed(file, "lock"));
    RAVELIN_TRY(writable, effective_.PassedBy("apparmor", file, std::countr_zero(ir::OperationsNamed(file, "write"))));
    RAVELIN_TRY(permitted, effective_.Permitted(file, lock));
    if (!writable) return {};
    const Box plain = {{{"kind", ir::IntervalSet::Single(0)}}, {}};
    for (const Rule& rule : domain_.rules) {
      if (rule.effect != Effect::kAllow || rule.facet != file || (rule.operations >> lock & 1) == 0) continue;
      RAVELIN_TRY(mine, ir::BoxOf(rule, lock));
      RAVELIN_TRY(here, ir::Meet(mine, plain));
      Boxes locked;
      for (const Box& box : *permitted) {
        RAVELIN_TRY(both, here ? ir::Meet(box, *here) : Result<std::optional<Box>>(std::nullopt));
        if (both) locked.push_back(std::move(*both));
      }
      RAVELIN_TRY(refused, ir::Minus(locked, *writable));
      for (Box& box : refused) {
        if (const auto path = box.texts.find("path"); path != box.texts.end()) {
          RAVELIN_TRY(names, path->second.Intersect(ir::PathSet::Names()));
          if (names.Empty()) continue;
          path->second = std::move(names);
        }
        gaps_.push_back({rule.id, file, lock, false, layers_, "AppArmor asks to write the file of whoever locks it against everybody: flock(LOCK_EX)", ir::MemberOf(box), std::nullopt});
        break;
      }
    }
    return {};
  }

  // Locks of parts of a file (fcntl) are asked for as they are.
  bool PermitsFlock() const {
    if (!Has(layers_, "seccomp")) return true;
    for (const seccomp::ArchSpec& arch : effective_.spec().arches) {
      const kernel::Syscall* call = kernel::FindSyscall(arch.arch, "flock");
      const seccomp::CallAnswer* answer = call == nullptr ? nullptr : seccomp::AnswerOf(effective_.spec(), arch.arch, call->number);
      if (answer != nullptr && ir::FindArgs(seccomp::PermittedBy(*answer))) return true;
    }
    return false;
  }

  // Whether what carries the facet's attempts gets through at all.
  Result<bool> CanBeCarried(const std::string& name) {
    const kernel::CarriedBy* by = kernel::FacetIsCarriedBy(name);
    if (by == nullptr) return true;
    const ir::FacetId facet = ir::FacetOf(by->facet);
    const auto& operations = kernel::Facets()[facet].operations;
    const auto operation = static_cast<int>(std::find(operations.begin(), operations.end(), by->operation) - operations.begin());
    bool mediated = false;
    RAVELIN_TRY(passed, effective_.PassedByAll(layers_, facet, operation, &mediated));
    for (const Box& box : passed) {
      RAVELIN_TRY(both, ir::Meet(box, {{{by->attribute, ir::IntervalSet::Single(by->value)}}, {}}));
      if (both && (!Has(layers_, "seccomp") || effective_.FindCarrier(facet, operation, *both, Effective::Ways::kEntrances))) return true;
    }
    return false;
  }

  // The rules that an excess comes from.
  Result<void> Attribute(ir::FacetId facet, int operation, const Box& box, bool mediated, const std::optional<Carrier>& carrier) {
    bool found = false;
    const ir::BoxMember member = ir::MemberOf(box);  // once: thousands of rules may have this one
    const auto take = [&](const Rule& rule, const Box& where, std::string reason) {
      found = true;
      gaps_.push_back({rule.id, facet, operation, true, layers_, std::move(reason), &where == &box ? member : ir::MemberOf(where), carrier});
    };
    // A refusal that nothing enforces is the deny's own gap.
    for (const Rule& rule : domain_.rules) {
      if (rule.facet != facet || rule.effect != Effect::kDeny || (rule.operations >> operation & 1) == 0) continue;
      RAVELIN_TRY(own, ir::BoxOf(rule, operation));
      RAVELIN_TRY(both, ir::Meet(own, box));
      if (both) take(rule, *both, Reason(facet, operation, rule, mediated, *both));
    }
    if (found) return {};
    for (const Rule& rule : domain_.rules) {
      if (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain) continue;
      if (!mediated) {
        if (rule.facet == facet && (rule.operations >> operation & 1) != 0) take(rule, box, Reason(facet, operation, rule, false, box));
        continue;
      }
      for (const std::string& layer : layers_) {
        if (layer == "seccomp") continue;
        RAVELIN_TRY(grants, effective_.Contribution(layer, rule, facet, operation, box));
        for (const Box& grant : grants) {
          RAVELIN_TRY(both, ir::Meet(grant, box));
          if (!both) continue;
          take(rule, *both, Reason(facet, operation, rule, true, *both));
          break;
        }
      }
    }
    if (found) return {};
    // No rule of the facet: the call is permitted for its own sake.
    const std::string& name = kernel::Facets()[facet].name;
    const std::string& what = kernel::Facets()[facet].operations[static_cast<size_t>(operation)];
    const std::string reason = fmt::format("no layer mediates `{} {{ {} }}`, and its calls are permitted", name, what);
    if (carrier && carrier->shown) {
      for (const Rule& rule : domain_.rules) {
        if (rule.effect != Effect::kAllow || rule.calls.empty()) continue;
        const bool matches = std::any_of(rule.calls.begin(), rule.calls.end(), [&](const ir::CallMatch& m) { return m.arch == carrier->arch && m.number == carrier->number && m.when.Holds(carrier->args); });
        if (matches) take(rule, box, reason);
      }
    }
    if (!found) gaps_.push_back({std::nullopt, facet, operation, true, layers_, reason, member, carrier});
    return {};
  }

  // What the layers do not tell apart.
  std::string Reason(ir::FacetId facet, int operation, const Rule& rule, bool mediated, const Box& box) const {
    const kernel::FacetInfo& info = kernel::Facets()[facet];
    const std::string& name = info.operations[static_cast<size_t>(operation)];
    std::vector<std::string> names;
    for (const std::string& layer : layers_) names.push_back(LayerName(layer));
    if (!mediated) {
      std::string unseen;
      for (const auto& entry : rule.integers) unseen += (unseen.empty() ? "" : ", ") + entry.first;
      for (const auto& entry : rule.texts) {
        if (entry.first != "transition") unseen += (unseen.empty() ? "" : ", ") + entry.first;
      }
      if (rule.owner_only) unseen += unseen.empty() ? "owner" : ", owner";
      if (unseen.empty()) return fmt::format("{} {} not mediate `{} {{ {} }}`", fmt::join(names, " and "), names.size() > 1 ? "do" : "does", info.name, name);
      return fmt::format("{} {} not see {} of `{} {{ {} }}`", fmt::join(names, " and "), names.size() > 1 ? "do" : "does", unseen, info.name, name);
    }
    for (const std::string& layer : layers_) {
      if (layer == "seccomp") continue;
      const std::string asked = effective_.AskedOf(layer, facet, operation);
      if (asked.empty()) continue;
      // Among what the rule names it is the label that the object gets; elsewhere, its directory.
      if (layer == "selinux" && (name == "rename_to" || name == "link" || (name.rfind("create", 0) == 0 && effective_.module() != nullptr))) {
        const auto own = ir::BoxOf(rule, operation);
        const auto both = own ? ir::Meet(*own, box) : Result<std::optional<Box>>(std::nullopt);
        if (both && !*both) return fmt::format("SELinux sees in which directory an object is {}, not its name", name.rfind("create", 0) == 0 ? "made" : "put");
      }
      if (rule.facet != facet || (rule.operations >> operation & 1) == 0) return fmt::format("{} asks the same permission ({}) for `{}` as for what the rule allows", LayerName(layer), asked, name);
      std::string unseen;
      for (const auto& entry : rule.integers) {
        if (!effective_.Sees(layer, facet, operation, entry.first)) unseen += (unseen.empty() ? "" : ", ") + entry.first;
      }
      for (const auto& entry : rule.texts) {
        if (entry.first != "transition" && !effective_.Sees(layer, facet, operation, entry.first)) unseen += (unseen.empty() ? "" : ", ") + entry.first;
      }
      if (rule.owner_only && !effective_.Sees(layer, facet, operation, "owner")) unseen += unseen.empty() ? "owner" : ", owner";
      if (!unseen.empty()) return fmt::format("{} {} not see {} of `{}`", fmt::join(names, " and "), names.size() > 1 ? "do" : "does", unseen, info.name);
      // What the layer sees, and still does not tell apart here.
      const auto outside = [&](const char* attribute) {
        const auto said = rule.integers.find(attribute);
        const auto here = box.integers.find(attribute);
        return said != rule.integers.end() && here != box.integers.end() && said->second.Intersect(here->second).empty();
      };
      if (outside("port")) return fmt::format("{} is not asked for every port: not for 0, those of the kernel's local range, or the peers of datagram sockets", LayerName(layer));
      for (const char* attribute : {"protocol", "type", "family"}) {
        if (outside(attribute)) return fmt::format("{} sees the class of a socket, not its {}", LayerName(layer), attribute);
      }
      return fmt::format("{} asks the same permission ({}) for other operations of `{}`", LayerName(layer), asked, info.name);
    }
    return "";
  }

  // What is permitted while a boolean is off all the same: where no layer of the set is SELinux, or SELinux does not ask.
  Result<void> Booleans() {
    if (std::none_of(domain_.rules.begin(), domain_.rules.end(), [](const Rule& rule) { return !rule.boolean.empty(); })) return {};
    const ir::Domain off = ir::WithBooleans(domain_, {});
    Effective without(off, effective_.spec(), effective_.facts());
    std::vector<std::string> names;
    for (const std::string& layer : layers_) names.push_back(LayerName(layer));
    for (const Rule& rule : domain_.rules) {
      for (size_t i = 0; !rule.boolean.empty() && i < kernel::Facets()[rule.facet].operations.size(); ++i) {
        const auto operation = static_cast<int>(i);
        if ((rule.operations >> i & 1) == 0 || (Has(layers_, "selinux") && !effective_.AskedOf("selinux", rule.facet, operation).empty())) continue;
        RAVELIN_TRY(permitted, without.Permitted(rule.facet, operation));
        RAVELIN_TRY(own, ir::BoxOf(rule, operation));
        RAVELIN_TRY(more, ir::Minus({own}, *permitted));
        for (const Box& box : more) {
          std::optional<Carrier> carrier;
          if (Has(layers_, "seccomp")) carrier = effective_.FindCarrier(rule.facet, operation, box, Effective::Ways::kEntrances);
          if (Has(layers_, "seccomp") && !carrier) continue;
          gaps_.push_back({rule.id, rule.facet, operation, true, layers_, fmt::format("{} {} not know the boolean `{}`: what depends on it is permitted while it is off", fmt::join(names, " and "), names.size() > 1 ? "do" : "does", rule.boolean), ir::MemberOf(box), carrier});
          break;
        }
      }
    }
    return {};
  }

  // An exec that changes the domain: under no_new_privs, which an unprivileged launcher of a filter must set, AppArmor lets a process
  // keep to a subset of its profile only (security/apparmor/domain.c, 6.1); SELinux asks nnp_transition where the policy states the
  // capability for it, and else demands a bounded type (security/selinux/hooks.c check_nnp_nosuid).
  void Transitions() {
    const bool apparmor = Has(layers_, "apparmor");
    const bool selinux = Has(layers_, "selinux") && effective_.facts().selinux_policy_capabilities.count("nnp_nosuid_transition") == 0;
    if (!Has(layers_, "seccomp") || (!apparmor && !selinux)) return;
    const ir::FacetId exec = ir::FacetOf("exec");
    for (const Rule& rule : domain_.rules) {
      const auto to = rule.texts.find("transition");
      const bool leaves = rule.facet == exec && to != rule.texts.end() && to->second.front() != "self";
      const bool changes = apparmor && rule.facet == ir::FacetOf("domain");
      if ((!leaves && !changes) || rule.effect != Effect::kAllow) continue;
      Gap gap{rule.id, rule.facet, 0, false, layers_, changes ? "under no_new_privs AppArmor refuses a change of profile" : apparmor ? "under no_new_privs AppArmor refuses an exec that changes the profile"
                                                                                                                                     : "under no_new_privs SELinux refuses an exec that changes the domain",
              {},
              std::nullopt};
      const auto box = ir::BoxOf(rule, 0);
      if (box && at_ != nullptr) {
        const auto both = ir::Meet(*box, *at_);
        if (both && !*both) continue;
      }
      if (box) gap.witness = ir::MemberOf(*box);
      gaps_.push_back(std::move(gap));
    }
  }

  Effective& effective_;
  const ir::Domain& domain_;
  const Box* at_;                    // nullptr: every attempt
  std::vector<std::string> layers_;  // in the order in which they are said
  std::vector<Gap> gaps_;
};

}  // namespace

Result<std::vector<Gap>> FindGaps(Effective& effective, const std::vector<std::string>& layers) { return Finder(effective, layers).Run(); }

Result<std::vector<Gap>> FindGapsAt(Effective& effective, const std::vector<std::string>& layers, ir::FacetId facet, int operation, const Box& at) { return Finder(effective, layers, &at).RunAt(facet, operation); }

std::string_view VerdictText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kExact:
      return "exact";
    case Verdict::kWider:
      return "wider";
    case Verdict::kNarrower:
      return "narrower";
    case Verdict::kBoth:
      return "wider and narrower";
    case Verdict::kUnsupported:
      return "unsupported";
  }
  return "";
}

Result<std::vector<Verdict>> Verdicts(Effective& effective, const std::string& layer) {
  const ir::Domain& domain = effective.domain();
  RAVELIN_TRY(gaps, FindGaps(effective, {layer}));
  std::vector<Verdict> out(domain.rules.size(), Verdict::kExact);
  for (const Gap& gap : gaps) {
    if (!gap.rule) continue;
    Verdict& verdict = out[*gap.rule];
    const Verdict now = gap.wider ? Verdict::kWider : Verdict::kNarrower;
    verdict = verdict == Verdict::kExact || verdict == now ? now : Verdict::kBoth;
  }
  for (const Rule& rule : domain.rules) {
    if (layer != "selinux" || !LabelledByFileSystem(rule)) continue;
    Verdict& verdict = out[rule.id];
    verdict = verdict == Verdict::kExact || verdict == Verdict::kNarrower ? Verdict::kNarrower : Verdict::kBoth;
  }
  for (const Rule& rule : domain.rules) {
    if (rule.operations == 0) continue;
    bool seen = false;
    for (size_t i = 0; i < kernel::Facets()[rule.facet].operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      seen |= layer == "seccomp" ? effective.ShownToFilter(rule.facet, static_cast<int>(i)) : !effective.AskedOf(layer, rule.facet, static_cast<int>(i)).empty();
    }
    if (!seen) out[rule.id] = Verdict::kUnsupported;
  }
  return out;
}

}  // namespace ravelin::combine
