// Learning anew onto a policy that somebody has edited since: what was written by hand stays, and only what is new is added.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/learn.h"

namespace ravelin::driver {

struct Relearned {
  std::string patch;                      // unified diff of the policy's file; "": nothing is new
  std::string text;                       // the file as the patch makes it
  std::vector<std::string> added;         // statements
  std::vector<std::string> kept_refused;  // observed, and refused by a rule that somebody wrote: it stays so
};
// `policy`: the file.  `request.output`: where the policy of the observations alone goes; only what it permits is asked.
Result<Relearned> Relearn(const LearnRequest& request, const std::string& policy, const std::string& name);

}  // namespace ravelin::driver
