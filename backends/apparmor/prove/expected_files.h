// What the policy asks AppArmor to grant at a name, from the IR and the view table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/apparmor/read/compiled.h"
#include "compiler/base/result.h"
#include "compiler/ir/automaton.h"
#include "compiler/ir/policy.h"

namespace ravelin::apparmor {

struct ExpectedFile {
  uint32_t allow = 0;  // kRead | ... (read/compiled.h)
  uint32_t audit = 0;
  uint32_t quiet = 0;
  ExecKind exec = ExecKind::kNone;
  std::string exec_target;
  bool inherit_else = false;  // where there is no such profile
  bool unconfined_else = false;
  bool keeps_environment = false;
};

// A link: what the pair of its names asks.
struct ExpectedLink {
  bool allow = false;
  bool audit = false;
  bool quiet = false;
  bool subset = false;  // of an owner: where the new name's permissions are among the old one's
};

// One for each set of patterns that some name matches.
struct ExpectedNames {
  ir::Automaton names;                              // its labels index the tables below
  std::vector<ExpectedFile> files[2];               // [owner][label]: names of files
  std::vector<ExpectedFile> dirs[2];                // names of directories
  ir::Automaton old_names;                          // of links; its labels index the rows below
  std::vector<std::vector<ExpectedLink>> links[2];  // [owner][label of the new name][label of the old one]
  uint32_t asked_of_dirs = 0;                       // permissions that some operation asks of a directory
};
Result<ExpectedNames> ExpectNames(const ir::Policy& policy, const ir::Domain& domain);

}  // namespace ravelin::apparmor
