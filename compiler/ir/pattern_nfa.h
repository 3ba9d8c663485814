// Path patterns as a nondeterministic automaton (Thompson's construction); a private step of automaton.cc.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ravelin::ir {

using ByteSet = std::bitset<256>;

struct PatternNfa {
  struct Node {
    std::vector<std::pair<ByteSet, uint32_t>> edges;
    std::vector<uint32_t> empty;
    std::vector<uint32_t> ends;  // patterns that end here
  };
  std::vector<Node> nodes = std::vector<Node>(1);  // node 0 is the start
  // Beginnings that patterns have in common are one path: (node, item's text, after a slash) -> node.
  std::map<std::pair<uint32_t, std::string>, uint32_t> shared;
};

// Adds a pattern; "" or what is wrong with it.  With `nfa` null only checks.
std::string AddPattern(std::string_view pattern, uint32_t index, PatternNfa* nfa);

}  // namespace ravelin::ir
