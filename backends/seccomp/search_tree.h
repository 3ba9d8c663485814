// Minimum expected comparison trees over consecutive ranges.
#pragma once

#include <cstdint>
#include <vector>

namespace ravelin::seccomp {

// One range of values with one outcome; ranges are consecutive.
struct WeightedRange {
  uint32_t lo = 0;
  uint32_t hi = 0;
  uint32_t outcome = 0;
  double weight = 0;
};

// A tree: comparison nodes `value >= k` or `value == k`, leaves are outcomes.
struct SearchTree {
  struct Node {
    bool leaf = true;
    bool equal = false;  // == k, else >= k
    uint32_t k = 0;
    uint32_t outcome = 0;  // leaf
    int yes = -1;
    int no = -1;
  };
  std::vector<Node> nodes;
  int root = 0;
  double cost = 0;  // expected comparisons, with the weights as given
};

// Exact by dynamic programming over `>=` splits, with `==` where it singles a value out of one outcome, and with a prefix
// of `==` tests of the heaviest values where that is cheaper.  Above 160 ranges the split is by weight.
SearchTree BuildSearchTree(std::vector<WeightedRange> ranges);

}  // namespace ravelin::seccomp
