// Decision diagrams over the input of a system-call filter.
//
// Variables are the 512 bits of struct seccomp_data in the order arch(32) nr(32) args[0..5](64 each, most significant bit
// first) ip(64).  Terminals are 32-bit values.  Diagrams are reduced and shared, so two functions are equal exactly if
// their nodes are.  Used by the analyses and by the proof, never by the emitter.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/ir/predicate.h"

namespace ravelin::ir {

struct FilterInput {
  uint32_t arch = 0;
  uint32_t number = 0;
  Args args{};
  uint64_t instruction_pointer = 0;
};

class Diagrams {
 public:
  using Node = uint32_t;
  static constexpr uint16_t kArch = 0;     // first variable of each field
  static constexpr uint16_t kNumber = 32;
  static constexpr uint16_t ArgBase(int arg) { return static_cast<uint16_t>(64 + 64 * arg); }
  static constexpr uint16_t kIp = 448;

  Node Terminal(uint32_t value);
  // lo <= field <= hi ? yes : no, for the `bits` variables from `base`, most significant first.  Variables of yes and no
  // must come after the field.
  Node Interval(uint16_t base, int bits, uint64_t lo, uint64_t hi, Node yes, Node no);
  // A field's values by ranges that are ascending and cover all of them; nodes must test later variables only.
  struct Range {
    uint64_t lo;
    uint64_t hi;  // included
    Node node;
  };
  Node FromRanges(uint16_t base, int bits, const std::vector<Range>& ranges);
  // 0/1 diagram of a predicate on arguments.
  Node FromPredicate(const Predicate& predicate);
  // 0/1 diagram: (field & mask) in set, for a field of `bits` bits.
  Node MaskedIn(uint16_t base, int bits, uint64_t mask, const IntervalSet& set);
  // condition (0/1) ? yes : no
  Node Choose(Node condition, Node yes, Node no);
  Node And(Node a, Node b) { return Choose(a, b, Terminal(0)); }
  Node Or(Node a, Node b) { return Choose(a, Terminal(1), b); }
  Node Not(Node a) { return Choose(a, Terminal(0), Terminal(1)); }

  // An input whose terminal is wanted; bits that do not matter are 0.
  std::optional<FilterInput> Find(Node node, const std::function<bool(uint32_t)>& wanted) const;
  // An input where two functions differ.
  std::optional<FilterInput> FindDifference(Node a, Node b) const;
  uint32_t Evaluate(Node node, const FilterInput& input) const;
  size_t size() const { return nodes_.size(); }

 private:
  struct Data {
    uint16_t variable;  // kLeaf for terminals
    uint32_t low;       // terminals: the value
    uint32_t high;
    bool operator==(const Data&) const = default;
  };
  struct Hash {
    size_t operator()(const Data& d) const {
      uint64_t h = (uint64_t{d.low} << 32 | d.high) * 0x9e3779b97f4a7c15u + d.variable * 0xc2b2ae3d27d4eb4fu;
      return static_cast<size_t>(h ^ h >> 29);
    }
  };
  struct Triple {
    Node a, b, c;
    bool operator==(const Triple&) const = default;
  };
  struct TripleHash {
    size_t operator()(const Triple& t) const {
      uint64_t h = (uint64_t{t.a} << 32 | t.b) * 0x9e3779b97f4a7c15u + t.c * 0xc2b2ae3d27d4eb4fu;
      return static_cast<size_t>(h ^ h >> 31);
    }
  };
  static constexpr uint16_t kLeaf = 0xffff;
  Node Make(uint16_t variable, Node low, Node high);
  bool Search(Node node, const std::function<bool(uint32_t)>& wanted, FilterInput& input, std::vector<bool>& dead) const;

  std::vector<Data> nodes_;
  std::unordered_map<Data, Node, Hash> unique_;
  std::unordered_map<Triple, Node, TripleHash> choose_;
};

}  // namespace ravelin::ir
