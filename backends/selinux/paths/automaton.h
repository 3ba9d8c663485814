// Many patterns in one deterministic automaton: which of them match a path.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "backends/selinux/paths/nfa.h"

namespace ravelin::selinux {

struct PatternText {
  std::string text;
  bool regex = false;  // else a path pattern
};

class Automaton {
 public:
  // kMalformed names the pattern and what is wrong; kTooLarge beyond 400,000 states.
  static Result<Automaton> Build(std::span<const PatternText> patterns);

  // Distinct sets of matching patterns (ascending indices); 0 is the empty set.
  const std::vector<std::vector<uint32_t>>& labels() const { return labels_; }

  // States: 0 is the start.  `Root` is where "/" leads.
  size_t size() const { return label_of_.size(); }
  uint32_t Next(uint32_t state, unsigned char byte) const { return next_[state * class_count_ + class_of_[byte]]; }
  uint32_t Root() const { return Next(0, '/'); }
  uint32_t LabelOf(uint32_t state) const { return label_of_[state]; }
  // One byte for each class of bytes that no state tells apart; readable ones preferred.  NUL is in none.
  const std::vector<unsigned char>& Alphabet() const { return alphabet_; }
  // Whether other bytes than `byte` are of its class.
  bool Alone(unsigned char byte) const;

  uint32_t Lookup(std::string_view path) const;  // label

 private:
  size_t class_count_ = 0;
  std::array<uint16_t, 256> class_of_{};
  std::vector<unsigned char> alphabet_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> label_of_;
  std::vector<std::vector<uint32_t>> labels_;
};

}  // namespace ravelin::selinux
