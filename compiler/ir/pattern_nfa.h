// Patterns as a nondeterministic automaton (Thompson's construction): what automaton.h makes deterministic.  Readers of other
// languages of patterns add theirs to the same one.
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

  uint32_t New();
  // The node behind one byte, on the path that patterns with this beginning share.
  uint32_t ShareByte(uint32_t from, unsigned char byte);
};

void AddPattern(const PatternItems& items, uint32_t index, PatternNfa& nfa);

}  // namespace ravelin::ir
