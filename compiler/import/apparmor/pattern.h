// Patterns of AppArmor as apparmor_parser compiles them: glob text to a regular expression to an automaton.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::import::apparmor {

// What wildcards match beside: an abstract socket address may hold NUL, nothing else may.
enum class GlobNul : uint8_t { kNo, kYes };

// Appends the regular expression of a pattern.  False: `why` says what is wrong with it; what was read is appended.
bool GlobToRegex(std::string_view pattern, GlobNul nul, std::string& regex, std::string& why);

// A nondeterministic automaton over bytes.  State 0 is the start, state 1 the end.
class Automaton {
 public:
  // False where apparmor_parser's reader of regular expressions gives up (an empty class, a range without an end).
  static bool FromRegex(std::string_view regex, Automaton& out);
  bool Intersects(const Automaton& other) const;
  // No wildcard and no class in it: such a rule wins over those that have some.
  bool exact() const { return exact_; }

  using Bytes = std::bitset<256>;
  struct Edge {
    Bytes bytes;
    uint32_t to = 0;
  };
  struct State {
    std::vector<Edge> edges;
    std::vector<uint32_t> silent;
  };
  const std::vector<State>& states() const { return states_; }

 private:
  friend class RegexReader;
  std::vector<State> states_;
  bool exact_ = true;
};

}  // namespace ravelin::import::apparmor
