// Recordings: merging in any order, and what a run counts for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "profiler/observe/fact.h"
#include "tests/unit/observe/random_recording.h"

namespace ravelin::observe {
namespace {

TEST(Merge, OrderAndRepetitionDoNotMatter) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<Recording> parts;
    for (size_t i = 0; i < 2 + random.Below(6); ++i) parts.push_back(random.Part());
    Recording expected;
    for (const Recording& part : parts) expected = Merge(std::move(expected), part);
    for (int round = 0; round < 5; ++round) {
      random.Shuffle(parts);
      // As a tree: halves first; and one of them twice.
      Recording left;
      Recording right;
      for (size_t i = 0; i < parts.size(); ++i) (i % 2 == 0 ? left : right) = Merge(i % 2 == 0 ? left : right, parts[i]);
      Recording merged = Merge(Merge(left, right), parts[random.Below(parts.size())]);
      ASSERT_EQ(merged, expected) << "seed " << seed;
      ASSERT_EQ(ExportLines(merged), ExportLines(expected)) << "seed " << seed;
    }
    ASSERT_EQ(Merge(expected, expected), expected);
  }
}

TEST(Merge, KeepsWhatWasLost) {
  Recording whole;
  whole.runs["a"].completeness.channels["audit"];
  Recording lossy;
  lossy.runs["a"].completeness.channels["audit"].lost = 3;
  EXPECT_TRUE(whole.runs["a"].completeness.Whole());
  const Recording merged = Merge(whole, lossy);
  EXPECT_FALSE(merged.runs.at("a").completeness.Whole());
  EXPECT_THAT(merged.runs.at("a").completeness.WhyNotWhole(), testing::ElementsAre("3 events of the channel `audit` were lost"));
}

TEST(Attributes, EveryByteComesBack) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  const Attributes all = {{"path", every}, {"given", "a b%c"}, {"empty", ""}};
  EXPECT_EQ(Decode(Encode(all)), all);
  EXPECT_EQ(Encode({{"b", "1"}, {"a", "x y"}}), "a=x%20y b=1");
}

TEST(Difference, IsOfFactsWhateverProcessDidThem) {
  Recording one;
  one.runs["a"].Add({"file", "read", "path=/a", "program=/x"}, 1, "");
  Recording two;
  two.runs["b"].Add({"file", "read", "path=/a", "program=/y"}, 1, "");
  two.runs["b"].Add({"file", "read", "path=/b", "program=/y"}, 1, "");
  const Difference difference = Diff(one, two);
  EXPECT_TRUE(difference.only_first.empty());
  ASSERT_EQ(difference.only_second.size(), 1u);
  EXPECT_EQ(Show(difference.only_second[0]), "file read path=/b");
}

}  // namespace
}  // namespace ravelin::observe
