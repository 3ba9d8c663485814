// Which paths of a tree get which SELinux label, by file_contexts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/automaton.h"
#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// The entries of file_contexts as one automaton; of those that match a path the last one counts, as libselinux has it.
class PathLabels {
 public:
  // kMalformed names the entry; kTooLarge where the automaton would be.
  static Result<PathLabels> Parse(std::string_view file_contexts);

  const std::string& ContextOf(std::string_view path) const;  // "" where no entry matches
  // What a path gets that no entry names more closely: "" unless some entry is for everything.
  const std::string& DefaultContext() const { return default_; }
  // All paths that begin so have the default.
  bool LeadsNowhere(std::string_view beginning) const;

 private:
  ir::PatternAutomaton automaton_;
  std::vector<std::string> contexts_;  // by label of the automaton
  std::string default_;
  std::vector<bool> alive_;  // by state: another context than the default can follow
};

// Everything below the folder `from` of the host that has another label than the default (where the default is an entry's, `unnamed` for
// what no entry matches), where the guest has it at `at` ("" for its root), by its path in the
// guest, sorted.  Of the folders in `covered`, which the guest has for itself, only they themselves count, and what is in every guest's
// /dev.  Symbolic links are not followed.  kTooLarge beyond what a guest can hold.
inline constexpr size_t kMostLabels = 60000;
Result<std::vector<PathLabel>> LabelTree(const PathLabels& labels, const std::string& from, const std::string& at, const std::vector<std::string>& covered, const std::string& unnamed);

}  // namespace ravelin::kernels
