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
};

// One for each set of patterns that some name matches.
struct ExpectedNames {
  ir::Automaton names;                 // its labels index the tables below
  std::vector<ExpectedFile> files[2];  // [owner][label]: names of files
  std::vector<ExpectedFile> dirs[2];   // names of directories
  uint32_t asked_of_dirs = 0;          // permissions that some operation asks of a directory
};
Result<ExpectedNames> ExpectNames(const ir::Domain& domain);

}  // namespace ravelin::apparmor
