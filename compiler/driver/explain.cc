#include "compiler/driver/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/driver/permitted.h"
#include "compiler/ir/grant.h"
#include "compiler/resolve/values.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {
std::string OneLine(source::Span span, const source::SourceManager& sources) {
  if (!span.IsValid()) return "";
  std::string out;
  for (const char c : sources.Text(span.file).substr(span.begin, span.end - span.begin)) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() > 90) out = out.substr(0, 87) + "...";
  return out;
}

std::string ClauseWord(const std::string& facet, const std::string& attribute) {
  if (attribute == "value") return "to";
  if (facet == "signal" && attribute == "signal") return "set";
  return attribute;
}

namespace {

using ir::ActionKind;
using ir::Rule;

std::optional<kernel::Arch> EntryOf(const ir::Domain& domain, const ir::Event& event) {
  for (const kernel::Arch arch : domain.architectures) {
    if (kernel::AuditArch(arch) == event.audit_arch) return arch;
  }
  return std::nullopt;
}

std::string Place(const ir::Provenance& from, const source::SourceManager& sources) {
  std::string out = from.place;
  const std::string text = OneLine(from.span, sources);
  if (!text.empty()) out += "  " + text;
  if (!from.because.empty() && text.find(from.because) == std::string::npos) out += fmt::format("  because \"{}\"", from.because);
  return out;
}

std::string DescribeDefault(const ir::FacetDefault& d, const std::string& what, const source::SourceManager& sources) {
  if (!d.stated || d.from.place.empty()) return what;
  return Place(d.from, sources);
}

std::string ShowReturn(const ir::Action& action) {
  if (action.kind == ActionKind::kErrno) {
    const std::string_view name = kernel::ErrnoName(action.data);
    return " = " + (name.empty() ? fmt::format("errno {}", action.data) : std::string(name));
  }
  return ": " + FormatAction(action);
}

std::string ShowHead(const ir::Domain& domain, const ir::Event& event, const std::array<std::string, 6>& texts) {
  const auto arch = EntryOf(domain, event);
  const kernel::Syscall* call = arch ? kernel::FindSyscall(*arch, event.number) : nullptr;
  std::string text = call != nullptr ? ShowCall(*arch, *call, event.args, texts) : fmt::format("call {}", event.number);
  if (!arch) return text + fmt::format(" of architecture {:#x}", event.audit_arch);
  if (domain.architectures.size() > 1) text += fmt::format(" on {}", kernel::ArchName(*arch));
  return text;
}

// "PREFIX_X", "a | b" or a number, as a policy would write the value of an attribute.
std::string WriteValue(kernel::Arch arch, const std::string& family, uint64_t value) {
  const std::string name = family.empty() ? std::string() : kernel::ConstantText(arch, family, value);
  if (!name.empty()) return name;
  return value < 4096 ? std::to_string(value) : fmt::format("{:#x}", value);
}

// Some attribute that a rule may state can be chosen in memory: a rule of the facet would not imply the call.
bool HidesIntegers(const kernel::ViewRow& row) {
  return std::any_of(row.hidden.begin(), row.hidden.end(), [](const std::string& name) { return name.back() == '!'; });
}

void CollectArguments(const ir::Predicate& predicate, std::set<size_t>& arguments) {
  if (predicate.kind() == ir::PredicateKind::kTest) arguments.insert(predicate.test().arg);
  for (const ir::Predicate& term : predicate.terms()) CollectArguments(term, arguments);
}

// "domain == AF_ALG, type == 3" for the arguments that the policy's own rules for the call, or what the call does, depend on, and for
// commands; "" when there are none.
std::string TestedArguments(const ir::Domain& domain, kernel::Arch arch, const kernel::Syscall& call, const ir::Event& event) {
  std::set<size_t> arguments;
  for (const Rule& rule : domain.rules) {
    for (const ir::CallMatch& match : rule.calls) {
      if (match.arch == arch && match.number == call.number) CollectArguments(match.when, arguments);
    }
  }
  for (const ir::ConditionalRow& row : ir::RowsOf(arch, call)) CollectArguments(row.when, arguments);
  // A multiplexed call is one call for each command.
  for (size_t i = 0; i < call.params.size(); ++i) {
    if (call.params[i].name == "request" || call.params[i].name == "cmd" || call.params[i].name == "option" || call.params[i].name == "operation") arguments.insert(i);
  }
  std::string out;
  for (const size_t i : arguments) {
    if (i >= call.params.size() || call.params[i].type == kernel::ArgType::kPtr) continue;
    const kernel::Param& param = call.params[i];
    const bool is_long = param.type == kernel::ArgType::kI64 || param.type == kernel::ArgType::kU64;
    const uint64_t mask = is_long ? ~uint64_t{0} : param.type == kernel::ArgType::kU16 ? 0xffff : 0xffffffff;
    out += (out.empty() ? "" : ", ") + fmt::format("{} == {}", param.name, WriteValue(arch, param.family, event.args[i] & mask));
  }
  return out;
}

}  // namespace

