#include "compiler/driver/explain_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/combine/gaps.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/explain.h"
#include "compiler/driver/gap_text.h"
#include "compiler/ir/grant.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/kernel/selinux_facts.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using ir::Box;
using ir::Decision;
using ir::Event;
using ir::ObjectCheck;
using LayerSet = std::vector<std::string>;

// In the order in which layers are asked.
LayerSet Ordered(const LayerSet& set) {
  LayerSet out;
  for (const char* layer : {"seccomp", "apparmor", "selinux"}) {
    if (std::find(set.begin(), set.end(), layer) != set.end()) out.emplace_back(layer);
  }
  return out;
}

Result<Box> BoxOf(const ObjectCheck& check) {
  Box box;
  for (const auto& [attribute, value] : check.integers) box.integers.emplace(attribute, ir::IntervalSet::Single(value));
  const std::string& facet = kernel::Facets()[check.facet].name;
  if (facet == "file" || facet == "exec") box.integers.emplace("owner", ir::IntervalSet::Single(check.owner ? 1 : 0));
  for (const auto& [attribute, text] : check.texts) {
    if (attribute == "transition") continue;
    RAVELIN_TRY(set, ir::PathSet::Parse(ir::LiteralPattern(text)));
    box.texts.emplace(attribute, std::move(set));
  }
  return box;
}

// Whether all, none or some of a box is in others.
Result<LayerVerdict> Within(const Box& box, const ir::Boxes& passed) {
  RAVELIN_TRY(outside, ir::Minus(ir::Boxes{box}, passed));
  if (outside.empty()) return LayerVerdict::kPermits;
  for (const Box& one : passed) {
    RAVELIN_TRY(both, ir::Meet(one, box));
    if (both) return LayerVerdict::kDepends;
  }
  return LayerVerdict::kRefuses;
}

std::string WithPlace(const ArtifactLine& line) { return fmt::format("line {}: {}{}", line.number, line.text, line.place.empty() ? "" : "   <- " + line.place); }

// Whether a line comes from a rule (or the default) that speaks of such attempts.
bool FromRuleAbout(const ir::Domain& domain, const ObjectCheck& check, const std::string& place) {
  if (place.find("default") != std::string::npos) return true;
  return std::any_of(domain.rules.begin(), domain.rules.end(), [&](const ir::Rule& rule) {
    return rule.facet == check.facet && rule.effect == ir::Effect::kAllow && (rule.operations >> check.operation & 1) != 0 && place.find(rule.from.place + " ") != std::string::npos;
  });
}

// Why a module does not look at an operation, in the words of its view table.
std::string WhyUnasked(const std::string& layer, const kernel::FacetInfo& facet, const std::string& operation) {
  if (layer == "apparmor") {
    const auto all = kernel::LsmRowsOf(layer, facet.name, operation);
    return all.empty() ? "" : !all.front()->object_class.empty() ? fmt::format("the target lacks {}", fmt::join(all.front()->wants, ", ")) : all.front()->source;
  }
  for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
    if (row.facet == facet.name && row.operation == operation) return row.classes.empty() ? row.source : "the target's kernel or policy is too old for it";
  }
  return "";
}

// "file,chr_file { read open }, lnk_file { read }": what is asked in the cells.
Result<std::string> AsksText(const std::vector<const combine::Cell*>& cells, const Box& box) {
  std::vector<std::pair<std::string, std::string>> groups;  // permissions, objects
  for (const combine::Cell* cell : cells) {
    std::vector<std::pair<std::string, std::vector<std::string>>> of_object;  // object -> permissions
    for (const combine::Check& check : cell->checks) {
      if (check.grants_only) continue;
      RAVELIN_TRY(asked, ir::Meet(check.when, box));
      if (!asked) continue;
      auto at = std::find_if(of_object.begin(), of_object.end(), [&](const auto& one) { return one.first == check.object; });
      if (at == of_object.end()) at = of_object.insert(of_object.end(), {check.object, {}});
      for (const std::string& permission : check.permissions) {
        if (std::find(at->second.begin(), at->second.end(), permission) == at->second.end()) at->second.push_back(permission);
      }
    }
    for (const auto& [object, permissions] : of_object) {
      const std::string text = fmt::format("{}", fmt::join(permissions, " "));
      const std::string object_class = object.substr(0, object.find(' '));
      auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == text; });
      if (at == groups.end()) {
        groups.emplace_back(text, object_class);
      } else if (("," + at->second + ",").find("," + object_class + ",") == std::string::npos) {
        at->second += "," + object_class;
      }
    }
  }
  std::string out;
  for (const auto& [permissions, objects] : groups) out += fmt::format("{}{} {{ {} }}", out.empty() ? "" : ", ", objects, permissions);
  return out;
}

