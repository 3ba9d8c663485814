#include "compiler/ir/interval_set.h"

#include <gtest/gtest.h>

#include <random>

namespace ravelin::ir {
namespace {

// Every operation against membership, over a small universe and at the ends of 64 bits.
TEST(IntervalSet, AlgebraIsMembership) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 500; ++round) {
    const auto make = [&] {
      std::vector<Interval> parts;
      for (size_t i = 0; i < random() % 5; ++i) {
        const uint64_t lo = random() % 60;
        parts.push_back({lo, lo + random() % 8});
      }
      return IntervalSet(parts);
    };
    const IntervalSet a = make();
    const IntervalSet b = make();
    bool subset = true;
    for (uint64_t x = 0; x < 80; ++x) {
      EXPECT_EQ(a.Union(b).Contains(x), a.Contains(x) || b.Contains(x));
      EXPECT_EQ(a.Intersect(b).Contains(x), a.Contains(x) && b.Contains(x));
      EXPECT_EQ(a.Minus(b).Contains(x), a.Contains(x) && !b.Contains(x));
      EXPECT_EQ(a.Complement(64).Contains(x), !a.Contains(x));
      subset = subset && (!b.Contains(x) || a.Contains(x));
    }
    EXPECT_EQ(a.Includes(b), subset);
    EXPECT_EQ(a.Complement(64).Complement(64), a);
    for (size_t i = 1; i < a.intervals().size(); ++i) EXPECT_GT(a.intervals()[i].lo, a.intervals()[i - 1].hi + 1) << "neighbours are one interval";
  }
}

TEST(IntervalSet, EndsOfTheRange) {
  const uint64_t most = ~uint64_t{0};
  EXPECT_EQ(IntervalSet::All(64).intervals(), (std::vector<Interval>{{0, most}}));
  EXPECT_TRUE(IntervalSet::All(64).Complement(64).empty());
  EXPECT_EQ(IntervalSet::Single(most).Complement(64), IntervalSet::Range(0, most - 1));
  EXPECT_EQ(IntervalSet::Single(0).Complement(64), IntervalSet::Range(1, most));
  EXPECT_EQ(IntervalSet::All(32).Complement(32), IntervalSet());
  EXPECT_TRUE(IntervalSet::Range(5, 4).empty());
  EXPECT_EQ(IntervalSet::Range(0, most - 1).Union(IntervalSet::Single(most)), IntervalSet::All(64));
}

}  // namespace
}  // namespace ravelin::ir
