// Lines of `test` blocks: the attempts that they speak of (docs/semantics.md, chapter 10).
#include <fmt/format.h>

#include <algorithm>

#include "compiler/ir/boxes.h"
#include "compiler/resolve/build_rule.h"
#include "compiler/resolve/predicates.h"

namespace ravelin::resolve {
namespace {

using ast::Expr;
using ast::ExprKind;

// The one path that a pattern without wildcards matches; nothing when it has some.
std::optional<std::string> Literal(const std::string& pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (std::string_view("*?[{").find(pattern[i]) != std::string_view::npos) return std::nullopt;
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    out += pattern[i];
  }
  return out;
}

// 6.1 and 6.3: what a resolved path does not hold.
std::string NotResolved(const std::string& path) {
  if (path.size() > 1 && path.back() == '/') return "it ends with `/`; a directory is written without";
  if (path.find("//") != std::string::npos) return "it holds `//`";
  const std::string whole = path + "/";
  if (whole.find("/./") != std::string::npos || whole.find("/../") != std::string::npos) return "it holds `.` or `..`";
  return "";
}

// The value of a register that the kernel reads as `param`, as a test.
ir::Predicate Equals(size_t index, const kernel::Param* param, uint64_t value) {
  ir::ArgTest test;
  test.arg = static_cast<uint8_t>(index);
  const auto type = param == nullptr ? kernel::ArgType::kU64 : param->type;
  const bool wide = type == kernel::ArgType::kI64 || type == kernel::ArgType::kU64 || type == kernel::ArgType::kPtr;
  test.bits = wide ? 64 : 32;
  test.mask = wide ? ~uint64_t{0} : type == kernel::ArgType::kU16 ? 0xffff
                                                                  : 0xffffffff;
  test.values = ir::IntervalSet::Single(value & test.mask);
  return ir::Predicate::Test(std::move(test));
}

IntegerType TypeOf(size_t index, const kernel::Param* param) {
  IntegerType type;
  type.what = param == nullptr ? fmt::format("argument {}", index) : fmt::format("`{}`", param->name);
  if (param == nullptr) return type;
  type.bits = param->type == kernel::ArgType::kU16 ? 16 : param->type == kernel::ArgType::kI32 || param->type == kernel::ArgType::kU32 ? 32
                                                                                                                                       : 64;
  type.is_signed = param->type == kernel::ArgType::kI32 || param->type == kernel::ArgType::kI64;
  type.family = param->family;
  return type;
}

// Arguments by position: a number each; a string, `NULL` or `_` says nothing of it, since a filter sees no memory.
std::optional<ir::Predicate> Registers(const Expr& expr, const kernel::Syscall& call, kernel::Arch arch, const Scope& scope, Values& values, diag::Sink& sink) {
  const size_t most = call.signature_known ? call.params.size() : ir::Args().size();
  if (expr.children.size() > most) {
    sink.Report(diag::Kind::kUnknownArgument, expr.span, fmt::format("`{}` takes {} argument{}", call.name, most, most == 1 ? "" : "s"));
    return std::nullopt;
  }
  std::vector<ir::Predicate> terms;
  for (size_t i = 0; i < expr.children.size(); ++i) {
    const Expr& child = expr.children[i];
    const bool any = child.kind == ExprKind::kString || (child.kind == ExprKind::kName && (child.text == "NULL" || child.text == "_"));
    if (any) continue;
    if (child.kind == ExprKind::kSet || child.kind == ExprKind::kRange) {
      sink.Report(diag::Kind::kTestNotConcrete, child.span, "a line of a test names one value for an argument").Help("write a line for each value");
      return std::nullopt;
    }
    const kernel::Param* param = call.signature_known ? &call.params[i] : nullptr;
    const IntegerType type = TypeOf(i, param);
    const auto value = values.Integer(child, scope, arch, type);
    const auto bits = value ? values.Bits(child, *value, type) : std::nullopt;
    if (!bits) return std::nullopt;
    terms.push_back(Equals(i, param, *bits));
  }
  return ir::Predicate::And(std::move(terms));
}

// `socket(domain == AF_UNIX)` states a condition, `socket(AF_UNIX)` a position.
bool StatesConditions(const Expr& expr) {
  return std::any_of(expr.children.begin(), expr.children.end(), [](const Expr& child) {
    if (child.kind == ExprKind::kUnary) return child.op == ast::Op::kNot;
    if (child.kind != ExprKind::kBinary) return false;
    switch (child.op) {
      case ast::Op::kOr:
      case ast::Op::kAnd:
      case ast::Op::kEq:
      case ast::Op::kNe:
      case ast::Op::kLt:
      case ast::Op::kLe:
      case ast::Op::kGt:
      case ast::Op::kGe:
      case ast::Op::kIn:
        return true;
      default:
        return false;
    }
  });
}

class TestBuilder {
 public:
  TestBuilder(const ResolvedTest& test, const ir::Domain& domain, const std::set<std::string>& names, const source::SourceManager& sources, diag::Sink& sink)
      : test_(test), domain_(domain), context_{domain, names, sources}, sink_(sink) {}

