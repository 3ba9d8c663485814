// An event: one attempt of a system call with its resolved meaning.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

// What the attempt asks of one object, as the kernel resolved it.
struct ObjectCheck {
  FacetId facet = 0;
  int operation = 0;  // index into the facet's operations
  std::map<std::string, uint64_t> integers;
  std::map<std::string, std::string> texts;  // "path": resolved and absolute; "peer": domain, "self" or "outside"; ...
  bool owner = false;
};

struct Event {
  uint32_t audit_arch = 0;  // AUDIT_ARCH_*
  uint32_t number = 0;
  uint64_t instruction_pointer = 0;
  Args args{};
  std::vector<ObjectCheck> objects;  // empty: the attempt reached no object, or it is not known
};

}  // namespace ravelin::ir