// "web.rav:5:3 (implied)", without the rule's text.
std::string ShortCause(const ir::Domain& domain, const Event& event, const Decision& decision, const source::SourceManager& sources) {
  if (decision.rules.empty()) return DescribeCause(domain, event, decision, sources);
  const ir::Rule& rule = domain.rules[decision.rules.front()];
  return fmt::format("{}{}{}", rule.from.place, decision.reason == "implied" ? "  (implied)" : "", rule.from.via.empty() ? "" : "  from " + rule.from.via.back());
}

// What SELinux is told; what it cannot be told is `check`'s to report.
std::optional<selinux::Module> LowerForAnswers(const Frontend& front) {
  diag::Sink unheard;
  return LowerSelinux(front, selinux::Form::kStandalone, unheard);
}

// Refused by one is refused.
LayerVerdict Together(const std::vector<LayerAnswer>& members) {
  LayerVerdict out = LayerVerdict::kPermits;
  for (const LayerAnswer& one : members) {
    if (one.verdict == LayerVerdict::kRefuses) return LayerVerdict::kRefuses;
    if (one.verdict == LayerVerdict::kUnknown) out = LayerVerdict::kUnknown;
    if (one.verdict == LayerVerdict::kDepends && out == LayerVerdict::kPermits) out = LayerVerdict::kDepends;
  }
  return out;
}

}  // namespace

std::string_view LayerVerdictText(LayerVerdict verdict) {
  switch (verdict) {
    case LayerVerdict::kPermits: return "permits";
    case LayerVerdict::kRefuses: return "refuses";
    case LayerVerdict::kDepends: return "depends";
    case LayerVerdict::kUnseen: return "does not see it";
    case LayerVerdict::kUnknown: return "unknown";
  }
  return "";
}

Layers::Layers(const Frontend& front, size_t domain, Attempts& attempts) : front_(front), index_(domain), domain_(front.policy.domains[domain]), attempts_(attempts), module_(LowerForAnswers(front)), effective_(domain_, attempts.spec(), FactsOf(front.target), module_ ? &*module_ : nullptr) {}

Layers::~Layers() = default;

Result<SetAnswer> Layers::OfSet(const LayerSet& set, const ObjectCheck& check, bool object, bool permitted) {
  RAVELIN_TRY(box, BoxOf(check));
  SetAnswer answer;
  answer.layers = Ordered(set);
  const LayerSet& layers = answer.layers;
  for (const std::string& layer : layers) {
    if (layer == "seccomp") {
      answer.members.push_back(OfFilter(check, box, object));
    } else {
      RAVELIN_TRY(one, OfModule(layer, check, box));
      answer.members.push_back(std::move(one));
    }
  }
  answer.effective = Together(answer.members);
  const bool built = std::all_of(layers.begin(), layers.end(), [](const std::string& layer) { return IsBuilt(layer); });
  if (!built) return answer;
  RAVELIN_TRY(gaps, combine::FindGapsAt(effective_, layers, check.facet, check.operation, box));
  const auto to = check.texts.find("transition");
  for (const combine::Gap& gap : gaps) {
    // What an exec that changes the profile loses is lost only where this one does.
    if (!gap.wider && (!permitted || to == check.texts.end() || to->second == "self")) continue;
    if (!gap.wider) answer.effective = LayerVerdict::kRefuses;
    const std::string label = gap.rule ? domain_.rules[*gap.rule].label : "";
    answer.gap = fmt::format("{} than the policy: {}{}", gap.wider ? "wider" : "narrower", gap.reason, gap.rule ? fmt::format(" ({}{})", domain_.rules[*gap.rule].from.place, label.empty() ? "" : " " + label) : "");
    if (const ir::GapAcceptance* acceptance = AcceptanceOf(domain_, gap)) answer.accepted = acceptance->from.place;
    break;
  }
  if (answer.gap.empty() && answer.effective == LayerVerdict::kPermits && !permitted) answer.gap = "more than the policy says, and no gap: no call of this process carries it out";
  return answer;
}