  void Build(std::vector<ir::Expectation>& out) {
    for (const ast::Expectation& line : test_.test->expectations) {
      ir::Expectation expectation;
      expectation.domain = test_.domain;
      expectation.permit = line.permit;
      expectation.from = MakeProvenance(line.event.span, nullptr, line.event.because, context_.sources);
      RuleBuilder(context_, sink_).BuildAttempts(line.event, *test_.scope, expectation.attempts);
      if (line.event.action && !ReadAction(line, expectation)) continue;
      if (!expectation.attempts.empty()) out.push_back(std::move(expectation));
    }
  }

 private:
  bool ReadAction(const ast::Expectation& line, ir::Expectation& expectation) {
    const auto action = Values(sink_).Action(*line.event.action, *test_.scope, domain_.architectures.front());
    if (!action) return false;
    if (Permits(*action) != line.permit) {
      sink_.Report(diag::Kind::kBadAction, line.event.action->span, fmt::format("`{}` {} an attempt", FormatAction(*action), line.permit ? "refuses" : "permits"))
          .Help(line.permit ? "`permit` takes `with log`, or nothing" : "`refuse` takes an action that refuses, such as `errno(EPERM)`");
      return false;
    }
    expectation.action = action;
    return true;
  }

  const ResolvedTest& test_;
  const ir::Domain& domain_;
  const DomainContext context_;
  diag::Sink& sink_;
};

}  // namespace

void RuleBuilder::ReportSeveral(source::Span span, const std::string& what) {
  sink_.Report(diag::Kind::kTestNotConcrete, span, fmt::format("a line of a test names one value for {}", what)).Help("write a line for each value");
}

void RuleBuilder::BuildAttempts(const ast::Rule& line, const Scope& scope, std::vector<ir::Rule>& out) {
  const kernel::FacetInfo* facet = ReadKind(line);
  if (facet == nullptr) return;
  attempt_ = true;
  ir::Rule base;
  base.facet = ir::FacetOf(facet->name);
  base.from = MakeProvenance(line.span, nullptr, line.because, context_.sources);
  if (facet->name == "syscall") return BuildAttemptedCalls(line, scope, out, std::move(base));
  BuildFacet({&line, &scope, nullptr}, out, std::move(base));
}

// Objects are named, by one path or one label; called before alternatives are split.
bool RuleBuilder::CheckAttempt(const ast::Rule& line, ir::Rule& base) {
  const std::string& facet = kernel::Facets()[base.facet].name;
  if ((facet == "file" || facet == "exec") && base.texts.count("path") == 0 && base.texts.count("label") == 0) {
    sink_.Report(diag::Kind::kMissingClause, line.kind.span, fmt::format("{} {} line of a test names its object", facet == "exec" ? "an" : "a", facet)).Help(facet == "file" ? "write `on \"/...\"`" : "write `exec \"/...\"`");
    return false;
  }
  bool good = true;
  if (base.texts.count("path") != 0 && base.texts.count("label") != 0) {
    ReportSeveral(line.span, "the object");
    good = false;
  }
  for (auto& [attribute, values] : base.texts) {
    if (values.size() != 1) {
      ReportSeveral(line.span, fmt::format("`{}`", attribute));
      good = false;
      continue;
    }
    if (!ir::IsPatternAttribute(attribute)) continue;
    const auto literal = Literal(values[0]);
    if (!literal) {
      sink_.Report(diag::Kind::kTestNotConcrete, line.span, fmt::format("`{}` is a pattern; a line of a test names one path", values[0])).Help("a character that is meant as itself stands after a backslash: `\\\\[`");
      good = false;
    } else if (const std::string problem = ir::IsPathAttribute(attribute) && attribute != "from" ? NotResolved(*literal) : ""; !problem.empty()) {
      sink_.Report(diag::Kind::kBadPath, line.span, fmt::format("`{}` is no resolved path: {}", *literal, problem));
      good = false;
    } else {
      values[0] = *literal;
    }
  }
  return good;
}

