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

  std::string ContextOf(std::string_view path) const;  // "" where no entry matches
  // No path that begins so has a label.
  bool LeadsNowhere(std::string_view beginning) const;

 private:
  struct Entry {
    uint32_t body = 0;
    std::vector<uint32_t> required, refused;
    std::string context;
  };
  ir::PatternAutomaton automaton_;
  std::vector<Entry> entries_;
  std::vector<bool> alive_;  // by state: some label can follow
};

// Everything below the folder `from` of the host that has a label, where the guest has it at `at` ("" for its root), by its path in the
// guest, sorted.  Of the folders in `covered`, which the guest has for itself, only they themselves count, and what is in every guest's
// /dev.  Symbolic links are not followed.  kTooLarge beyond what a guest can hold.
inline constexpr size_t kMostLabels = 60000;
Result<std::vector<PathLabel>> LabelTree(const PathLabels& labels, const std::string& from, const std::string& at, const std::vector<std::string>& covered);

}  // namespace ravelin::kernels
