#pragma once

#include <optional>
#include <string>

#include "compiler/cli/commands.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::cli {

struct Until {
  bool reached = false;
  std::string words;
};
// Runs the workload, one run after another, into the recording that is kept, which may have begun before.  nullopt, with `exit_code`,
// where the workload could not be run.
std::optional<observe::Recording> RecordUntil(const LearnCommand& command, const generalize::Options& options, Until& until, int& exit_code);

}  // namespace ravelin::cli
