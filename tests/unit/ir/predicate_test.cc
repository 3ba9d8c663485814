#include "compiler/ir/predicate.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/bdd.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::ir {
namespace {

// A tree without any simplification.
struct Plain {
  int kind = 0;  // 0 test, 1 and, 2 or, 3 not
  ArgTest test;
  std::vector<Plain> terms;
  bool Holds(const Args& args) const {
    switch (kind) {
      case 0: return test.values.Contains(args[test.arg] & (test.bits == 64 ? ~uint64_t{0} : 0xffffffff) & test.mask);
      case 1: return std::all_of(terms.begin(), terms.end(), [&](const Plain& t) { return t.Holds(args); });
      case 2: return std::any_of(terms.begin(), terms.end(), [&](const Plain& t) { return t.Holds(args); });
      default: return !terms[0].Holds(args);
    }
  }
  Predicate Simplified() const {
    std::vector<Predicate> parts;
    for (const Plain& term : terms) parts.push_back(term.Simplified());
    switch (kind) {
      case 0: return Predicate::Test(test);
      case 1: return Predicate::And(parts);
      case 2: return Predicate::Or(parts);
      default: return Predicate::Not(parts[0]);
    }
  }
};

Plain Random(std::mt19937_64& random, int depth) {
  Plain p;
  p.kind = depth == 0 ? 0 : static_cast<int>(random() % 4);
  if (p.kind != 0) {
    for (size_t i = 0; i < (p.kind == 3 ? 1 : 1 + random() % 3); ++i) p.terms.push_back(Random(random, depth - 1));
    return p;
  }
  p.test.arg = static_cast<uint8_t>(random() % 2);
  p.test.bits = random() % 2 == 0 ? 32 : 64;
  p.test.mask = random() % 3 == 0 ? random() % 16 : ~uint64_t{0};
  const uint64_t lo = random() % 12;
  p.test.values = IntervalSet::Range(lo, lo + random() % 4);
  if (random() % 4 == 0) p.test.values = p.test.values.Complement(p.test.bits);
  return p;
}

TEST(Predicate, SimplificationAndDiagramsKeepTheMeaning) {
  std::mt19937_64 random(21);
  for (int round = 0; round < 400; ++round) {
    const Plain plain = Random(random, 3);
    const Predicate predicate = plain.Simplified();
    Diagrams diagrams;
    const Diagrams::Node node = diagrams.FromPredicate(predicate);
    bool any = false;
    for (uint64_t a = 0; a < 18; ++a) {
      for (uint64_t b = 0; b < 18; ++b) {
        for (const uint64_t high : {uint64_t{0}, uint64_t{1} << 32}) {
          const Args args = {a | high, b, 0, 0, 0, 0};
          ASSERT_EQ(predicate.Holds(args), plain.Holds(args)) << FormatPredicate(predicate);
          FilterInput input;
          input.args = args;
          ASSERT_EQ(diagrams.Evaluate(node, input) != 0, plain.Holds(args)) << FormatPredicate(predicate);
          any = any || plain.Holds(args);
        }
      }
    }
    const auto found = FindArgs(predicate);
    if (any) {
      ASSERT_TRUE(found.has_value());
    }
    if (found) {
      EXPECT_TRUE(plain.Holds(*found)) << FormatPredicate(predicate);
    }
  }
}

TEST(Diagrams, EqualFunctionsAreEqualNodes) {
  Diagrams d;
  const auto in = [&](uint64_t lo, uint64_t hi) { return d.MaskedIn(Diagrams::ArgBase(0), 64, ~uint64_t{0}, IntervalSet::Range(lo, hi)); };
  EXPECT_EQ(d.Or(in(0, 10), in(11, 20)), in(0, 20));
  EXPECT_EQ(d.And(in(0, 10), in(5, 20)), in(5, 10));
  EXPECT_EQ(d.Not(in(1, ~uint64_t{0})), in(0, 0));
  EXPECT_EQ(d.Or(in(3, 9), d.Not(in(3, 9))), d.Terminal(1));
  const auto difference = d.FindDifference(in(0, 10), in(0, 11));
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->args[0], 11u);
}

}  // namespace
}  // namespace ravelin::ir
