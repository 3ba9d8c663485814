// Rules of every kind but `syscall`: operations and clauses to constraints.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/ir/boxes.h"
#include "compiler/ir/operation_words.h"
#include "compiler/ir/pattern.h"
#include "compiler/kernel/operation_words.h"
#include "compiler/resolve/build_rule.h"
#include "compiler/resolve/kinds.h"

namespace ravelin::resolve {

using ast::Expr;
using ast::ExprKind;

void RuleBuilder::BuildFacet(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out, ir::Rule base) {
  const ast::Rule& rule = *item.statement;
  bool good = true;
  if (rule.kind.text == "exec") {
    base.operations = ~ir::OperationSet{0} >> (64 - kernel::Facets()[base.facet].operations.size());
    for (const Expr& subject : rule.subjects) good &= ReadObjects(subject, *item.scope, base, 0);
  } else {
    good &= ReadOperations(rule, *item.scope, base);
  }
  std::vector<std::string> transports;
  std::vector<std::string_view> seen;
  for (const ast::Clause& clause : rule.clauses) {
    const bool transport = clause.values.empty();
    if (!transport && std::find(seen.begin(), seen.end(), clause.keyword.text) != seen.end()) {
      good = false;
      sink_.Report(diag::Kind::kUnknownClause, clause.keyword.span, fmt::format("`{}` stands twice in one rule", clause.keyword.text)).Help("give its values in one list");
      continue;
    }
    seen.push_back(clause.keyword.text);
    good &= ReadClause(clause, *item.scope, base, transports);
  }
  if (good && attempt_) good = CheckAttempt(rule, base);
  if (!good) return;
  if ((rule.kind.text == "signal" || rule.kind.text == "ptrace") && base.texts.count("peer") == 0) base.texts["peer"] = {"self"};  // 5.6
  // Alternatives are rules of their own: a path or a label; tcp or udp.
  std::vector<ir::Rule> alternatives;
  if (base.texts.count("path") != 0 && base.texts.count("label") != 0) {
    ir::Rule by_label = base;
    by_label.texts.erase("path");
    base.texts.erase("label");
    alternatives = {std::move(base), std::move(by_label)};
  } else {
    alternatives = {std::move(base)};
  }
  for (ir::Rule& one : alternatives) {
    if (transports.empty()) {
      out.push_back(std::move(one));
      continue;
    }
    for (const std::string& word : transports) {
      ir::Rule copy = one;
      if (ApplyTransport(word, rule.span, copy)) out.push_back(std::move(copy));
    }
  }
}

bool RuleBuilder::ReadOperations(const ast::Rule& rule, const Scope& scope, ir::Rule& base) {
  const kernel::FacetInfo& facet = kernel::Facets()[base.facet];
  if (rule.subjects.empty()) {
    if (facet.operations.size() == 1) {
      base.operations = 1;
      return true;
    }
    sink_.Report(diag::Kind::kMissingClause, rule.kind.span, fmt::format("a {} rule names its operations", facet.name))
        .Help(fmt::format("write `{} {{ {} }}`; operations are {}", facet.name, facet.operations.front(), fmt::join(facet.operations, ", ")));
    return false;
  }
  bool good = true;
  for (const Expr& subject : rule.subjects) {
    // An attempt is said as people say it: `file read "/etc/shadow"`, `signal KILL peer outside`.
    if (attempt_ && facet.name == "file" && subject.kind == ExprKind::kString) {
      good &= ReadPath(subject, scope, base);
    } else if (!attempt_ || facet.name != "signal" || !AddSignal(subject, base)) {
      good &= AddOperation(subject, base);
    }
  }
  if (good && base.operations == 0 && base.texts.count("path") != 0) {
    sink_.Report(diag::Kind::kMissingClause, rule.kind.span, "a file line names its operation").Help(fmt::format("write `file read \"/...\"`; operations are {}", fmt::join(facet.operations, ", ")));
    return false;
  }
  if (good && base.operations == 0 && base.integers.count("signal") != 0) return AddOperation({ExprKind::kName, ast::Op::kNone, 0, "send", {}, rule.kind.span}, base);
  return good;
}

// A signal's name in the place of an operation.
bool RuleBuilder::AddSignal(const Expr& expr, ir::Rule& base) {
  if (expr.kind != ExprKind::kName || base.integers.count("signal") != 0) return false;
  std::string name = expr.text;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto number = kernel::FindSignal(FirstArch(), name);
  if (number) base.integers["signal"] = ir::IntervalSet::Single(static_cast<uint64_t>(*number));
  return number.has_value();
}

bool RuleBuilder::AddOperation(const Expr& expr, ir::Rule& base) {
  const kernel::FacetInfo& facet = kernel::Facets()[base.facet];
  if (expr.kind == ExprKind::kSet) {
    bool good = true;
    for (const Expr& child : expr.children) good &= AddOperation(child, base);
    return good;
  }
  if (expr.kind != ExprKind::kName) {
    auto& d = sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("a {} rule names its operations here", facet.name));
    if (expr.kind == ExprKind::kString || expr.kind == ExprKind::kCall) d.Help(fmt::format("write `{} {{ {} }} on ...`", facet.name, facet.operations.front()));
    return false;
  }
  std::string name = expr.text;
  if (facet.name == "capability" && name.rfind("CAP_", 0) == 0) {
    name.erase(0, 4);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  const ir::OperationSet named = ir::OperationsNamed(base.facet, name);
  if (named != 0) {
    base.operations |= named;
    return true;
  }
  const std::vector<std::string> words = kernel::OperationWords(facet.name);
  std::vector<std::string_view> known(facet.operations.begin(), facet.operations.end());
  known.insert(known.end(), words.begin(), words.end());
  auto& d = sink_.Report(diag::Kind::kUnknownOperation, expr.span, fmt::format("{} has no operation `{}`", facet.name, expr.text));
  const std::string hint = diag::DidYouMean(name, known);
  d.Help(hint.empty() ? fmt::format("operations are {}", fmt::join(known, ", ")) : hint);
  return false;
}

bool RuleBuilder::ReadClause(const ast::Clause& clause, const Scope& scope, ir::Rule& base, std::vector<std::string>& transports) {
  const std::string& facet = kernel::Facets()[base.facet].name;
  const ClauseSpec* spec = FindClause(facet, clause.keyword.text);
  if (spec == nullptr && attempt_ && clause.keyword.text == "to") spec = FindClause(facet, "peer");
  if (spec == nullptr) {
    std::vector<std::string_view> known;
    for (const ClauseSpec& one : Clauses()) {
      if (one.facet == facet) known.push_back(one.keyword);
    }
    auto& d = sink_.Report(diag::Kind::kUnknownClause, clause.keyword.span, fmt::format("a {} rule takes no `{}`", facet, clause.keyword.text));
    d.Help(known.empty() ? fmt::format("a {} rule takes no clauses", facet) : fmt::format("its clauses are {}", fmt::join(known, ", ")));
    return false;
  }
  const std::string attribute(spec->attribute);
  const bool wordy = spec->type == ClauseType::kTransport || spec->type == ClauseType::kOwner || spec->type == ClauseType::kEnvironment || spec->type == ClauseType::kSubset;
  if (!wordy && clause.values.empty()) {
    sink_.Report(diag::Kind::kMissingClause, clause.keyword.span, fmt::format("`{}` needs a value", clause.keyword.text));
    return false;
  }
  bool good = true;
  switch (spec->type) {
    case ClauseType::kTransport:
      transports.push_back(clause.keyword.text);
      break;
    case ClauseType::kOwner:
      base.owner_only = true;
      break;
    case ClauseType::kKind: {
      ir::IntervalSet kinds;
      for (const Expr& value : clause.values) {
        const bool known = value.kind == ExprKind::kName && (value.text == "file" || value.text == "directory");
        if (!known) {
          sink_.Report(diag::Kind::kTypeMismatch, value.span, "`of` says what the mount point is: `file` or `directory`");
          return false;
        }
        kinds = kinds.Union(ir::IntervalSet::Single(value.text == "file" ? 0 : 1));
      }
      base.integers[attribute] = std::move(kinds);
      break;
    }
    case ClauseType::kSubset:
      base.integers[attribute] = ir::IntervalSet::Single(1);
      break;
    case ClauseType::kNames:
      for (const Expr& value : clause.values) good &= ReadNames(value, scope, attribute, base);
      break;
    case ClauseType::kEnvironment:
      base.keeps_environment = true;
      break;
    case ClauseType::kIntegers:
      return ReadIntegers(clause, scope, spec->prefix, spec->bits, attribute, base);
    case ClauseType::kObjects:
      for (const Expr& value : clause.values) good &= ReadObjects(value, scope, base, 0);
      break;
    case ClauseType::kPatterns:
      for (const Expr& value : clause.values) {
        const auto text = values_.String(value, scope);
        good &= text.has_value();
        if (text) base.texts[attribute].push_back(*text);
      }
      break;
    case ClauseType::kPeer:
      for (const Expr& value : clause.values) good &= ReadPeer(value, scope, attribute, base);
      break;
    case ClauseType::kDomains:
      for (const Expr& value : clause.values) good &= ReadDomain(value, scope, attribute, base);
      break;
    case ClauseType::kTransition:
      if (clause.values.size() > (attempt_ ? 1u : 2u)) {
        sink_.Report(diag::Kind::kTypeMismatch, clause.span, attempt_ ? "`as` takes one name here" : "`as` takes one name, or two: the second is where the first leads nowhere");
        return false;
      }
      for (const Expr& value : clause.values) good &= ReadTransition(value, base);
      if (!attempt_ && base.texts["transition"] == std::vector<std::string>{"self"}) base.texts.erase("transition");  // what every exec does
      break;
  }
  return good;
}

bool RuleBuilder::ReadIntegers(const ast::Clause& clause, const Scope& scope, std::string_view prefix, int bits, const std::string& attribute, ir::Rule& base) {
  const IntegerType type{bits, false, fmt::format("`{}`", clause.keyword.text), "", std::string(prefix)};
  std::optional<ir::IntervalSet> set;
  for (const kernel::Arch arch : context_.domain.architectures) {
    ir::IntervalSet here;
    for (const Expr& value : clause.values) {
      const auto part = values_.Set(value, scope, arch, type);
      if (!part) return false;
      here = here.Union(*part);
    }
    if (set && *set != here) {
      sink_.Report(diag::Kind::kTypeMismatch, clause.span, fmt::format("`{}` has other values on {} than on {}", clause.keyword.text, kernel::ArchName(arch), kernel::ArchName(FirstArch())))
          .Help("state them for each architecture with `when target.arch == ...`");
      return false;
    }
    set = std::move(here);
  }
  if (attempt_ && *set != ir::IntervalSet::Single(set->empty() ? 0 : set->Min())) {
    ReportSeveral(clause.span, fmt::format("`{}`", clause.keyword.text));
    return false;
  }
  base.integers[attribute] = std::move(*set);
  return true;
}

bool RuleBuilder::ReadObjects(const Expr& expr, const Scope& scope, ir::Rule& base, int depth) {
  if (expr.kind == ExprKind::kCall && expr.text == "path") {
    bool good = !expr.children.empty();
    for (const Expr& child : expr.children) good &= ReadPath(child, scope, base);
    return good;
  }
  if (expr.kind == ExprKind::kCall && expr.text == "label") {
    for (const Expr& child : expr.children) {
      const auto text = values_.String(child, scope);
      if (!text) return false;
      base.texts["label"].push_back(*text);
    }
    return true;
  }
  if (expr.kind == ExprKind::kString) return ReadPath(expr, scope, base);
  if (expr.kind == ExprKind::kSet || expr.kind == ExprKind::kName) {
    const Definition* definition = expr.kind == ExprKind::kName ? scope.Find(expr.text) : nullptr;
    if (expr.kind == ExprKind::kName && definition == nullptr) {
      auto& d = sink_.Report(diag::Kind::kUnknownName, expr.span, fmt::format("unknown resource `{}`", expr.text));
      const std::string hint = diag::DidYouMean(expr.text, scope.Visible());
      d.Help(hint.empty() ? fmt::format("declare it: `resource {} = path(\"...\")`", expr.text) : hint);
      return false;
    }
    if (depth > 64) {
      sink_.Report(diag::Kind::kImportCycle, expr.span, fmt::format("resource `{}` holds itself", expr.text));
      return false;
    }
    bool good = true;
    for (const Expr& value : definition != nullptr ? *definition->values : expr.children) {
      good &= ReadObjects(value, definition != nullptr ? *definition->scope : scope, base, depth + 1);
    }
    return good;
  }
  sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a path, a label or a resource is needed here").Help("write `path(\"/...\")`, `label(\"...\")` or the name of a resource");
  return false;
}

bool RuleBuilder::ReadPath(const Expr& expr, const Scope& scope, ir::Rule& base) {
  const auto text = values_.String(expr, scope);
  if (!text) return false;
  std::string problem;
  if (text->empty() || (text->front() != '/' && text->front() != '{')) {
    problem = "it does not begin with `/`";
  } else if (const auto valid = ir::ParsePattern(*text); !valid) {
    problem = valid.error().message;
  }
  if (!problem.empty()) {
    sink_.Report(diag::Kind::kBadPath, expr.span, fmt::format("`{}` is no path pattern: {}", *text, problem));
    return false;
  }
  base.texts["path"].push_back(*text);
  return true;
}

bool RuleBuilder::ReadPeer(const Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base) {
  if (expr.kind == ExprKind::kName) {
    if (expr.text == "self" || expr.text == "outside" || context_.policy_names.count(expr.text) != 0) {
      base.texts[attribute].push_back(expr.text == context_.domain.name ? "self" : expr.text);  // 5.6: one peer has one name
      return true;
    }
    std::vector<std::string_view> known(context_.policy_names.begin(), context_.policy_names.end());
    known.insert(known.end(), {"self", "outside"});
    auto& d = sink_.Report(diag::Kind::kUnknownName, expr.span, fmt::format("unknown peer `{}`", expr.text));
    const std::string hint = diag::DidYouMean(expr.text, known);
    d.Help(hint.empty() ? "a peer is a policy of this file, `self`, `outside` or `label(\"...\")`" : hint);
    return false;
  }
  if (expr.kind == ExprKind::kCall && expr.text == "label" && expr.children.size() == 1) {
    const auto text = values_.String(expr.children[0], scope);
    if (text) base.texts[attribute].push_back("label:" + *text);
    return text.has_value();
  }
  sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a peer is a policy of this file, `self`, `outside` or `label(\"...\")`");
  return false;
}

// Paths and resources made of them, for another attribute than the object itself.
bool RuleBuilder::ReadNames(const Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base) {
  ir::Rule names;
  if (!ReadObjects(expr, scope, names, 0)) return false;
  if (names.texts.count("label") != 0) {
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("`{}` takes paths, not labels", attribute == "target" ? "to" : attribute));
    return false;
  }
  std::vector<std::string>& texts = base.texts[attribute];
  texts.insert(texts.end(), names.texts["path"].begin(), names.texts["path"].end());
  return true;
}

