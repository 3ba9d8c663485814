// Directories and what stands in them, for the labels of an automaton.
//
// Only paths in normal form count: absolute, components of one byte or more, no slash at the end (clauses 6.1, 6.3).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/automaton.h"

namespace ravelin::selinux {

class DirectoryTree {
 public:
  explicit DirectoryTree(ir::PatternAutomaton patterns);

  // The patterns that match paths of a label, ascending.
  const std::vector<uint32_t>& PatternsOf(uint32_t label) const { return patterns_.sets[label]; }
  // Labels that some path has, each with a shortest such path.
  const std::map<uint32_t, std::string>& Witnesses() const { return witnesses_; }

  struct Entry {
    std::string path;                      // of a shortest one
    std::optional<std::string> only_name;  // where such entries have one name, whatever directory of the label they stand in
  };
  // A directory with the first label holds an entry with the second one.
  const std::map<std::pair<uint32_t, uint32_t>, Entry>& Entries() const { return entries_; }
  // Labels of what has this name in directories of the label, each with a path.
  std::map<uint32_t, std::string> Named(uint32_t directory, const std::string& name) const;
  // Labels of directories above some path whose label is in the set.
  std::set<uint32_t> Above(const std::set<uint32_t>& labels) const;
  // Labels of what may lie below a directory whose label is in the set, each with such a label.
  std::map<uint32_t, uint32_t> Below(const std::set<uint32_t>& labels) const;

 private:
  struct Folder {  // the state after a slash
    uint32_t state = 0;
    std::string path;
    std::set<uint32_t> entries;  // labels of what stands in it
    std::set<uint32_t> folders;  // indices of folders in it
  };
  struct Step {
    uint32_t state;
    std::string name;
    bool unique;  // no other name leads here
  };
  std::vector<Step> Names(uint32_t state) const;

  ir::PatternAutomaton patterns_;
  std::vector<unsigned char> alphabet_;  // one byte of names for each class, readable ones first
  std::vector<bool> alone_;              // by byte: no other byte of names is of its class
  std::vector<Folder> folders_;
  std::set<std::pair<uint32_t, uint32_t>> directories_;  // label of a directory, index of its folder
  std::map<uint32_t, std::string> witnesses_;
  std::map<std::pair<uint32_t, uint32_t>, Entry> entries_;
};

}  // namespace ravelin::selinux
