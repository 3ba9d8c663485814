// Eight programs, each used in many ways: a case is a scenario of `ravelin verify` that chance has put together, the same for the same number.
#pragma once

#include <string>
#include <vector>

namespace ravelin::learning {

const std::vector<std::string>& Workloads();
// Four more, that nothing was tried out with.
const std::vector<std::string>& FreshWorkloads();
// Where the case works, as mktemp(3) would have called it.
std::string WorkFolder(const std::string& workload, unsigned number);
// The scenario's text.
std::string CaseOf(const std::string& workload, unsigned number);

}  // namespace ravelin::learning
