#include "compiler/ir/policy.h"

#include "compiler/base/check.h"

namespace ravelin::ir {

FacetId FacetOf(std::string_view name) {
  const auto facets = kernel::Facets();
  for (size_t i = 0; i < facets.size(); ++i) {
    if (facets[i].name == name) return static_cast<FacetId>(i);
  }
  RAVELIN_CHECK(false, "a facet that the tables do not have");
  return 0;
}

std::vector<std::string> OperationNames(FacetId facet, OperationSet operations) {
  std::vector<std::string> out;
  const auto& names = kernel::Facets()[facet].operations;
  for (size_t i = 0; i < names.size(); ++i) {
    if ((operations >> i & 1) != 0) out.push_back(names[i]);
  }
  return out;
}

std::string LimitName(const Limit& limit) { return std::string(kernel::ConstantName(kernel::Arch::kX86_64, "RLIMIT", limit.resource)); }

bool IsX32Number(kernel::Arch arch, uint32_t number) {
  if (arch != kernel::Arch::kX86_64) return false;
  return (number >= 0x40000000u && number <= 0x7fffffffu) || (number >= 512 && number <= 547);
}

bool IsKnown(const Domain& domain, kernel::Arch arch, uint32_t number) {
  const kernel::Syscall* call = kernel::FindSyscall(arch, number);
  return call != nullptr && call->since <= domain.reference_kernel;
}

}  // namespace ravelin::ir
