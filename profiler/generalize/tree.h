// Paths as a tree of names, and what of the names changes with the run.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "profiler/generalize/paths.h"

namespace ravelin::generalize {

struct Node {
  std::map<std::string, std::unique_ptr<Node>> children;  // by pattern of the name
  std::map<std::string, Evidence> operations;
  std::string step;   // how the name became a pattern; "" for a literal
  size_t used = 0;    // paths that end here

  std::set<size_t> RunsBelow() const;
  void Take(Node&& other);
};

std::set<std::string> OperationsOf(const Node& node);
Node TreeOf(const std::vector<PathUse>& uses);
// Names that are another in each run become one name that is a pattern.
void MakeHoles(Node& root, const Sensitive& sensitive);
// Brings names about: what was made anew, moved or linked there.
bool Makes(const std::string& operation);

}  // namespace ravelin::generalize
