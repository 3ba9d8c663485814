// Resolved to ir::Policy: the statements that are not rules, and what ties a domain together.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/base/check.h"
#include "compiler/ir/operation_words.h"
#include "compiler/resolve/build_rule.h"
#include "compiler/resolve/resolve.h"

namespace ravelin::resolve {
namespace {

class DomainBuilder {
 public:
  DomainBuilder(const ResolvedDomain& resolved, const Target& target, const std::set<std::string>& policy_names,
                const source::SourceManager& sources, diag::Sink& sink)
      : resolved_(resolved), target_(target), policy_names_(policy_names), sources_(sources), sink_(sink), values_(sink) {}

  ir::Domain Build() {
    domain_.name = resolved_.policy->name.text;
    domain_.from = MakeProvenance(resolved_.policy->name.span, nullptr, std::nullopt, sources_);
    domain_.reference_kernel = target_.kernel;
    domain_.foreign = {true, {ir::ActionKind::kKillProcess, 0}, {}};
    for (const auto& property : resolved_.properties) ReadProperty(*property.statement, *property.scope);
    if (domain_.architectures.empty()) domain_.architectures = {target_.arch};
    if (domain_.layer_sets.empty()) domain_.layer_sets = target_.layer_sets;
    for (const auto& item : resolved_.defaults) ReadDefault(item);
    StayInDomain();
    const DomainContext context{domain_, policy_names_, sources_};
    RuleBuilder rules(context, sink_);
    std::vector<ir::Rule> built;
    for (const auto& item : resolved_.rules) rules.Build(item, built);
    for (size_t i = 0; i < built.size(); ++i) built[i].id = static_cast<uint32_t>(i);
    domain_.rules = std::move(built);
    CheckLabels();
    CheckDefaults();
    for (const auto& item : resolved_.gaps) ReadGap(item);
    for (const auto& item : resolved_.raws) ReadRaw(item);
    return std::move(domain_);
  }

 private:
  kernel::Arch FirstArch() const { return domain_.architectures.front(); }

  void ReportTwice(source::Span again, source::Span first, const std::string& what) {
    sink_.Report(diag::Kind::kDuplicateName, again, fmt::format("{} is stated twice", what)).Note(first, "first stated here");
  }

  void ReadProperty(const ast::Property& property, const Scope& scope) {
    const bool repeatable = property.kind == ast::PropertyKind::kAttach || property.kind == ast::PropertyKind::kLimit;
    if (!repeatable) {
      const auto [at, fresh] = properties_.emplace(property.kind, property.span);
      if (!fresh) return ReportTwice(property.span, at->second, "this");
    }
    switch (property.kind) {
      case ast::PropertyKind::kAttach:
        for (const ast::Expr& value : property.values) {
          if (const auto text = values_.String(value, scope)) domain_.attach.push_back(*text);
        }
        break;
      case ast::PropertyKind::kArchitectures:
        ReadArchitectures(property);
        break;
      case ast::PropertyKind::kReferenceKernel:
        ReadReferenceKernel(property);
        break;
      case ast::PropertyKind::kLayers:
        ReadLayers(property);
        break;
      case ast::PropertyKind::kLimit:
        ReadLimit(property, scope);
        break;
      case ast::PropertyKind::kHat:
      case ast::PropertyKind::kChild:
        ReadParent(property);
        break;
    }
  }

  void ReadLimit(const ast::Property& property, const Scope& scope) {
    const ast::Expr& name = property.values[0];
    const std::string full = name.text.rfind("RLIMIT_", 0) == 0 ? name.text : "RLIMIT_" + name.text;
    const auto resource = kernel::FindConstant(kernel::Arch::kX86_64, full);
    if (!resource) {
      std::vector<std::string_view> known;
      for (const std::string& constant : kernel::ConstantNames()) {
        if (constant.rfind("RLIMIT_", 0) == 0) known.push_back(constant);
      }
      auto& d = sink_.Report(diag::Kind::kUnknownConstant, name.span, fmt::format("there is no resource `{}`", name.text));
      const std::string hint = diag::DidYouMean(full, known);
      d.Help(hint.empty() ? fmt::format("resources are {}", fmt::join(known, ", ")) : hint);
      return;
    }
    ir::Limit limit{static_cast<uint32_t>(*resource), ~uint64_t{0}, MakeProvenance(property.span, nullptr, std::nullopt, sources_)};
    const ast::Expr& most = property.values[1];
    if (most.kind != ast::ExprKind::kName || most.text != "infinity") {
      const IntegerType type{64, false, fmt::format("`{}`", name.text), "", ""};
      const auto value = values_.Integer(most, scope, FirstArchOrTarget(), type);
      const auto bits = value ? values_.Bits(most, *value, type) : std::nullopt;
      if (!bits) return;
      limit.most = *bits;
    }
    for (const ir::Limit& other : domain_.limits) {
      if (other.resource == limit.resource) return ReportTwice(property.span, other.from.span, fmt::format("the limit of `{}`", name.text));
    }
    domain_.limits.push_back(std::move(limit));
    std::sort(domain_.limits.begin(), domain_.limits.end(), [](const ir::Limit& a, const ir::Limit& b) { return a.resource < b.resource; });
  }
  kernel::Arch FirstArchOrTarget() const { return domain_.architectures.empty() ? target_.arch : FirstArch(); }

