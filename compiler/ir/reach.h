// Where the processes of a domain get to: by an exec that changes the domain, by a change of their own, into a hat and back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

struct Reach {
  std::vector<size_t> domains;  // indices into Policy::domains, in their order; where it starts from is not among them
  // The place of a rule or default, of where it starts from or of a domain that it gets to, that may lead to what the policy says
  // nothing of: an attached or unconfined exec, or a change to a name that is no domain of the policy.
  std::optional<std::string> outside;
  bool unconfined = false;  // `outside` is an unconfined exec
};

// `from` is an index into Policy::domains.
Reach ReachOf(const Policy& policy, size_t from);

}  // namespace ravelin::ir
