// Path patterns as a nondeterministic automaton (Thompson's construction); a private step of automaton.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/pattern.h"

namespace ravelin::ir {

struct PatternNfa {
  struct Node {
    std::vector<std::pair<ByteSet, uint32_t>> edges;
    std::vector<uint32_t> empty;
    std::vector<uint32_t> ends;  // patterns that end here
  };
  std::vector<Node> nodes = std::vector<Node>(1);  // node 0 is the start
  // Beginnings that patterns have in common are one path: (node, item's text and whether it is a star right after a slash) -> node.
  std::map<std::pair<uint32_t, std::string>, uint32_t> shared;
};

void AddPattern(const PatternItems& items, uint32_t index, PatternNfa& nfa);

}  // namespace ravelin::ir
