// An automaton as AppArmor's parser writes it for the kernel, and the kernel's way to walk it.
//
// Format and walk: linux-source-6.1 security/apparmor/match.c (aa_dfa_unpack, aa_dfa_next), include/match.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::apparmor {

class Dfa {
 public:
  // The state that ends every walk: nothing leaves it, it permits nothing.
  static constexpr uint32_t kDead = 0;
  static constexpr uint32_t kStart = 1;

  // Reads the tables and checks every index that a walk can use; kMalformed says what is wrong.
  static Result<Dfa> Read(std::span<const uint8_t> blob);

  size_t size() const { return base_.size(); }
  uint32_t Step(uint32_t state, uint8_t byte) const;
  uint32_t Walk(uint32_t state, std::string_view bytes) const;
  uint32_t accept(uint32_t state) const { return accept_[state]; }    // allow bits and exec index
  uint32_t accept2(uint32_t state) const { return accept2_[state]; }  // audit and quiet bits

 private:
  std::vector<uint32_t> accept_;
  std::vector<uint32_t> accept2_;
  std::vector<uint32_t> base_;
  std::vector<uint32_t> default_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> check_;
  std::vector<uint32_t> classes_;  // byte -> class; empty: itself
};

}  // namespace ravelin::apparmor