std::string DescribeCause(const ir::Domain& domain, const ir::Event& event, const ir::Decision& decision, const source::SourceManager& sources) {
  (void)event;
  if (!decision.rules.empty()) {
    const Rule& rule = domain.rules[decision.rules.front()];
    std::string out = Place(rule.from, sources);
    if (decision.reason == "implied") out += "  (implied)";
    for (const std::string& via : rule.from.via) out += "\n         from  " + via;
    return out;
  }
  const std::string_view prefix = "default of ";
  if (decision.reason.rfind(prefix, 0) == 0) {
    const std::string facet = decision.reason.substr(prefix.size());
    return DescribeDefault(domain.defaults[ir::FacetOf(facet)], decision.reason, sources);
  }
  if (decision.reason == "unknown syscall") return DescribeDefault(*domain.unknown_syscall, decision.reason, sources) + fmt::format("  (not in Linux {})", kernel::FormatVersion(domain.reference_kernel));
  if (decision.reason == "foreign architecture") return DescribeDefault(domain.foreign, "entries of architectures that the policy does not list", sources);
  if (decision.reason == "x32 number") return "numbers of x32 are never permitted";
  const ir::FacetDefault& syscall = domain.defaults[ir::FacetOf("syscall")];
  return syscall.stated ? DescribeDefault(syscall, "default", sources) : "the policy says nothing of system calls";
}

Suggestion SuggestAllow(const ir::Domain& domain, const ir::Event& event, const ir::Decision& decision, const source::SourceManager& sources) {
  const auto arch = EntryOf(domain, event);
  if (!arch) return {"", "the architecture is not listed: `architectures { ... }`"};
  if (decision.reason == "x32 number") return {"", "numbers of x32 are never permitted"};
  const kernel::Syscall* call = kernel::FindSyscall(*arch, event.number);
  if (call == nullptr) return {"", "no table has this number"};
  if (decision.reason == "deny rule") return {"", fmt::format("a deny cannot be outweighed; change {}", Place(domain.rules[decision.rules.front()].from, sources))};
  // A rule of the facet says more than one of the bare call, where one row is all that the call needs.
  std::vector<ir::ConditionalRow> needs;
  for (ir::ConditionalRow& row : ir::RowsOf(*arch, *call)) {
    if (row.row->mode == kernel::RowMode::kNeeds && row.when.Holds(event.args)) needs.push_back(std::move(row));
  }
  if (needs.size() == 1 && !needs[0].row->object_may_be_absent && !HidesIntegers(*needs[0].row) && domain.defaults[needs[0].facet].stated) {
    const kernel::ViewRow& row = *needs[0].row;
    std::string line = fmt::format("allow {} {{ {} }}", row.facet, row.operation);
    for (const kernel::Binding& binding : row.bindings) {
      for (size_t i = 0; i < call->params.size(); ++i) {
        const kernel::Param& param = call->params[i];
        if (param.name != binding.param || binding.attribute == "protocol" || binding.attribute == "type") continue;
        const bool narrow = param.type != kernel::ArgType::kI64 && param.type != kernel::ArgType::kU64 && param.type != kernel::ArgType::kPtr;
        line += fmt::format(" {} {}", ClauseWord(row.facet, binding.attribute), WriteValue(*arch, param.family, event.args[i] & (narrow ? 0xffffffffu : ~uint64_t{0}) & binding.mask));
      }
    }
    return {line, ""};
  }
  const std::string tested = TestedArguments(domain, *arch, *call, event);
  return {fmt::format("allow syscall {}{}", call->name, tested.empty() ? "" : "(" + tested + ")"), ""};
}

