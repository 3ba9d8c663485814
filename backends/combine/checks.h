// What the security modules ask of attempts, in one form for all of them (docs/semantics.md, clauses 7.6, 8 and 9).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ir/boxes.h"
#include "compiler/ir/policy.h"
#include "compiler/kernel/facts.h"

namespace ravelin::combine {

// What a target's security modules can do.
struct LayerFacts {
  std::string apparmor_features = "6.1";  // a set of compiler/kernel/apparmor_features.h
  kernel::Version kernel{6, 1};
  std::set<std::string> selinux_policy_capabilities = {"extended_socket_class", "nnp_nosuid_transition", "open_perms"};
};

// One thing that a module asks.  A grant answers it if it is for the same object and permission.
struct Check {
  enum class About { kItself, kParent, kAbove };  // the object that the attempt names, its directory, all directories above it

  std::string object;  // the module's class and, where there are several, whom the check is about
  std::vector<std::string> permissions;
  bool any_suffices = false;  // one of the permissions, as the attempt's detail demands
  std::vector<std::string> sees;  // attributes of the attempt that the answer depends on
  About about = About::kItself;
  bool low_command = false;  // of `command`, which it sees, the low 16 bits
  ir::Box when;              // attempts that ask it, beside the cell's: others let it pass
  bool grants_only = false;  // comes with the grant, and is not asked of an attempt that is judged

  bool Sees(std::string_view attribute) const;
};

// Attempts of one operation that ask the same: of one kind of file, of one class of socket.
struct Cell {
  ir::Box where;
  std::vector<Check> checks;
};

// Everything that a module asks under a target.
class Checks {
 public:
  Checks(std::string_view mechanism, const LayerFacts& facts);
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  // Empty: the module asks nothing of the operation.
  const std::vector<Cell>& Of(ir::FacetId facet, int operation) const { return cells_[facet][static_cast<size_t>(operation)]; }

  struct Grant {
    ir::FacetId facet;
    int operation;
    const Cell* cell;
    const Check* check;
  };
  // Which operations bring the permission when they are permitted.
  const std::vector<Grant>& GrantsOf(const std::string& object, const std::string& permission) const;

 private:
  void AddApparmor(const LayerFacts& facts);
  void AddSelinux(const LayerFacts& facts);
  void Index(std::string_view mechanism);

  std::vector<std::vector<std::vector<Cell>>> cells_;  // by facet and operation
  std::map<std::pair<std::string, std::string>, std::vector<Grant>> grants_;
};

}  // namespace ravelin::combine