// By a call of its own, or on what was opened before.
LayerAnswer Layers::OfFilter(const ObjectCheck& check, const Box& box, bool object) {
  LayerAnswer answer;
  answer.layer = "seccomp";
  if (!effective_.ShownToFilter(check.facet, check.operation)) {
    answer.because = "no call shows it to a filter";
    return answer;
  }
  const auto take = [&](const Event& event) {
    const Decision decision = oracle::DecideCall(domain_, event);
    answer.call = event;
    answer.asks = ShowEvent(event);
    answer.because = ShortCause(domain_, event, decision, front_.sources);
    answer.verdict = decision.permitted() ? LayerVerdict::kPermits : LayerVerdict::kRefuses;
  };
  const auto entrance = effective_.FindCarrier(check.facet, check.operation, box, combine::Effective::Ways::kEntrances);
  if (entrance && entrance->shown) {
    Event event;
    event.audit_arch = kernel::AuditArch(entrance->arch);
    event.number = entrance->number;
    event.args = entrance->args;
    take(event);
    return answer;
  }
  const Carriers& calls = attempts_.CarriersOf(domain_.architectures.front(), check);
  if (calls.permitted) {
    take(*calls.permitted);
    answer.because += "   (on what was opened before)";
    // The policy's own permission is exercised so; its refusal is kept where nothing can be opened.
    if (!object) answer.verdict = LayerVerdict::kRefuses;
  } else if (calls.refused) {
    take(*calls.refused);
  }
  return answer;
}

// A security module: what it asks, whether it lets the attempt pass, and the lines that say so.
Result<LayerAnswer> Layers::OfModule(const std::string& layer, const ObjectCheck& check, Box box) {
  LayerAnswer answer;
  answer.layer = layer;
  if (!IsBuilt(layer)) {
    answer.verdict = LayerVerdict::kUnknown;
    answer.because = "this build has no back end for it";
    return answer;
  }
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  std::vector<const combine::Cell*> cells;  // that the attempt can be in
  for (const combine::Cell& cell : effective_.CellsOf(layer, check.facet, check.operation)) {
    if (std::all_of(cell.checks.begin(), cell.checks.end(), [](const combine::Check& one) { return one.grants_only; })) continue;
    RAVELIN_TRY(here, ir::Meet(box, cell.where));
    if (here) cells.push_back(&cell);
  }
  if (cells.empty()) {
    answer.because = WhyUnasked(layer, facet, facet.operations[static_cast<size_t>(check.operation)]);
    return answer;
  }
  RAVELIN_TRY(passed, effective_.PassedBy(layer, check.facet, check.operation));
  // Kinds of file are asked for by other checks; the event does not say which it is.
  if (cells.size() == 1) {
    for (const auto& [attribute, set] : cells.front()->where.integers) box.integers.emplace(attribute, set);
  }
  std::vector<std::string> kinds;
  bool every_kind = true;
  for (const combine::Cell* cell : cells) {
    const auto kind = cell->where.integers.find("kind");
    if (kind == cell->where.integers.end() || cells.size() == 1) continue;
    Box one = box;
    one.integers.insert(*kind);
    RAVELIN_TRY(of_kind, Within(one, *passed));
    every_kind = every_kind && of_kind == LayerVerdict::kPermits;
    if (of_kind == LayerVerdict::kPermits) kinds.push_back(cell->checks.front().object.substr(0, cell->checks.front().object.find(' ')));
  }
  RAVELIN_TRY(verdict, Within(box, *passed));
  answer.verdict = verdict == LayerVerdict::kDepends && every_kind && !kinds.empty() ? LayerVerdict::kPermits : verdict;
  if (answer.verdict == LayerVerdict::kDepends && !kinds.empty()) answer.because = fmt::format("permits it of {}", fmt::join(kinds, ", "));
  RAVELIN_TRY(asks, AsksText(cells, box));
  answer.asks = std::move(asks);
  if (layer == "apparmor") {
    OfProfile(check, answer);
  } else {
    OfModuleLines(check, cells, answer);
  }
  return answer;
}