void RuleBuilder::BuildAttemptedCalls(const ast::Rule& line, const Scope& scope, std::vector<ir::Rule>& out, ir::Rule base) {
  for (const ast::Clause& clause : line.clauses) {
    sink_.Report(diag::Kind::kUnknownClause, clause.keyword.span, fmt::format("a syscall line takes no `{}`", clause.keyword.text)).Help("arguments stand in parentheses: `permit syscall socket(AF_UNIX, SOCK_STREAM, 0)`");
  }
  if (!line.clauses.empty()) return;
  const bool one = line.subjects.size() == 1 && (line.subjects[0].kind == ExprKind::kName || line.subjects[0].kind == ExprKind::kCall);
  if (!one) {
    sink_.Report(line.subjects.empty() ? diag::Kind::kMissingClause : diag::Kind::kTestNotConcrete, line.kind.span, "a syscall line of a test names one call").Help("write `permit syscall read`, or with arguments `socket(AF_UNIX, SOCK_STREAM, 0)`");
    return;
  }
  const Expr& expr = line.subjects[0];
  if (expr.kind == ExprKind::kName && scope.Find(expr.text) != nullptr && !kernel::IsSyscallName(expr.text)) return ReportSeveral(expr.span, "the call");
  if (StatesConditions(expr)) {
    sink_.Report(diag::Kind::kTestNotConcrete, expr.span, "a line of a test gives arguments by position, not conditions").Help("write `socket(AF_UNIX, SOCK_STREAM, 0)`; `_` is any value");
    return;
  }
  for (const kernel::Arch arch : context_.domain.architectures) {
    const kernel::Syscall* call = kernel::FindSyscall(arch, expr.text);
    if (call == nullptr || ir::IsX32Number(arch, call->number)) continue;
    auto when = Registers(expr, *call, arch, scope, values_, sink_);
    if (!when) return;
    base.calls.push_back({arch, call->number, std::move(*when)});
  }
  if (!base.calls.empty()) {
    out.push_back(std::move(base));
  } else if (kernel::IsSyscallName(expr.text)) {
    sink_.Report(diag::Kind::kUnknownSyscall, expr.span, fmt::format("no architecture of the policy has the system call `{}`", expr.text));
  } else {
    ReportUnknownCall(expr, scope);
  }
}

std::vector<ir::Rule> BuildAttempts(const ast::Rule& event, const ir::Policy& policy, size_t domain, const source::SourceManager& sources, diag::Sink& sink) {
  std::set<std::string> names;
  for (const ir::Domain& one : policy.domains) names.insert(one.name);
  const DomainContext context{policy.domains[domain], names, sources};
  std::vector<ir::Rule> out;
  RuleBuilder(context, sink).BuildAttempts(event, Scope(nullptr), out);
  return out;
}

std::vector<ir::Expectation> BuildTests(const Resolved& resolved, const ir::Policy& policy, const source::SourceManager& sources, diag::Sink& sink) {
  std::set<std::string> names;
  for (const ResolvedDomain& domain : resolved.domains) names.insert(domain.policy->name.text);
  std::vector<ir::Expectation> out;
  for (const ResolvedTest& test : resolved.tests) TestBuilder(test, policy.domains[test.domain], names, sources, sink).Build(out);
  return out;
}

}  // namespace ravelin::resolve
