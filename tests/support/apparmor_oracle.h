// What a compiled AppArmor profile should permit, decided by the oracle, event by event; shares nothing with the proof.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "backends/apparmor/read/compiled.h"
#include "compiler/ir/policy.h"

namespace ravelin::testing {

struct Judged {
  size_t events = 0;
  size_t permitted = 0;
  std::optional<std::string> wrong;  // the first event on which the two differ
};

// Operations on names (with owner and transition) and capabilities, sockets, signals and ptrace, `names` names each; the profile was
// compiled for a kernel 6.1.
Judged JudgeByOracle(const ir::Policy& policy, const ir::Domain& domain, const apparmor::CompiledProfile& profile, size_t names, std::mt19937_64& random);

}  // namespace ravelin::testing
