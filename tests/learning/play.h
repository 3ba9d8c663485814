// A case on this machine, by the recorder that needs no guest: for programs that work in one folder and serve nobody.
#pragma once

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"
#include "profiler/verify/scenario.h"

namespace ravelin::learning {

// True where all that the case makes lies in `folder`, and nothing of it goes on.
bool PlaysHere(const verify::Scenario& scenario, const std::string& folder);
// All confined steps as one run.  `number` is that of the run: what varies with it.  The folder is gone afterwards.
Result<observe::Run> PlayHere(const verify::Scenario& scenario, const std::string& folder, unsigned number);

}  // namespace ravelin::learning
