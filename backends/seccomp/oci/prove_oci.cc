// Independent of the writer: what a profile's text says, as diagrams, against Up(A).
#include <fmt/format.h>

#include "backends/seccomp/oci/decide.h"
#include "backends/seccomp/oci/oci.h"
#include "backends/seccomp/prove/symbolic.h"

namespace ravelin::seccomp {
namespace {

using ir::Diagrams;

ProofResult CannotSay(std::string why) {
  ProofResult result;
  result.why_not = std::move(why);
  return result;
}

Diagrams::Node Compare(const OciArg& arg, Diagrams& d) {
  const uint16_t base = Diagrams::ArgBase(static_cast<int>(arg.index));
  const Diagrams::Node yes = d.Terminal(1);
  const Diagrams::Node no = d.Terminal(0);
  const uint64_t most = ~uint64_t{0};
  switch (arg.op) {
    case OciOp::kNe: return d.Interval(base, 64, arg.value, arg.value, no, yes);
    case OciOp::kLt: return arg.value == 0 ? no : d.Interval(base, 64, 0, arg.value - 1, yes, no);
    case OciOp::kLe: return d.Interval(base, 64, 0, arg.value, yes, no);
    case OciOp::kEq: return d.Interval(base, 64, arg.value, arg.value, yes, no);
    case OciOp::kGe: return d.Interval(base, 64, arg.value, most, yes, no);
    case OciOp::kGt: return arg.value == most ? no : d.Interval(base, 64, arg.value + 1, most, yes, no);
    case OciOp::kMaskedEq: return d.MaskedIn(base, 64, arg.value, ir::IntervalSet::Single(arg.value_two));
  }
  return no;
}

// What the rules of one call decide; nullopt: rules overlap and nothing says which wins.
std::optional<Diagrams::Node> Decide(const OciAnswer& answer, ir::Action fallback, Diagrams& d) {
  Diagrams::Node out = d.Terminal(ir::ToSeccompReturn(fallback));
  std::vector<std::pair<ir::Action, Diagrams::Node>> by_action;
  for (const OciClause& clause : answer.clauses) {
    Diagrams::Node when = d.Terminal(1);
    for (const OciArg& arg : clause.when) when = d.And(when, Compare(arg, d));
    for (const auto& [action, earlier] : by_action) {
      if (action != clause.action && d.And(earlier, when) != d.Terminal(0)) return std::nullopt;
    }
    by_action.emplace_back(clause.action, when);
    out = d.Choose(when, d.Terminal(ir::ToSeccompReturn(clause.action)), out);
  }
  return out;
}

ProofResult ProveArch(const ir::Domain& domain, const OciProfile& profile, ir::Action fallback, kernel::Arch arch) {
  Diagrams d;
  const OciContainer container{arch, {}, domain.reference_kernel};
  const Diagrams::Node other = d.Terminal(ir::ToSeccompReturn(fallback));
  std::vector<Diagrams::Range> ranges;
  uint64_t next = 0;
  for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
    if (ir::IsX32Number(arch, call.number)) continue;
    const OciAnswer answer = AnswerOf(profile, container, call.name);
    const auto node = answer.refused.empty() ? Decide(answer, fallback, d) : std::nullopt;
    if (!node) return CannotSay(fmt::format("rules of `{}` overlap with different actions", call.name));
    if (call.number > next) ranges.push_back({next, uint64_t{call.number} - 1, other});
    ranges.push_back({call.number, call.number, *node});
    next = uint64_t{call.number} + 1;
  }
  ranges.push_back({next, 0xffffffff, other});
  const Diagrams::Node actual = d.FromRanges(Diagrams::kNumber, 32, ranges);
  DiagramLogic logic(d);
  const Diagrams::Node policy = SymbolicPolicy(domain, arch, logic);
  // x32 has no name in a profile: the runtime's loader guards it.
  Diagrams::Node x32 = d.Terminal(0);
  if (arch == kernel::Arch::kX86_64) x32 = d.FromRanges(Diagrams::kNumber, 32, {{0, 511, d.Terminal(0)}, {512, 547, d.Terminal(1)}, {548, 0x3fffffff, d.Terminal(0)}, {0x40000000, 0x7fffffff, d.Terminal(1)}, {0x80000000, 0xffffffff, d.Terminal(0)}});
  const Diagrams::Node left = d.Choose(x32, other, policy);
  const Diagrams::Node right = d.Choose(x32, other, actual);
  ProofResult result;
  result.nodes = d.size();
  result.proved = left == right;
  if (result.proved) return result;
  const auto input = d.FindDifference(left, right);
  Counterexample c;
  c.event.audit_arch = kernel::AuditArch(arch);
  c.event.number = input->number;
  c.event.args = input->args;
  c.expected = ir::FromSeccompReturn(d.Evaluate(left, *input)).value_or(ir::Action{});
  c.actual = d.Evaluate(right, *input);
  result.counterexample = c;
  return result;
}

}  // namespace

ProofResult ProveOciProfile(const ir::Domain& domain, const OciProfile& profile) {
  const auto fallback = OciActionOf(profile.default_action, profile.default_errno);
  if (!fallback) return CannotSay(fmt::format("`{}` is no action", profile.default_action));
  for (const OciRule& rule : profile.rules) {
    if (!OciActionOf(rule.action, rule.errno_ret)) return CannotSay(fmt::format("`{}` is no action", rule.action));
    if (!rule.includes.empty() || !rule.excludes.empty()) return CannotSay("a rule depends on the container");
  }
  ProofResult all;
  for (const kernel::Arch arch : domain.architectures) {
    ProofResult one = ProveArch(domain, profile, *fallback, arch);
    if (!one.proved) return one;
    all.nodes += one.nodes;
  }
  all.proved = true;
  return all;
}

}  // namespace ravelin::seccomp
