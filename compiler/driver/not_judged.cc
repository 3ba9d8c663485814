// Where the judging kernel is not the target's: a verdict says nothing there.
#include <fmt/format.h>

#include <algorithm>

#include "backends/combine/checks.h"
#include "compiler/driver/verify.h"
#include "compiler/kernel/apparmor_features.h"

namespace ravelin::driver {
namespace {

// What a module asks of an operation's attempts, as far as it can be told in words.
std::string AskedText(const std::vector<combine::Cell>& cells) {
  std::string out;
  for (const combine::Cell& cell : cells) {
    for (const combine::Check& check : cell.checks) {
      if (!check.grants_only) out += fmt::format("{}{} {{ {} }} sees {}", out.empty() ? "" : "; ", check.object, fmt::join(check.permissions, " "), fmt::join(check.sees, " "));
    }
  }
  return out;
}

// Operations of which the module asks one thing on the judge and another on the target, by facet: "io_uring { use }".
std::vector<std::string> DifferentRows(const std::string& layer, const combine::LayerFacts& judge, const combine::LayerFacts& target) {
  const combine::Checks here(layer, judge);
  const combine::Checks there(layer, target);
  std::vector<std::string> out;
  for (size_t id = 0; id < kernel::Facets().size(); ++id) {
    const kernel::FacetInfo& facet = kernel::Facets()[id];
    std::vector<std::string> operations;
    for (size_t i = 0; i < facet.operations.size(); ++i) {
      const auto facet_id = static_cast<ir::FacetId>(id);
      if (AskedText(here.Of(facet_id, static_cast<int>(i))) != AskedText(there.Of(facet_id, static_cast<int>(i)))) operations.push_back(facet.operations[i]);
    }
    if (!operations.empty()) out.push_back(fmt::format("{} {{ {} }}", facet.name, fmt::join(operations, " ")));
  }
  return out;
}

bool Names(const ir::Domain& domain, const std::string& layer) {
  return std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [&](const auto& set) { return std::find(set.begin(), set.end(), layer) != set.end(); });
}

}  // namespace

std::vector<std::string> NotJudged(const Frontend& front, size_t domain, const verify::Report& report) {
  const resolve::Target& target = front.target;
  if (report.driver == kernels::DriverKind::kGvisor) return {fmt::format("Linux {}: the judge is gVisor, an application kernel, which permits and refuses by the same filter and knows fewer calls", kernel::FormatVersion(target.kernel))};
  std::vector<std::string> out;
  const auto judge = kernel::ParseVersion(report.kernel);
  if (!judge) return {"the judging kernel does not say its version"};
  if (target.arch != kernel::Arch::kX86_64) out.push_back(fmt::format("architecture {}: the judge has x86_64", kernel::ArchName(target.arch)));
  if (*judge != target.kernel) {
    size_t calls = 0;
    for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) calls += *judge < call.since && call.since <= target.kernel ? 1 : 0;
    out.push_back(fmt::format("Linux {}{}: the judge is {}", kernel::FormatVersion(target.kernel), calls == 0 ? "" : fmt::format(" with {} more system calls", calls), kernel::FormatVersion(*judge)));
  }
  if (const std::string wanted = kernel::ApparmorFeaturesText(target.apparmor_features); !report.features.empty() && report.features != wanted) {
    const auto more = kernel::ApparmorFeaturesBeyond(report.features, wanted);
    const auto less = kernel::ApparmorFeaturesBeyond(wanted, report.features);
    const std::string how = (more.empty() ? "" : fmt::format("; the judge has {}", fmt::join(more, ", "))) + (less.empty() ? "" : fmt::format("; the judge lacks {}", fmt::join(less, ", ")));
    out.push_back(fmt::format("AppArmor's features are not those of {}, which the profiles were proved for{}", target.apparmor_features, how));
  }
  combine::LayerFacts judging = FactsOf(target);
  judging.kernel = *judge;
  for (const std::string& set : kernel::ApparmorFeatureSets()) {
    if (report.features == kernel::ApparmorFeaturesText(set)) judging.apparmor_features = set;
  }
  for (const char* layer : {"apparmor", "selinux"}) {
    if (!Names(front.policy.domains[domain], layer)) continue;
    const auto rows = DifferentRows(layer, judging, FactsOf(target));
    if (!rows.empty()) out.push_back(fmt::format("{} asks something else there of {}", layer, fmt::join(rows, ", ")));
  }
  return out;
}

}  // namespace ravelin::driver
