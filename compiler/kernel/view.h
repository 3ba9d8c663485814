// The seccomp view table: which object checks an attempt of a system call causes, as far as registers tell.
//
// One row says: a call, under a condition on its arguments, asks for one operation of one facet; some attributes of
// what it asks stand in registers (bindings), the rest is hidden from seccomp (paths, addresses, peers).
// Table: compiler/kernel/tables/view_seccomp.tsv, one row a line, each with its kernel source.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/kernel/facts.h"

namespace ravelin::kernel {

// kNeeds:  the call always asks for this; all such rows of an attempt must be permitted for it to do its work.
// kServes: the call is one way to carry the operation out (read() serves file read, network receive, ...), so a
//          grant of the operation implies the call, but a refusal of the operation says nothing about the call.
// kFollows: the call only makes sense with the operation's object (close() with a socket): a grant implies it too, but it
//          does not carry the operation out.
enum class RowMode : uint8_t { kNeeds, kServes, kFollows };

// (register & mask) cmp value, joined by && within a row; `in` rows are written out as several rows.
struct RowTest {
  std::string param;
  uint64_t mask;  // all ones when unmasked
  bool equal;     // == or !=
  uint64_t value;
};
struct Binding {
  std::string attribute;  // "family", "type", "protocol", "signal", "value", "cmd", "resource", ...
  std::string param;
  uint64_t mask;
};
struct ViewRow {
  std::string call;
  std::vector<RowTest> when;
  std::string facet;      // a name of compiler/kernel/tables/facets.tsv
  std::string operation;  // an operation of that facet
  std::vector<Binding> bindings;
  std::vector<std::string> hidden;  // attributes that a rule may state and this call keeps out of registers
  RowMode mode;
  bool object_may_be_absent;  // the check needs an object (path, descriptor) that an attempt may fail to reach
  std::string source;
};
// Rows of one call on one architecture (constants resolved for it; a row whose param the architecture's signature
// lacks has that attribute moved to `hidden`).  Empty when the call causes no check that a rule kind names.
std::span<const ViewRow> ViewRows(Arch arch, std::string_view call);
// Calls, on this architecture, with a row of (facet, operation).
std::vector<std::string> CallsFor(Arch arch, std::string_view facet, std::string_view operation);

// Facets and their operations, in table order.  `attributes` are the names a rule of the facet may constrain.
struct FacetInfo {
  std::string name;
  std::vector<std::string> operations;   // an empty list never occurs
  std::vector<std::string> attributes;
};
std::span<const FacetInfo> Facets();
const FacetInfo* FindFacet(std::string_view name);
// True when an attempt of the operation has no such attribute: a rule's constraint on it says nothing of the attempt.
bool OperationLacks(std::string_view facet, std::string_view operation, std::string_view attribute);
// True for what another process attempts (receiving a signal).
bool OperationIsPassive(std::string_view facet, std::string_view operation);
// The operation of another facet by which everything of a facet is carried (dbus messages by a connected unix socket).
struct CarriedBy {
  std::string facet;
  std::string operation;
  std::string attribute;
  uint64_t value = 0;
};
const CarriedBy* FacetIsCarriedBy(std::string_view facet);
// Operations that an operation brings with it (listen -> create, bind): transitive, itself included.
std::vector<std::string> OperationClosure(std::string_view facet, std::string_view operation);

// Calls that do the same work by another door (open/openat/openat2, chmod/fchmodat2, clone/clone3/fork, time64
// twins): each group is a line of compiler/kernel/tables/equivalents.tsv.
struct EquivalentGroup {
  std::string name;
  std::vector<std::string> calls;
  std::string kind;  // "twin", "rival", "fallback", "struct", "multi", "essential": see the head of the table
  std::string note;  // what the door hides or why both are needed
};
std::span<const EquivalentGroup> EquivalentGroups();

}  // namespace ravelin::kernel