  void ReadParent(const ast::Property& property) {
    const ast::Expr& name = property.values[0];
    if (!domain_.parent.empty()) return ReportTwice(property.span, properties_.at(domain_.hat ? ast::PropertyKind::kHat : ast::PropertyKind::kChild), "whose domain this is");
    if (policy_names_.count(name.text) == 0 || name.text == domain_.name) {
      const std::vector<std::string_view> known(policy_names_.begin(), policy_names_.end());
      auto& d = sink_.Report(diag::Kind::kUnknownName, name.span, fmt::format("`{}` is no other policy of this file", name.text));
      const std::string hint = diag::DidYouMean(name.text, known);
      if (!hint.empty()) d.Help(hint);
      return;
    }
    domain_.parent = name.text;
    domain_.hat = property.kind == ast::PropertyKind::kHat;
  }

  void ReadArchitectures(const ast::Property& property) {
    std::vector<const ast::Expr*> names;
    for (const ast::Expr& value : property.values) {
      if (value.kind == ast::ExprKind::kSet) {
        for (const ast::Expr& child : value.children) names.push_back(&child);
      } else {
        names.push_back(&value);
      }
    }
    for (const ast::Expr* name : names) {
      const auto arch = kernel::ArchFromName(name->text);
      if (arch && *arch != kernel::Arch::kX32) {
        domain_.architectures.push_back(*arch);
        continue;
      }
      std::vector<std::string_view> known;
      for (const kernel::Arch a : kernel::kFilterArches) known.push_back(kernel::ArchName(a));
      auto& d = sink_.Report(diag::Kind::kUnknownName, name->span, fmt::format("unknown architecture `{}`", name->text));
      const std::string hint = diag::DidYouMean(name->text, known);
      d.Help(arch ? "x32 entries are never permitted" : hint.empty() ? fmt::format("one of {}", fmt::join(known, ", "))
                                                                     : hint);
    }
    std::sort(domain_.architectures.begin(), domain_.architectures.end());
    domain_.architectures.erase(std::unique(domain_.architectures.begin(), domain_.architectures.end()), domain_.architectures.end());
    if (domain_.architectures.empty()) return;
    // One filter is loaded on one machine: it has one byte order.
    for (const kernel::Arch arch : domain_.architectures) {
      if (kernel::IsBigEndian(arch) == kernel::IsBigEndian(domain_.architectures.front())) continue;
      sink_.Report(diag::Kind::kTypeMismatch, property.span, fmt::format("{} and {} have different byte orders, so no machine accepts both", kernel::ArchName(domain_.architectures.front()), kernel::ArchName(arch)))
          .Help("compile the policy for each of them");
      break;
    }
  }

  void ReadReferenceKernel(const ast::Property& property) {
    const std::string text = property.values.empty() ? "" : property.values[0].text;
    const auto version = kernel::ParseVersion(text);
    if (version) {
      domain_.reference_kernel = *version;
    } else {
      sink_.Report(diag::Kind::kTypeMismatch, property.span, fmt::format("`{}` is no kernel version", text)).Help("write `reference kernel 6.1`");
    }
  }