// Lines that grant what is asked of the object itself, or of its directory.
void Layers::OfModuleLines(const ObjectCheck& check, const std::vector<const combine::Cell*>& cells, LayerAnswer& answer) {
  if (!module_) return;
  if (!lines_) lines_ = std::make_unique<ModuleLines>(*module_);
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  const auto path = check.texts.find("path");
  const bool of_files = facet.name == "file" || facet.name == "exec";
  std::set<std::string> said;
  std::string missing;
  for (const combine::Cell* cell : cells) {
    for (const combine::Check& asked : cell->checks) {
      if (asked.grants_only || asked.about == combine::Check::About::kAbove) continue;
      const bool itself = asked.about == combine::Check::About::kItself;
      std::string type;
      if (of_files) {
        if (path == check.texts.end()) continue;  // any object
        type = lines_->TypeOf(itself ? path->second : path->second.substr(0, std::max<size_t>(1, path->second.rfind('/'))));
      }
      const std::string object_class = asked.object.substr(0, asked.object.find(' '));
      bool any = false;
      for (const ArtifactLine& line : lines_->Granting(domain_, object_class, asked.permissions, type)) {
        if (!of_files && !FromRuleAbout(domain_, check, line.place)) continue;
        any = true;
        if (said.insert(std::to_string(line.number)).second) answer.lines.push_back(WithPlace(line));
      }
      if (!any && itself && missing.empty()) missing = fmt::format("no line of the module grants {} {{ {} }}{}", object_class, fmt::join(asked.permissions, asked.any_suffices ? " or " : " "), type.empty() ? "" : " on " + type);
    }
  }
  if (answer.verdict == LayerVerdict::kRefuses) {
    answer.lines.clear();
    answer.because = missing.empty() ? "the module does not grant it" : missing;
  }
}

void Layers::OfProfile(const ObjectCheck& check, LayerAnswer& answer) {
  if (!profile_) profile_ = std::make_unique<ProfileLines>(front_);
  if (!profile_->problem().empty()) {
    answer.because = "no profile can be written: " + profile_->problem();
    return;
  }
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet.name, facet.operations[static_cast<size_t>(check.operation)])) {
    for (const std::string& permission : row->permissions) {
      const auto lines = profile_->Matching(index_, check, row->object_class, permission);
      const bool denied = std::any_of(lines.begin(), lines.end(), [](const ArtifactLine& line) { return line.denies; });
      for (const ArtifactLine& line : lines) {
        if (line.denies == denied) answer.lines.push_back(WithPlace(line));
      }
      if (lines.empty()) answer.because = fmt::format("no line of the profile grants {}", permission);
    }
  }
}

Result<SetAnswer> Layers::OfCall(const LayerSet& set, const Event& event, kernel::Arch arch, const kernel::Syscall& call) {
  SetAnswer answer;
  answer.layers = Ordered(set);
  for (const std::string& layer : answer.layers) {
    if (layer == "seccomp") {
      const Decision decision = oracle::DecideCall(domain_, event);
      answer.members.push_back({layer, decision.permitted() ? LayerVerdict::kPermits : LayerVerdict::kRefuses, "", "", {}, event});
      continue;
    }
    size_t asked = 0;
    for (const ir::ConditionalRow& row : ir::RowsOf(arch, call)) {
      if (row.row->mode != kernel::RowMode::kNeeds || !row.when.Holds(event.args)) continue;
      ++asked;
      ObjectCheck check;
      check.facet = row.facet;
      check.operation = row.operation;
      for (const kernel::Binding& binding : row.row->bindings) {
        for (size_t i = 0; i < call.params.size(); ++i) {
          if (call.params[i].name == binding.param) check.integers[binding.attribute] = event.args[i] & binding.mask & (call.params[i].type == kernel::ArgType::kI64 || call.params[i].type == kernel::ArgType::kU64 ? ~uint64_t{0} : 0xffffffff);
        }
      }
      Box box;  // whatever the object and its owner are
      for (const auto& [attribute, value] : check.integers) box.integers.emplace(attribute, ir::IntervalSet::Single(value));
      RAVELIN_TRY(one, OfModule(layer, check, std::move(box)));
      one.asks = fmt::format("`{}`{}", ShowCheck(arch, check), one.asks.empty() ? "" : ": " + one.asks);
      one.lines.clear();
      answer.members.push_back(std::move(one));
    }
    if (asked == 0) answer.members.push_back({layer, IsBuilt(layer) ? LayerVerdict::kUnseen : LayerVerdict::kUnknown, "", IsBuilt(layer) ? "the call asks nothing of it" : "this build has no back end for it", {}, std::nullopt});
  }
  answer.effective = Together(answer.members);
  return answer;
}

}  // namespace ravelin::driver
