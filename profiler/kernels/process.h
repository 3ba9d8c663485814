// A child process with its output, and a limit of time.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::kernels {

struct ProcessResult {
  int exit_code = -1;  // where it ended by itself
  int signal = 0;      // where a signal ended it
  bool timed_out = false;
  std::string output;  // standard output and error together, the last `kMostOutput` bytes
};

// `arguments[0]` is looked up in PATH.  Standard input is empty; `environment` is all of it.  After `limit_ms` it is killed with its
// group.  Fails with kNotFound where there is no such program.
Result<ProcessResult> RunProcess(const std::vector<std::string>& arguments, const std::vector<std::string>& environment, unsigned limit_ms);

// Where PATH has it; "" where it has not.
std::string FindProgram(const std::string& name);

}  // namespace ravelin::kernels
