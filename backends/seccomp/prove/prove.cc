#include "backends/seccomp/prove/prove.h"

#include <algorithm>

#include "backends/seccomp/prove/symbolic.h"

namespace ravelin::seccomp {
namespace {

using ir::Diagrams;

ProofResult Differ(const Diagrams& d, Diagrams::Node policy, Diagrams::Node program, const ir::FilterInput& input, std::optional<uint32_t> arch) {
  ProofResult result;
  Counterexample c;
  c.event.audit_arch = arch.value_or(input.arch);
  c.event.number = input.number;
  c.event.args = input.args;
  c.event.instruction_pointer = input.instruction_pointer;
  c.expected = ir::FromSeccompReturn(d.Evaluate(policy, input)).value_or(ir::Action{});
  c.actual = d.Evaluate(program, input);
  result.counterexample = c;
  result.nodes = d.size();
  return result;
}

ProofResult CannotSay(std::string why) {
  ProofResult result;
  result.why_not = std::move(why);
  return result;
}

// One architecture's entry, x32 numbers only refused.
ProofResult ProveEntry(const ir::Domain& domain, const Program& program, bool big_endian, kernel::Arch arch) {
  Diagrams d;
  const uint32_t audit = kernel::AuditArch(arch);
  const auto actual = SymbolicProgram(program, big_endian, audit, d);
  if (!actual) return CannotSay(actual.error().message);
  DiagramLogic logic(d);
  const auto policy = SymbolicPolicy(domain, arch, logic);
  std::vector<Diagrams::Range> x32;
  const Diagrams::Node no = d.Terminal(0);
  const Diagrams::Node yes = d.Terminal(1);
  const bool guarded = arch == kernel::Arch::kX86_64;
  // libseccomp's guard of x32 takes in negative numbers too.
  x32 = {{0, 511, no}, {512, 547, guarded ? yes : no}, {548, 0x3fffffff, no}, {0x40000000, 0xffffffff, guarded ? yes : no}};
  const Diagrams::Node outside = d.FromRanges(Diagrams::kNumber, 32, x32);
  const Diagrams::Node left = d.Choose(outside, no, policy);
  const Diagrams::Node right = d.Choose(outside, no, *actual);
  if (left != right) return Differ(d, policy, *actual, *d.FindDifference(left, right), audit);
  const auto permits = [](uint32_t value) { return value == 0x7fff0000u || value == 0x7ffc0000u; };
  if (const auto input = d.Find(d.Choose(outside, *actual, no), permits)) return Differ(d, policy, *actual, *input, audit);
  ProofResult result;
  result.proved = true;
  result.nodes = d.size();
  return result;
}

}  // namespace

ProofResult Prove(const ir::Domain& domain, const Program& program, bool big_endian, const ProofScope& scope) {
  if (scope.only_arch) return ProveEntry(domain, program, big_endian, *scope.only_arch);
  Diagrams d;
  const auto actual = SymbolicProgram(program, big_endian, std::nullopt, d);
  if (!actual) return CannotSay(actual.error().message);
  DiagramLogic logic(d);
  std::vector<std::pair<uint32_t, Diagrams::Node>> entries;
  for (const kernel::Arch arch : domain.architectures) entries.emplace_back(kernel::AuditArch(arch), SymbolicPolicy(domain, arch, logic));
  std::sort(entries.begin(), entries.end());
  const Diagrams::Node foreign = d.Terminal(ir::ToSeccompReturn(domain.foreign.action));
  std::vector<Diagrams::Range> ranges;
  uint64_t next = 0;
  for (const auto& [audit, node] : entries) {
    if (audit > next) ranges.push_back({next, uint64_t{audit} - 1, foreign});
    ranges.push_back({audit, audit, node});
    next = uint64_t{audit} + 1;
  }
  ranges.push_back({next, 0xffffffff, foreign});
  const Diagrams::Node policy = d.FromRanges(Diagrams::kArch, 32, ranges);
  if (policy != *actual) return Differ(d, policy, *actual, *d.FindDifference(policy, *actual), std::nullopt);
  ProofResult result;
  result.proved = true;
  result.nodes = d.size();
  return result;
}

}  // namespace ravelin::seccomp
