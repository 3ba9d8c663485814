#include "compiler/resolve/build_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/resolve/predicates.h"

namespace ravelin::resolve {

using ast::Verb;
using ir::Effect;

ir::Provenance MakeProvenance(source::Span span, const std::shared_ptr<const std::vector<std::string>>& via,
                              const std::optional<ast::Expr>& because, const source::SourceManager& sources) {
  ir::Provenance from;
  from.span = span;
  from.place = sources.Describe(span);
  if (via) from.via = *via;
  if (because) from.because = because->text;
  return from;
}

std::optional<ir::Action> RefusingAction(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, Values& values, diag::Sink& sink) {
  const auto action = values.Action(expr, scope, arch);
  if (!action || !Permits(*action)) return action;
  sink.Report(diag::Kind::kBadAction, expr.span, fmt::format("`{}` permits what is to be refused", FormatAction(*action)))
      .Help("refusing actions are `errno(E)`, `kill process`, `kill thread`, `trap`, `trace(N)` and `notify`");
  return std::nullopt;
}

bool RuleBuilder::ReadVerbs(const ast::Rule& rule, std::vector<std::pair<Effect, bool>>& effects) {
  bool allow_or_deny = false;
  for (const Verb verb : rule.verbs) {
    allow_or_deny |= verb == Verb::kAllow || verb == Verb::kDeny;
    switch (verb) {
      case Verb::kAllow: effects.emplace_back(Effect::kAllow, false); break;
      case Verb::kNarrow: effects.emplace_back(Effect::kAllow, true); break;
      case Verb::kDeny: effects.emplace_back(Effect::kDeny, false); break;
      case Verb::kAudit: effects.emplace_back(Effect::kAudit, false); break;
      case Verb::kQuiet: effects.emplace_back(Effect::kQuiet, false); break;
      case Verb::kComplain: effects.emplace_back(Effect::kComplain, false); break;
      case Verb::kNever: effects.emplace_back(Effect::kNever, false); break;
    }
  }
  if (rule.verbs.size() == 1) return true;
  const Verb first = rule.verbs[0];
  const Verb second = rule.verbs[1];
  const bool good = (first == Verb::kAudit && allow_or_deny) || (first == Verb::kQuiet && second == Verb::kDeny) || (first == Verb::kNarrow && second == Verb::kAllow);
  if (first == Verb::kNarrow && good) effects.pop_back();
  if (!good) {
    sink_.Report(diag::Kind::kSyntaxError, rule.span, "these two verbs do not go together")
        .Help("pairs are `audit allow`, `audit deny`, `quiet deny` and `narrow allow`");
  }
  return good;
}

bool RuleBuilder::ReadAction(const ast::Rule& rule, const Scope& scope, Effect effect, ir::FacetId facet, ir::Action& action) {
  if (effect == Effect::kDeny) {
    const ir::FacetDefault& fallback = context_.domain.defaults[facet];
    action = fallback.stated && !Permits(fallback.action) ? fallback.action : ir::Action{ir::ActionKind::kErrno, 1};
    if (!rule.action) return true;
    const auto stated = RefusingAction(*rule.action, scope, FirstArch(), values_, sink_);
    if (stated) action = *stated;
    return stated.has_value();
  }
  action = {};
  if (effect == Effect::kAudit && rule.verbs.size() == 2) return true;  // the action belongs to the other verb
  if (effect == Effect::kQuiet && rule.verbs.size() == 2) return true;
  if (!rule.action) return true;
  if (effect != Effect::kAllow) {
    sink_.Report(diag::Kind::kBadAction, rule.action->span, "this rule takes no action").Help("only `allow` and `deny` rules take `with`");
    return false;
  }
  const auto stated = values_.Action(*rule.action, scope, FirstArch());
  if (!stated) return false;
  if (stated->kind == ir::ActionKind::kLog) {
    action = *stated;
    return true;
  }
  sink_.Report(diag::Kind::kBadAction, rule.action->span, fmt::format("an `allow` rule cannot end with `{}`", FormatAction(*stated)))
      .Help(Permits(*stated) ? "leave it out" : "write `deny ... with ...`, or `allow ... with log`");
  return false;
}

const kernel::FacetInfo* RuleBuilder::ReadKind(const ast::Rule& rule) {
  const kernel::FacetInfo* facet = kernel::FindFacet(rule.kind.text);
  if (facet != nullptr) return facet;
  std::vector<std::string_view> names;
  for (const kernel::FacetInfo& f : kernel::Facets()) names.push_back(f.name);
  auto& d = sink_.Report(diag::Kind::kUnknownRuleKind, rule.kind.span, fmt::format("there is no rule kind `{}`", rule.kind.text));
  const std::string hint = kernel::IsSyscallName(rule.kind.text) ? fmt::format("for a system call write `syscall {}`", rule.kind.text) : diag::DidYouMean(rule.kind.text, names);
  d.Help(hint.empty() ? fmt::format("rule kinds are {}", fmt::join(names, ", ")) : hint);
  return nullptr;
}

void RuleBuilder::Build(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out) {
  const ast::Rule& rule = *item.statement;
  std::vector<std::pair<Effect, bool>> effects;
  if (!ReadVerbs(rule, effects)) return;
  const kernel::FacetInfo* facet = ReadKind(rule);
  if (facet == nullptr) return;
  ir::Rule base;
  base.label = rule.label.text;
  base.facet = ir::FacetOf(facet->name);
  base.boolean = item.boolean;
  const bool permits = std::all_of(effects.begin(), effects.end(), [](const auto& e) { return e.first == Effect::kAllow; });
  if (!item.boolean.empty() && (!permits || facet->name == "syscall")) {
    sink_.Report(diag::Kind::kMisplacedStatement, rule.span, facet->name == "syscall" ? "system calls cannot depend on a boolean: it is SELinux's, which sees none" : fmt::format("only what is permitted can depend on a boolean, here `{}`", item.boolean)).Help("put the rule outside of the block");
    return;
  }
  base.from = MakeProvenance(rule.span, item.via, rule.because, context_.sources);
  std::vector<ir::Rule> built;
  quiet_about_absence_ = item.via != nullptr;
  loosens_ = std::all_of(effects.begin(), effects.end(), [](const auto& e) { return e.first == Effect::kAllow || e.first == Effect::kComplain; });
  if (facet->name == "syscall") {
    BuildCalls(item, built, std::move(base));
  } else {
    BuildFacet(item, built, std::move(base));
  }
  for (const auto& [effect, narrow] : effects) {
    ir::Action action;
    if (!ReadAction(rule, *item.scope, effect, ir::FacetOf(facet->name), action)) continue;
    for (const ir::Rule& one : built) {
      ir::Rule copy = one;
      copy.effect = effect;
      copy.narrow = narrow;
      copy.action = action;
      if (effect == Effect::kAllow || effect == Effect::kComplain || effect == Effect::kAudit) {
        ir::OperationSet closed = 0;  // 5.4
        for (size_t i = 0; i < facet->operations.size() && facet->name != "syscall"; ++i) {
          if ((copy.operations >> i & 1) == 0) continue;
          for (const std::string& name : kernel::OperationClosure(facet->name, facet->operations[i])) {
            closed |= ir::OperationSet{1} << (std::find(facet->operations.begin(), facet->operations.end(), name) - facet->operations.begin());
          }
        }
        copy.operations |= closed;
      }
      out.push_back(std::move(copy));
    }
  }
}

void RuleBuilder::BuildCalls(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out, ir::Rule base) {
  const ast::Rule& rule = *item.statement;
  bool good = true;
  for (const ast::Clause& clause : rule.clauses) {
    good = false;
    sink_.Report(diag::Kind::kUnknownClause, clause.keyword.span, fmt::format("a syscall rule takes no `{}`", clause.keyword.text))
        .Help("conditions on arguments stand in parentheses: `allow syscall socket(domain == AF_UNIX)`");
  }
  if (rule.subjects.empty()) {
    sink_.Report(diag::Kind::kMissingClause, rule.kind.span, "a syscall rule names system calls").Help("write `allow syscall { read, write }`");
    return;
  }
  for (const ast::Expr& subject : rule.subjects) good &= AddCalls(subject, *item.scope, false, base.calls);
  if (good) out.push_back(std::move(base));
}

namespace {

std::string ArchNames(const std::vector<kernel::Arch>& arches, std::string_view joint) {
  std::vector<std::string_view> names;
  names.reserve(arches.size());
  for (const kernel::Arch arch : arches) names.push_back(kernel::ArchName(arch));
  return fmt::format("{}", fmt::join(names, joint));
}

}  // namespace

bool RuleBuilder::AddCalls(const ast::Expr& expr, const Scope& scope, bool through_set, std::vector<ir::CallMatch>& calls) {
  bool good = true;
  if (expr.kind == ast::ExprKind::kSet) {
    for (const ast::Expr& child : expr.children) good &= AddCalls(child, scope, through_set, calls);
    return good;
  }
  if (expr.kind == ast::ExprKind::kCall) return AddCall(expr, scope, through_set, calls);
  if (expr.kind != ast::ExprKind::kName) {
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, "the name of a system call or of a set is needed here");
    return false;
  }
  const Definition* definition = scope.Find(expr.text);
  if (definition == nullptr) return AddCall(expr, scope, through_set, calls);
  if (definition->kind == Definition::Kind::kResource) {
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("`{}` is a resource, not a set of system calls", expr.text)).Note(definition->span, "declared here");
    return false;
  }
  // A set that is part of the rule already adds nothing: sets that hold one another twice would double the work at each step.
  const auto [at, fresh] = open_sets_.try_emplace(definition, true);
  if (!fresh && !at->second) return true;
  if (!fresh && kernel::IsSyscallName(expr.text)) return AddCall(expr, scope, through_set, calls);  // std::time holds the call `time`
  if (!fresh) {
    sink_.Report(diag::Kind::kImportCycle, expr.span, fmt::format("set `{}` holds itself", expr.text));
    return false;
  }
  ++depth_;
  if (depth_ > 64) {
    sink_.Report(diag::Kind::kNestingTooDeep, expr.span, "sets are nested deeper than 64 levels");
    good = false;
  } else {
    for (const ast::Expr& value : *definition->values) good &= AddCalls(value, *definition->scope, true, calls);
  }
  open_sets_[definition] = false;
  if (--depth_ == 0) open_sets_.clear();
  return good;
}

