// Path patterns as regular languages over bytes (docs/semantics.md, chapter 6).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::ir {

// A minimal-enough deterministic automaton; state 0 is the start.  All operations are exact.
class PathSet {
 public:
  // Fails on a malformed pattern, or with kTooLarge beyond 20,000 states.
  static Result<PathSet> Parse(std::string_view pattern);
  bool Contains(std::string_view path) const;
  Result<PathSet> Intersect(const PathSet& other) const { return Combine(other, false, true); }
  Result<PathSet> Minus(const PathSet& other) const { return Combine(other, true, true); }
  Result<PathSet> Union(const PathSet& other) const { return Combine(other, false, false); }
  PathSet Complement() const;
  bool Empty() const { return !Witness().has_value(); }
  Result<bool> Includes(const PathSet& other) const;
  // A shortest member, readable bytes preferred.
  std::optional<std::string> Witness() const;

 private:
  struct State {
    bool accepts = false;
    std::array<uint32_t, 256> next{};
  };
  Result<PathSet> Combine(const PathSet& other, bool negate_other, bool conjunction) const;
  std::vector<State> states_;
};

// The same errors as Parse, without building the automaton.
Result<void> CheckPathPattern(std::string_view pattern);

}  // namespace ravelin::ir
