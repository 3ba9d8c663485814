// Conditions on the six argument registers of a system call.
//
// A test reads `bits` low bits of one register (32 where the kernel reads an int, 64 where it reads a long on a 64-bit
// architecture), masks them, and asks whether the value lies in a set of unsigned values.  Signed comparisons have
// already become sets.  A predicate is a tree of tests; all operations keep it simplified (constants folded, nested
// And/Or flattened, double Not removed, tests of one (arg, bits, mask) under one Or or And merged into one test).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/interval_set.h"

namespace ravelin::ir {

using Args = std::array<uint64_t, 6>;

struct ArgTest {
  uint8_t arg = 0;    // 0..5
  uint8_t bits = 64;  // 32 or 64
  uint64_t mask = ~uint64_t{0};  // within `bits`
  IntervalSet values;
  bool operator==(const ArgTest&) const = default;
  bool Holds(const Args& args) const;
};

enum class PredicateKind : uint8_t { kTrue, kFalse, kTest, kAnd, kOr, kNot };

class Predicate {
 public:
  Predicate() = default;  // true
  static Predicate True() { return Predicate(); }
  static Predicate False();
  static Predicate Test(ArgTest test);  // folds tests that hold always or never
  static Predicate And(std::vector<Predicate> terms);
  static Predicate Or(std::vector<Predicate> terms);
  static Predicate Not(Predicate term);

  PredicateKind kind() const { return kind_; }
  bool IsTrue() const { return kind_ == PredicateKind::kTrue; }
  bool IsFalse() const { return kind_ == PredicateKind::kFalse; }
  const ArgTest& test() const { return test_; }
  const std::vector<Predicate>& terms() const { return terms_; }
  bool operator==(const Predicate&) const = default;

  bool Holds(const Args& args) const;

 private:
  PredicateKind kind_ = PredicateKind::kTrue;
  ArgTest test_;
  std::vector<Predicate> terms_;
};

// "arg0:32 & 0xf in {1, 5..7} && !(arg1 in {0})", with parameter names where given.
std::string FormatPredicate(const Predicate& predicate, const std::array<std::string, 6>* names = nullptr);

}  // namespace ravelin::ir
