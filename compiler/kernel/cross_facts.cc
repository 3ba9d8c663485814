#include "compiler/kernel/cross_facts.h"

#include "compiler/base/check.h"
#include "compiler/kernel/facts.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {

std::span<const CapabilityUse> CapabilityUses() {
  static const std::vector<CapabilityUse> uses = [] {
    std::vector<CapabilityUse> out;
    for (const auto& row : TableRows("capability_calls.tsv")) {
      RAVELIN_CHECK(row.size() == 3 && FindCapability(row[0]), "capability_calls.tsv has a malformed row");
      CapabilityUse use{std::string(row[0]), {}};
      for (const std::string_view call : SplitTable(row[1], ',')) {
        RAVELIN_CHECK(IsSyscallName(call), "capability_calls.tsv names an unknown call");
        use.calls.emplace_back(call);
      }
      out.push_back(std::move(use));
    }
    return out;
  }();
  return uses;
}

std::span<const PathAlias> PathAliases() {
  static const std::vector<PathAlias> aliases = [] {
    std::vector<PathAlias> out;
    for (const auto& row : TableRows("path_aliases.tsv")) {
      RAVELIN_CHECK(row.size() == 3 && row[0].front() == '/' && row[1].front() == '/', "path_aliases.tsv has a malformed row");
      out.push_back({std::string(row[0]), std::string(row[1])});
    }
    return out;
  }();
  return aliases;
}

}  // namespace ravelin::kernel
