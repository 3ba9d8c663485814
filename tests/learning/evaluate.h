// What a policy learned from half of the cases says of the other half.
#pragma once

#include <string>
#include <vector>

#include "profiler/generalize/generalize.h"

namespace ravelin::learning {

// The regular files of a root and of the layers over it.
class System {
 public:
  System(const std::string& root, const std::vector<std::string>& layers);
  // How many of them the rules open for reading.
  size_t Readable(const std::vector<generalize::PathRule>& rules) const;
  size_t size() const { return files_.size(); }
  const generalize::System& known() const { return known_; }
  const std::vector<generalize::Module>& modules() const { return modules_; }

 private:
  std::vector<std::string> files_;  // sorted
  generalize::System known_;
  std::vector<generalize::Module> modules_;
};

struct Figures {
  size_t splits = 0;
  double files_denied = 0;       // share of held-out runs, mean over the splits
  double files_denied_most = 0;
  double calls_denied = 0;
  double arguments_denied = 0;
  double other_denied = 0;       // sockets, capabilities
  std::vector<size_t> readable;  // of each split, sorted
  double granted_over_seen = 0;  // calls, mean
  double granted_over_seen_most = 0;
  size_t sensitive_unused = 0;   // paths that no run used and a rule opens
  size_t bounds = 0;             // of facets, that were judged
  size_t bounds_held = 0;
  std::map<std::string, size_t> missed;  // what was denied, in how many held-out runs
};
// The recording's runs, in the order of `cases`, are split in half at random `splits` times.
Figures Evaluate(const observe::Recording& recording, const System& system, size_t splits, bool with_bounds);
// The same recording as if every case had worked in one folder.
observe::Recording InOneFolder(const observe::Recording& recording, const std::string& workload);

}  // namespace ravelin::learning
