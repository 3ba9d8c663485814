#include "backends/seccomp/cost.h"

#include <algorithm>

#include "backends/seccomp/optimum.h"

namespace ravelin::seccomp {

CostReport ReportCost(const FilterSpec& spec, const Program& program, const std::map<std::string, double>& frequencies) {
  CostReport report;
  report.instructions = program.size();
  const ArchSpec& arch = spec.arches.front();
  const bool big_endian = kernel::IsBigEndian(arch.arch);
  double total_weight = 0;
  size_t uncached = 0;
  for (const CallAnswer& call : arch.calls) {
    ir::Event event;
    event.audit_arch = kernel::AuditArch(arch.arch);
    event.number = call.number;
    const Run run = RunProgram(program, event, big_endian);
    const auto executed = static_cast<double>(run.executed);
    report.uniform += executed;
    report.longest = std::max(report.longest, run.executed);
    const auto weight = frequencies.find(call.name);
    if (weight != frequencies.end()) {
      report.weighted += weight->second * executed;
      total_weight += weight->second;
    }
    const bool constant = call.clauses.front().when.IsTrue() && call.clauses.front().action.kind == ir::ActionKind::kAllow;
    const bool cached = IsConstantAllow(program, event.audit_arch, event.number);
    report.constant_allows += constant ? 1 : 0;
    report.cacheable += constant && cached ? 1 : 0;
    if (!cached) {
      report.uncached += executed;
      ++uncached;
    }
  }
  report.uniform /= static_cast<double>(std::max<size_t>(arch.calls.size(), 1));
  report.uncached /= static_cast<double>(std::max<size_t>(uncached, 1));
  if (total_weight > 0) report.weighted /= total_weight;
  report.uniform_optimum = OptimalCost(spec, program, {});
  if (total_weight > 0) report.weighted_optimum = OptimalCost(spec, program, frequencies);
  return report;
}

}  // namespace ravelin::seccomp