// A policy of the file by its name, all others by patterns of the names that their mechanism gives them.
bool RuleBuilder::ReadDomain(const Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base) {
  if (expr.kind == ExprKind::kName) {
    if (context_.policy_names.count(expr.text) != 0) {
      base.texts[attribute].push_back(ir::LiteralPattern(expr.text));
      return true;
    }
    const std::vector<std::string_view> known(context_.policy_names.begin(), context_.policy_names.end());
    auto& d = sink_.Report(diag::Kind::kUnknownName, expr.span, fmt::format("unknown policy `{}`", expr.text));
    const std::string hint = diag::DidYouMean(expr.text, known);
    d.Help(hint.empty() ? "`to` takes policies of this file and `label(\"...\")`" : hint);
    return false;
  }
  if (expr.kind == ExprKind::kCall && expr.text == "label" && !expr.children.empty()) {
    for (const Expr& child : expr.children) {
      const auto text = values_.String(child, scope);
      if (!text) return false;
      if (const auto valid = ir::ParsePattern(*text); !valid || text->empty()) {
        sink_.Report(diag::Kind::kBadPath, child.span, fmt::format("`{}` is no pattern of names: {}", *text, text->empty() ? "it is empty" : valid.error().message));
        return false;
      }
      base.texts[attribute].push_back(*text);
    }
    return true;
  }
  sink_.Report(diag::Kind::kTypeMismatch, expr.span, "`to` takes policies of this file and `label(\"...\")`");
  return false;
}

