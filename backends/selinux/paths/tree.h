// Directories and what stands in them, for the labels of an automaton.
//
// Only paths in normal form count: absolute, components of one byte or more, no slash at the end (clauses 6.1, 6.3).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backends/selinux/paths/automaton.h"

namespace ravelin::selinux {

class DirectoryTree {
 public:
  explicit DirectoryTree(const Automaton& automaton);

  // Labels that some path has, each with a shortest such path.
  const std::map<uint32_t, std::string>& Witnesses() const { return witnesses_; }
  // A directory with the first label holds an entry with the second one; with a path of such an entry.
  const std::map<std::pair<uint32_t, uint32_t>, std::string>& Entries() const { return entries_; }
  // Labels of directories above some path whose label is in the set.
  std::set<uint32_t> Above(const std::set<uint32_t>& labels) const;

 private:
  struct Folder {             // the state after a slash
    std::set<uint32_t> entries;   // labels of what stands in it
    std::set<uint32_t> folders;   // indices of folders in it
  };
  struct Step {
    uint32_t state;
    std::string name;
  };
  std::vector<Step> Names(const Automaton& automaton, uint32_t state) const;

  std::vector<Folder> folders_;
  std::vector<std::pair<uint32_t, uint32_t>> directories_;  // label of a directory, index of its folder
  std::map<uint32_t, std::string> witnesses_;
  std::map<std::pair<uint32_t, uint32_t>, std::string> entries_;
};

}  // namespace ravelin::selinux
