#include <fmt/format.h>

#include "backends/seccomp/cost.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/frequencies.h"

namespace ravelin::cli {

std::string CostText(const ir::Domain& domain, const driver::SeccompArtifact& artifact, const std::string& frequencies, Result<void>& status) {
  driver::Workloads workloads;
  if (!frequencies.empty()) {
    auto read = driver::ReadFrequencies(frequencies);
    if (!read) {
      status = tl::make_unexpected(std::move(read.error()));
      return "";
    }
    workloads = std::move(*read);
  }
  const seccomp::CostReport report = seccomp::ReportCost(artifact.spec, artifact.filter.program, driver::Mean(workloads));
  std::string out = fmt::format("policy {}, {}: instructions from the load of the architecture to the return\n", domain.name, kernel::ArchName(domain.architectures.front()));
  const auto line = [&](const char* what, const std::string& value, const std::string& optimum = "") { out += fmt::format("  {:<44}{:>8}{}\n", what, value, optimum); };
  const auto against = [](double least) { return least <= 0 ? std::string() : fmt::format("   (optimum {:.2f})", least); };
  line("program", std::to_string(report.instructions));
  line("mean over all known calls", fmt::format("{:.2f}", report.uniform), against(report.uniform_optimum));
  line("mean over the calls that the kernel runs it for", fmt::format("{:.2f}", report.uncached));
  line("longest path", std::to_string(report.longest));
  for (const auto& [name, weights] : workloads) {
    const seccomp::CostReport one = seccomp::ReportCost(artifact.spec, artifact.filter.program, weights);
    line(fmt::format("mean of workload {}", name.empty() ? "given" : name).c_str(), fmt::format("{:.2f}", one.weighted));
  }
  if (!workloads.empty()) line("mean over the workloads", fmt::format("{:.2f}", report.weighted), against(report.weighted_optimum));
  line("calls permitted whatever their arguments", std::to_string(report.constant_allows));
  line("of these, cached by the kernel (Linux >= 5.11)", std::to_string(report.cacheable));
  return out;
}

}  // namespace ravelin::cli