bool RuleBuilder::ReadTransition(const Expr& expr, ir::Rule& base) {
  std::vector<std::string>& outcomes = base.texts["transition"];
  const bool second = !outcomes.empty();
  const auto no = [&](diag::Kind kind, const std::string& what, const std::string& help) {
    auto& d = sink_.Report(kind, expr.span, what);
    if (!help.empty()) d.Help(help);
    return false;
  };
  const char* takes = "`as` takes a policy of this file, `self`, `attached` or `unconfined_danger`";
  if (expr.kind != ExprKind::kName) return no(diag::Kind::kTypeMismatch, takes, "");
  const std::string& name = expr.text;
  if (second && name != "self" && name != "unconfined_danger") return no(diag::Kind::kTypeMismatch, "where the first outcome leads nowhere, there are `self` and `unconfined_danger`", "");
  if (second && (outcomes.front() == "self" || outcomes.front() == "unconfined_danger")) return no(diag::Kind::kTypeMismatch, fmt::format("`{}` always leads somewhere", outcomes.front()), "leave the second outcome out");
  if (name == "self" || name == "attached" || name == "unconfined_danger" || context_.policy_names.count(name) != 0) {
    outcomes.push_back(name);
    return true;
  }
  if (name.rfind("unconfined", 0) == 0) return no(diag::Kind::kDangerNotNamed, fmt::format("`as {}` would leave every confinement", name), "if that is meant, write `as unconfined_danger`");
  std::vector<std::string_view> known(context_.policy_names.begin(), context_.policy_names.end());
  const std::string hint = diag::DidYouMean(name, known);
  return no(diag::Kind::kUnknownName, fmt::format("unknown policy `{}`", name), hint.empty() ? takes : hint);
}