std::string ForbiddenBy(const ir::Domain& domain, const ir::Event& event, const source::SourceManager& sources) {
  const auto arch = EntryOf(domain, event);
  const kernel::Syscall* call = arch ? kernel::FindSyscall(*arch, event.number) : nullptr;
  if (call == nullptr) return "";
  for (const Rule& rule : domain.rules) {
    if (rule.effect != ir::Effect::kNever) continue;
    bool matches = std::any_of(rule.calls.begin(), rule.calls.end(), [&](const auto& m) { return m.arch == *arch && m.number == event.number && m.when.Holds(event.args); });
    for (const ir::ConditionalRow& row : ir::RowsOf(*arch, *call)) matches |= ir::RefusalOf(*call, row, rule).Holds(event.args);
    if (matches) return fmt::format("{} `{}`", rule.from.place, OneLine(rule.from.span, sources));
  }
  return "";
}

std::string ShowDeniedCall(const ir::Domain& domain, const Denial& denial) { return ShowHead(domain, denial.event, denial.texts); }

std::string FormatDenial(const ir::Domain& domain, const Denial& denial, const source::SourceManager& sources) {
  const auto& [event, decision, process, count, texts] = denial;
  const char* head = Permits(decision.action) ? "logged " : "denied ";
  std::string out = head + (" " + ShowHead(domain, event, texts)) + ShowReturn(decision.action);
  if (!process.empty()) out += "   " + process;
  if (count > 1) out += fmt::format("   x{}", count);
  out += fmt::format("\n  by     {}   (layer seccomp)\n", DescribeCause(domain, event, decision, sources));
  if (Permits(decision.action)) return out;
  const Suggestion suggestion = SuggestAllow(domain, event, decision, sources);
  out += suggestion.line.empty() ? fmt::format("  allow  not by adding a line: {}\n", suggestion.why_not) : fmt::format("  allow  {}\n", suggestion.line);
  const std::string never = ForbiddenBy(domain, event, sources);
  if (!never.empty()) out += fmt::format("  but    {} forbids it\n", never);
  return out;
}

std::optional<ir::Event> ParseEvent(const std::string& text, kernel::Arch arch, source::SourceManager& sources, diag::Sink& sink) {
  const source::FileId file = sources.Add("event", text);
  const auto expr = syntax::ParseExpression(sources, file, sink);
  if (!expr) return std::nullopt;
  if (expr->kind != ast::ExprKind::kCall && expr->kind != ast::ExprKind::kName) {
    sink.Report(diag::Kind::kTypeMismatch, expr->span, "a system call with its arguments is needed").Help("write it as `socket(AF_UNIX, SOCK_STREAM, 0)`");
    return std::nullopt;
  }
  const kernel::Syscall* call = kernel::FindSyscall(arch, expr->text);
  if (call == nullptr) {
    std::vector<std::string_view> names;
    for (const kernel::Syscall& one : kernel::Syscalls(arch)) names.push_back(one.name);
    auto& d = sink.Report(diag::Kind::kUnknownSyscall, expr->span, fmt::format("{} has no system call `{}`", kernel::ArchName(arch), expr->text));
    const std::string hint = diag::DidYouMean(expr->text, names);
    if (!hint.empty()) d.Help(hint);
    return std::nullopt;
  }
  ir::Event event;
  event.audit_arch = kernel::AuditArch(arch);
  event.number = call->number;
  if (expr->children.size() > event.args.size()) {
    sink.Report(diag::Kind::kUnknownArgument, expr->span, "a system call has at most six arguments");
    return std::nullopt;
  }
  const resolve::Scope scope(nullptr);
  resolve::Values values(sink);
  for (size_t i = 0; i < expr->children.size(); ++i) {
    const ast::Expr& child = expr->children[i];
    if (child.kind == ast::ExprKind::kString || (child.kind == ast::ExprKind::kName && (child.text == "NULL" || child.text == "_"))) continue;  // a pointer: its value decides nothing
    resolve::IntegerType type;
    type.what = fmt::format("argument {}", i);
    const auto value = values.Integer(child, scope, arch, type);
    const auto bits = value ? values.Bits(child, *value, type) : std::nullopt;
    if (!bits) return std::nullopt;
    event.args[i] = *bits;
  }
  return event;
}

}  // namespace ravelin::driver
