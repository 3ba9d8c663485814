// probe --random: policies by chance.
#pragma once

#include <cstdint>

#include "compiler/cli/commands.h"

namespace ravelin::cli {

struct SoakCommand {
  size_t policies = 0;  // 0: a policy is given
  uint64_t seed = 1;    // of the first
};
int Run(const SoakCommand& soak, const ProbeCommand& command);

}  // namespace ravelin::cli