bool RuleBuilder::AddCall(const ast::Expr& expr, const Scope& scope, bool through_set, std::vector<ir::CallMatch>& calls) {
  bool found = false;
  std::vector<kernel::Arch> failed;
  std::optional<diag::Sink> problem;  // of the first architecture where the conditions make no sense
  const size_t before = calls.size();
  for (const kernel::Arch arch : context_.domain.architectures) {
    const kernel::Syscall* call = kernel::FindSyscall(arch, expr.text);
    if (call == nullptr || ir::IsX32Number(arch, call->number)) continue;
    found = true;
    ir::CallMatch match{arch, call->number, {}};
    if (expr.kind == ast::ExprKind::kCall) {
      diag::Sink sink;
      Values values(sink);
      auto predicate = BuildPredicate(expr, *call, arch, scope, values, sink);
      if (!predicate) {
        failed.push_back(arch);
        if (!problem) problem = std::move(sink);
        continue;
      }
      if (calls.size() == before) sink_.Append(sink);
      match.when = std::move(*predicate);
    }
    calls.push_back(std::move(match));
  }
  if (failed.empty() && found) return true;
  if (!found && !kernel::IsSyscallName(expr.text)) {
    ReportUnknownCall(expr, scope);
    return false;
  }
  if (!found) {
    if (!through_set && !quiet_about_absence_) {
      sink_.Report(diag::Kind::kAbsentSyscall, expr.span, fmt::format("no system call `{1}` on {0}", ArchNames(context_.domain.architectures, " or "), expr.text))
          .Help("the rule does nothing here; keep it for other architectures, or leave it out");
    }
    return true;
  }
  // The call takes other arguments on some architectures.  Leaving those out permits less; a deny must not lose any.
  // A module is written for every architecture: what another one takes is no mistake of the module.
  const bool elsewhere = quiet_about_absence_ && loosens_ && std::any_of(kernel::kFilterArches.begin(), kernel::kFilterArches.end(), [&](kernel::Arch arch) {
    const kernel::Syscall* call = kernel::FindSyscall(arch, expr.text);
    diag::Sink sink;
    Values values(sink);
    return call != nullptr && BuildPredicate(expr, *call, arch, scope, values, sink).has_value();
  });
  if ((calls.size() == before && !elsewhere) || !loosens_) {
    sink_.Append(*problem);
    return false;
  }
  if (!quiet_about_absence_) {
    sink_.Report(diag::Kind::kAbsentArgument, expr.span, fmt::format("on {} `{}` does not take these arguments, so the rule does not permit it there", ArchNames(failed, " and "), expr.text));
  }
  return true;
}

void RuleBuilder::ReportUnknownCall(const ast::Expr& expr, const Scope& scope) {
  const bool qualified = expr.text.find("::") != std::string::npos;
  auto& d = qualified ? sink_.Report(diag::Kind::kUnknownName, expr.span, fmt::format("unknown set `{}`", expr.text))
                      : sink_.Report(diag::Kind::kUnknownSyscall, expr.span, fmt::format("unknown system call `{}`", expr.text));
  std::vector<std::string_view> names = scope.Visible();
  if (!qualified) {
    for (const std::string& name : kernel::SyscallNames()) names.push_back(name);
  }
  const std::string hint = diag::DidYouMean(expr.text, names);
  if (!hint.empty()) d.Help(hint);
}

}  // namespace ravelin::resolve