bool RuleBuilder::ApplyTransport(const std::string& word, source::Span span, ir::Rule& rule) {
  const auto constant = [&](const char* name) { return kernel::FindConstant(FirstArch(), name).value_or(0); };
  const auto constrain = [&](const std::string& attribute, ir::IntervalSet set) {
    const auto [at, fresh] = rule.integers.emplace(attribute, set);
    if (!fresh) at->second = at->second.Intersect(set);
    return !at->second.empty();
  };
  bool possible = true;
  if (word == "tcp" || word == "udp") {
    const bool tcp = word == "tcp";
    possible &= constrain("family", ir::IntervalSet::Of({constant("AF_INET"), constant("AF_INET6")}));
    possible &= constrain("type", ir::IntervalSet::Single(constant(tcp ? "SOCK_STREAM" : "SOCK_DGRAM")));
    possible &= constrain("protocol", ir::IntervalSet::Of({0, constant(tcp ? "IPPROTO_TCP" : "IPPROTO_UDP")}));
  } else {
    possible &= constrain("family", ir::IntervalSet::Single(constant(word == "unix" ? "AF_UNIX" : "AF_NETLINK")));
  }
  if (!possible) sink_.Report(diag::Kind::kNeverTrue, span, fmt::format("`{}` and the other clauses exclude each other", word));
  return possible;
}

}  // namespace ravelin::resolve
