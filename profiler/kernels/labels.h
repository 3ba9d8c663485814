// Which paths of a tree get which SELinux label, by file_contexts.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
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
  // What every longer path that begins so gets; nullptr where they differ.
  const std::string* OneBeyond(std::string_view beginning) const;

 private:
  ir::PatternAutomaton automaton_;
  std::vector<std::string> contexts_;  // by label of the automaton
  std::string default_;
  std::vector<bool> alive_;  // by state: another context than the default can follow
  std::vector<std::optional<uint32_t>> beyond_;  // by state: the only label that can follow
};

// Folders of the host as the guest has them: one over the other, the first on top.
struct Tree {
  std::vector<std::string> from;
  std::string at;                    // where the guest has it; "": its root
  std::vector<std::string> covered;  // folders that the guest has for itself: only they themselves count
  std::string unnamed;               // where the default is an entry's: the label of what no entry matches
  size_t region_files = SIZE_MAX;    // so many files of one label, and no others, make their folder a region
  std::set<std::string> moved;       // contexts of what may be made, linked, renamed or deleted: never in a region, whose mount would show
};

// All that has another label than the default, by its path in the guest, sorted, and what is in every guest's /dev; nothing of what is
// below a region.  Symbolic links are not followed.
struct TreeLabels {
  std::vector<PathLabel> labels;
  std::vector<Region> regions;
};
inline constexpr size_t kMostLabels = 60000;
Result<TreeLabels> LabelTree(const PathLabels& labels, const Tree& tree);  // kTooLarge beyond what a guest can hold

}  // namespace ravelin::kernels