  void ReadLayers(const ast::Property& property) {
    std::string absent;
    std::vector<std::string> left_out;
    for (const std::vector<ast::Name>& set : property.layer_sets) {
      std::vector<std::string> layers = ReadLayerSet(set);
      const auto lacking = std::find_if(layers.begin(), layers.end(), [&](const std::string& layer) { return !HasLayer(target_, layer); });
      if (lacking == layers.end()) {
        domain_.layer_sets.push_back(std::move(layers));
      } else {
        absent = *lacking == "apparmor" ? "AppArmor" : "SELinux";
        left_out.push_back(fmt::format("{}", fmt::join(layers, " + ")));
      }
    }
    if (left_out.empty()) return;
    const bool some = !domain_.layer_sets.empty();
    auto& d = sink_.Report(some ? diag::Kind::kLayerLeftOut : diag::Kind::kLayerAbsent, property.span,
                           fmt::format("the kernel of target {} has no {}: {} {}", target_.name, absent, fmt::join(left_out, ", "), some ? "is left out" : "cannot be compiled"));
    if (!some) d.Help("name a layer set that the target has, or another target");
  }

  std::vector<std::string> ReadLayerSet(const std::vector<ast::Name>& set) {
    std::vector<std::string> names;
    for (const ast::Name& name : set) {
      if (!IsLayerName(name.text)) {
        auto& d = sink_.Report(diag::Kind::kUnknownName, name.span, fmt::format("unknown layer `{}`", name.text));
        const std::string hint = diag::DidYouMean(name.text, {"seccomp", "apparmor", "selinux"});
        d.Help(hint.empty() ? "layers are seccomp, apparmor and selinux" : hint);
        continue;
      }
      names.push_back(name.text);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void ReadDefault(const InForce<ast::Default>& item) {
    const ast::Default& d = *item.statement;
    ir::FacetDefault value;
    value.stated = true;
    value.from = MakeProvenance(d.span, item.via, d.because, sources_);
    value.action = d.allow ? ir::Action{} : ir::Action{ir::ActionKind::kErrno, 1};
    if (d.action) {
      if (d.allow) {
        const auto action = values_.Action(*d.action, *item.scope, FirstArch());
        if (action && action->kind != ir::ActionKind::kLog) {
          sink_.Report(diag::Kind::kBadAction, d.action->span, fmt::format("`default allow` cannot end with `{}`", FormatAction(*action))).Help("`default allow with log` is the only form");
        }
        if (action && action->kind == ir::ActionKind::kLog) value.action = *action;
      } else if (const auto action = RefusingAction(*d.action, *item.scope, FirstArch(), values_, sink_)) {
        value.action = *action;
      }
    }
    switch (d.of) {
      case ast::DefaultOf::kUnknownSyscall:
        SetOnce(domain_.unknown_syscall, value, "the action of unknown system calls");
        return;
      case ast::DefaultOf::kForeignArchitecture:
        SetOnce(foreign_, value, "the action of foreign architectures");
        domain_.foreign = value;
        return;
      case ast::DefaultOf::kFacets:
        break;
    }
    if (d.facets.empty()) {
      if (item.via) {
        sink_.Report(diag::Kind::kMisplacedStatement, d.span, "a module sets defaults only for facets that it names").Help("write `default deny FACET`");
        return;
      }
      SetOnce(general_, value, "the default");
      return ApplyGeneral();
    }
    for (const ast::Name& name : d.facets) {
      if (kernel::FindFacet(name.text) == nullptr) {
        std::vector<std::string_view> known;
        for (const kernel::FacetInfo& facet : kernel::Facets()) known.push_back(facet.name);
        auto& report = sink_.Report(diag::Kind::kUnknownRuleKind, name.span, fmt::format("there is no facet `{}`", name.text));
        const std::string hint = diag::DidYouMean(name.text, known);
        report.Help(hint.empty() ? fmt::format("facets are {}", fmt::join(known, ", ")) : hint);
        continue;
      }
      SetOnce(named_[ir::FacetOf(name.text)], value, fmt::format("the default of `{}`", name.text));
    }
    ApplyGeneral();
  }

  void SetOnce(std::optional<ir::FacetDefault>& slot, const ir::FacetDefault& value, const std::string& what) {
    if (slot && slot->action != value.action) {
      sink_.Report(diag::Kind::kConflictingDefault, value.from.span, fmt::format("{} is stated twice, with different actions", what)).Note(slot->from.span, "first stated here");
      return;
    }
    if (!slot) slot = value;
  }

  void ApplyGeneral() {
    for (size_t i = 0; i < kernel::Facets().size(); ++i) {
      if (named_[i]) {
        domain_.defaults[i] = *named_[i];
      } else if (general_) {
        domain_.defaults[i] = *general_;
      }
    }
    StayInDomain();
  }

  // 1.2: a process stays in its domain, whatever is permitted by default; only a default that names the facet says otherwise.
  void StayInDomain() {
    const ir::FacetId id = ir::FacetOf("domain");
    if (named_[id] || (general_ && !Permits(general_->action))) return;
    domain_.defaults[id] = {true, {ir::ActionKind::kErrno, 1}, domain_.from};
  }

  // 1.4
  void CheckDefaults() {
    const bool any = general_.has_value() || std::any_of(named_.begin(), named_.end(), [](const auto& d) { return d.has_value(); });
    if (!any) {
      sink_.Report(diag::Kind::kMissingDefault, resolved_.policy->name.span, fmt::format("policy `{}` states no default", domain_.name)).Help("add `default deny with errno(EPERM)`");
      return;
    }
    std::set<ir::FacetId> reported;
    for (const ir::Rule& rule : domain_.rules) {
      if (domain_.defaults[rule.facet].stated || rule.effect == ir::Effect::kNever || !reported.insert(rule.facet).second) continue;
      const std::string& facet = kernel::Facets()[rule.facet].name;
      sink_.Report(diag::Kind::kMissingDefault, rule.from.span, fmt::format("`{}` has rules but no default", facet)).Help(fmt::format("add `default deny {} with errno(EPERM)`", facet));
    }
  }

  void CheckLabels() {
    std::map<std::string, const ast::Rule*> seen;
    for (const auto& item : resolved_.rules) {
      const ast::Name& label = item.statement->label;
      if (label.empty()) continue;
      const auto [at, fresh] = seen.emplace(label.text, item.statement);
      if (!fresh && at->second != item.statement) {
        sink_.Report(diag::Kind::kDuplicateName, label.span, fmt::format("`{}` is declared twice", label.text)).Note(at->second->label.span, "first declared here");
      }
    }
  }

  void ReadGap(const InForce<ast::AcceptGap>& item) {
    const ast::AcceptGap& gap = *item.statement;
    std::vector<std::string_view> labels;
    for (const ir::Rule& rule : domain_.rules) {
      if (!rule.label.empty()) labels.push_back(rule.label);
    }
    const bool of_file_systems = gap.rule.text.rfind("filesystem ", 0) == 0;
    if (of_file_systems || gap.rule.text.rfind("default ", 0) == 0) {
      const std::string facet = gap.rule.text.substr(gap.rule.text.find(' ') + 1);
      if (kernel::FindFacet(facet) == nullptr) {
        std::vector<std::string_view> facets;
        for (const kernel::FacetInfo& one : kernel::Facets()) facets.push_back(one.name);
        auto& d = sink_.Report(diag::Kind::kUnknownName, gap.rule.span, fmt::format("unknown facet `{}`", facet));
        if (const std::string hint = diag::DidYouMean(facet, facets); !hint.empty()) d.Help(hint);
        return;
      }
    } else if (gap.rule.text.rfind("limit ", 0) == 0) {
      const bool set = std::any_of(domain_.limits.begin(), domain_.limits.end(), [&](const ir::Limit& limit) { return "limit " + ir::LimitName(limit) == gap.rule.text; });
      if (!set) {
        sink_.Report(diag::Kind::kUnknownName, gap.rule.span, fmt::format("the policy has no `{}`", gap.rule.text));
        return;
      }
    } else if (std::find(labels.begin(), labels.end(), gap.rule.text) == labels.end()) {
      auto& d = sink_.Report(diag::Kind::kUnknownName, gap.rule.span, fmt::format("no rule has the label `{}`", gap.rule.text));
      const std::string hint = diag::DidYouMean(gap.rule.text, labels);
      d.Help(hint.empty() ? fmt::format("put the label before the rule: `{}: allow ...`", gap.rule.text) : hint);
      return;
    }
    const auto bound = ReadBound(gap);
    if (!bound) return;
    for (const auto& set : gap.layer_sets) {
      ir::GapAcceptance acceptance;
      acceptance.bound = *bound;
      acceptance.rule_label = gap.rule.text;
      acceptance.wider = gap.direction.text == "wider";
      acceptance.from = MakeProvenance(gap.span, item.via, gap.because, sources_);
      acceptance.layers = ReadLayerSet(set);
      domain_.acceptances.push_back(std::move(acceptance));
    }
  }

  // `of file { create, delete }`; nullopt after a diagnostic.
  std::optional<ir::Operations> ReadBound(const ast::AcceptGap& gap) {
    ir::Operations out;
    bool good = true;
    const auto unknown = [&](const ast::Name& name, const char* what, const std::vector<std::string_view>& known) {
      auto& d = sink_.Report(diag::Kind::kUnknownName, name.span, fmt::format("unknown {} `{}`", what, name.text));
      if (const std::string hint = diag::DidYouMean(name.text, known); !hint.empty()) d.Help(hint);
      good = false;
    };
    for (const auto& [name, operations] : gap.bound) {
      const kernel::FacetInfo* facet = kernel::FindFacet(name.text);
      if (facet == nullptr) {
        std::vector<std::string_view> known;
        for (const kernel::FacetInfo& one : kernel::Facets()) known.push_back(one.name);
        unknown(name, "facet", known);
        continue;
      }
      if (!operations) out[ir::FacetOf(facet->name)] = ~ir::OperationSet{0} >> (ir::kMaxOperations - facet->operations.size());
      for (const ast::Name& operation : operations.value_or(std::vector<ast::Name>())) {
        const ir::OperationSet named = ir::OperationsNamed(ir::FacetOf(facet->name), operation.text);
        if (named == 0) {
          unknown(operation, "operation", {facet->operations.begin(), facet->operations.end()});
          continue;
        }
        out[ir::FacetOf(facet->name)] |= named;
      }
    }
    return good ? std::optional(out) : std::nullopt;
  }

  void ReadRaw(const InForce<ast::Raw>& item) {
    const ast::Raw& raw = *item.statement;
    if (raw.mechanism.text == "seccomp") {
      sink_.Report(diag::Kind::kRawNotSupported, raw.mechanism.span, "raw passages for seccomp are refused: nothing could prove the filter")
          .Help("every system call and argument test can be stated with `syscall` rules");
      return;
    }
    if (!IsLayerName(raw.mechanism.text)) {
      sink_.Report(diag::Kind::kUnknownName, raw.mechanism.span, fmt::format("unknown layer `{}`", raw.mechanism.text)).Help("raw passages are for apparmor and selinux");
      return;
    }
    domain_.raw.emplace_back(raw.mechanism.text, raw.text.text);
  }

  const ResolvedDomain& resolved_;
  const Target& target_;
  const std::set<std::string>& policy_names_;
  const source::SourceManager& sources_;
  diag::Sink& sink_;
  Values values_;
  ir::Domain domain_;
  std::map<ast::PropertyKind, source::Span> properties_;
  std::optional<ir::FacetDefault> general_;
  std::optional<ir::FacetDefault> foreign_;
  std::array<std::optional<ir::FacetDefault>, ir::kMaxFacets> named_;
};

}  // namespace

namespace {

// Hats and children know their parents, which have none themselves; rules that name an inner policy mean its qualified name.
void TieFamilies(ir::Policy& policy, diag::Sink& sink) {
  std::map<std::string, ir::Domain*> by_name;
  for (ir::Domain& domain : policy.domains) by_name.emplace(domain.name, &domain);
  for (ir::Domain& domain : policy.domains) {
    if (domain.parent.empty()) continue;
    ir::Domain& parent = *by_name.at(domain.parent);
    parent.has_inner = true;
    if (parent.parent.empty()) continue;
    sink.Report(diag::Kind::kMisplacedStatement, domain.from.span, fmt::format("policy `{}` is of `{}`, which is of another policy itself", domain.name, parent.name)).Help("hats and children are of policies that stand alone");
  }
  for (ir::Domain& domain : policy.domains) {
    for (ir::Rule& rule : domain.rules) {
      const auto to = rule.texts.find("to");
      if (kernel::Facets()[rule.facet].name != "domain" || to == rule.texts.end()) continue;
      for (std::string& name : to->second) {
        const auto inner = by_name.find(name);
        if (inner != by_name.end()) name = ir::QualifiedName(*inner->second);
      }
    }
  }
}

}  // namespace

ir::Policy Build(const Resolved& resolved, const source::SourceManager& sources, diag::Sink& sink) {
  ir::Policy policy;
  policy.target_name = resolved.target.name;
  std::set<std::string> names;
  for (const ResolvedDomain& domain : resolved.domains) names.insert(domain.policy->name.text);
  for (const ResolvedDomain& domain : resolved.domains) {
    policy.domains.push_back(DomainBuilder(domain, resolved.target, names, sources, sink).Build());
  }
  TieFamilies(policy, sink);
  return policy;
}

}  // namespace ravelin::resolve
