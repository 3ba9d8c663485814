// Where a rule grants or refuses what a view row asks, as a predicate on the call's registers (clauses 4.5, 4.6, 7.2).
//
// Shared by lowering and by dumps.  The oracle and the proof state the same clauses by themselves.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

// A view row of one call, its condition as a predicate.
struct ConditionalRow {
  const kernel::ViewRow* row = nullptr;
  Predicate when;
  FacetId facet = 0;
  int operation = 0;  // index into the facet's operations
};

// Rows of the call whose condition can hold.
std::vector<ConditionalRow> RowsOf(kernel::Arch arch, const kernel::Syscall& call);
// 4.5: registers for which the rule grants the row; the row's own condition is not included.
Predicate GrantOf(const kernel::Syscall& call, const ConditionalRow& row, const Rule& rule);
// 4.6: registers for which the rule refuses the row, the row's condition included.
Predicate RefusalOf(const kernel::Syscall& call, const ConditionalRow& row, const Rule& rule);

// The calls that a rule of a facet other than `syscall` has a part in, for dumps: "implied by".
struct ImpliedCall {
  kernel::Arch arch;
  const kernel::Syscall* call;
  bool needed;     // kNeeds: other rules may have to grant the call's other needs
  Predicate when;
};
std::vector<ImpliedCall> ImpliedBy(const Domain& domain, const Rule& rule);

}  // namespace ravelin::ir
