// Deterministic automata over bytes whose states carry labels: what path patterns compile to.
//
// A state's label is a number that its maker chose (a bit "accepts", an index into a list of pattern sets, a permission
// mask); two automata are compared by walking both at once.  All operations are exact.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::ir {

struct Automaton {
  std::array<uint8_t, 256> class_of{};  // bytes that no state tells apart share a class
  uint32_t classes = 1;                 // 1..256
  std::vector<uint32_t> next;           // [state * classes + class]; state 0 is the start; complete
  std::vector<uint32_t> label;          // [state]

  size_t size() const { return label.size(); }
  uint32_t Step(uint32_t state, unsigned char byte) const { return next[size_t{state} * classes + class_of[byte]]; }
  uint32_t LabelOf(std::string_view text) const;
  // A shortest text that ends in a state whose label `wanted` likes, readable bytes preferred.
  std::optional<std::string> Find(const std::function<bool(uint32_t)>& wanted) const;
};

// Several path patterns (docs/semantics.md, chapter 6) as one automaton; its labels index `sets`: the patterns (their
// positions in the input, ascending) that match there.  sets[0] is the empty set.
struct PatternAutomaton {
  Automaton automaton;
  std::vector<std::vector<uint32_t>> sets;
};
// kMalformed names the pattern; kTooLarge beyond `max_states`.
inline constexpr size_t kMaxMapStates = 400000;
Result<PatternAutomaton> CompilePatterns(std::span<const std::string> patterns, size_t max_states = kMaxMapStates);
// The same of patterns that are together in one nondeterministic automaton (pattern_nfa.h), whatever language they came from.
// `simplify` may take nodes out of the set (sorted) that makes up a state: those that do not matter any more.
struct PatternNfa;
using SimplifyNodes = std::function<void(std::vector<uint32_t>&)>;
Result<PatternAutomaton> Determinize(const PatternNfa& nfa, size_t max_states = kMaxMapStates, const SimplifyNodes& simplify = {});

// Both at once; `join` gives the label of a pair.  kTooLarge beyond `max_states`.
Result<Automaton> Product(const Automaton& a, const Automaton& b, const std::function<uint32_t(uint32_t, uint32_t)>& join, size_t max_states = kMaxMapStates);
// The smallest automaton with the same labels; states in the order of a walk from the start.
Automaton Minimize(const Automaton& automaton);

}  // namespace ravelin::ir
