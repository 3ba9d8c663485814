#include "compiler/ir/automaton.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/path_set.h"

namespace ravelin::ir {
namespace {

const std::vector<std::string> kPatterns = {"/a/**", "/a/*", "/a/b", "/{a,b}/b", "/**/b", "/a/?[bc]"};

TEST(Automaton, LabelsAreThePatternsThatMatch) {
  const auto compiled = CompilePatterns(kPatterns);
  ASSERT_TRUE(compiled.has_value());
  EXPECT_TRUE(compiled->sets[0].empty());
  std::vector<std::string> strings = {""};
  for (size_t from = 0, n = 0; n < 6; ++n) {
    for (const size_t to = strings.size(); from < to; ++from) {
      for (const char c : {'/', 'a', 'b'}) strings.push_back(strings[from] + c);
    }
  }
  for (const std::string& s : strings) {
    std::vector<uint32_t> expected;
    for (uint32_t i = 0; i < kPatterns.size(); ++i) {
      if (PathSet::Parse(kPatterns[i])->Contains(s)) expected.push_back(i);
    }
    ASSERT_EQ(compiled->sets[compiled->automaton.LabelOf(s)], expected) << s;
  }
}

TEST(Automaton, MinimizeKeepsEveryLabelAndIsSmallest) {
  const auto compiled = CompilePatterns(kPatterns);
  const Automaton small = Minimize(compiled->automaton);
  EXPECT_LE(small.size(), compiled->automaton.size());
  const auto same = Product(small, compiled->automaton, [](uint32_t a, uint32_t b) { return a == b ? 0u : 1u; });
  ASSERT_TRUE(same.has_value());
  EXPECT_EQ(same->Find([](uint32_t differs) { return differs != 0; }), std::nullopt);
  EXPECT_EQ(Minimize(small).size(), small.size());
  // Two ways to write one language end in the same automaton.
  const std::vector<std::string> left = {"/{ab,cb}"};
  const std::vector<std::string> right = {"/{a,c}b"};
  EXPECT_EQ(Minimize(CompilePatterns(left)->automaton).size(), Minimize(CompilePatterns(right)->automaton).size());
}

TEST(Automaton, ThousandsOfPatternsStaySmall) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 3000; ++i) patterns.push_back("/srv/site" + std::to_string(i) + "/**");
  const auto compiled = CompilePatterns(patterns);
  ASSERT_TRUE(compiled.has_value());
  EXPECT_EQ(compiled->sets[compiled->automaton.LabelOf("/srv/site2999/x/y")], std::vector<uint32_t>{2999});
  EXPECT_EQ(compiled->automaton.LabelOf("/srv/site2999"), 0u);
  EXPECT_LT(compiled->automaton.size(), 15000u);
}

TEST(Automaton, AMalformedPatternIsNamed) {
  const std::vector<std::string> patterns = {"/a", "/b["};
  const auto compiled = CompilePatterns(patterns);
  ASSERT_FALSE(compiled.has_value());
  EXPECT_NE(compiled.error().message.find("/b["), std::string::npos);
}

}  // namespace
}  // namespace ravelin::ir
