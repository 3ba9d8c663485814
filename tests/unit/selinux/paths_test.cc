// Regular expressions of file_contexts against another matcher, and the tree of directories.
#include <gmock/gmock.h>

#include <random>
#include <regex>

#include "backends/selinux/paths/regex.h"
#include "backends/selinux/paths/tree.h"
#include "compiler/ir/automaton.h"

namespace ravelin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ir::PatternAutomaton Compiled(const std::vector<std::string>& regexes) {
  ir::PatternNfa nfa;
  for (uint32_t i = 0; i < regexes.size(); ++i) EXPECT_TRUE(selinux::AddRegex(regexes[i], i, nfa).has_value()) << regexes[i];
  return ir::Determinize(nfa).value();
}

// All together in one automaton, and each by std::regex: the same answers.
TEST(SelinuxPaths, RegularExpressionsMatchWhatTheySay) {
  const std::vector<std::string> regexes = {"/a", "/a/b", "/a.c", "/a\\.c", "/a(/.*)?", "/(a|b)/.+", "/a+", "/ab*c", "/[a-c]+", "/[^/]+\\.c", "(/a|/b)", "/a|/b", "/(ab)?c", "/.*", "/a\\(b", "/a[\\x62]", "/(a(b|c)*)+", "/a\\+", "/ab?/c"};
  const ir::PatternAutomaton made = Compiled(regexes);
  std::vector<std::regex> others;
  for (const std::string& regex : regexes) others.emplace_back(regex);
  std::mt19937 random(3);
  size_t matched = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string path = "/";
    for (auto n = random() % 6; n > 0; --n) path += "abc./(+"[random() % 7];
    std::vector<uint32_t> expected;
    for (uint32_t r = 0; r < regexes.size(); ++r) {
      if (std::regex_match(path, others[r])) expected.push_back(r);
    }
    ASSERT_EQ(made.sets[made.automaton.LabelOf(path)], expected) << path;
    matched += expected.size();
  }
  EXPECT_GT(matched, 5000u);
}

TEST(SelinuxPaths, WhatIsNotUnderstoodIsRefusedByName) {
  for (const auto& [regex, why] : std::vector<std::pair<std::string, std::string>>{{"/a{2}", "`{` repetition"}, {"/a*?", "repetition of a repetition"}, {"/\\d", "`\\d`"}, {"/[[:alpha:]]", "named class"}, {"/(?i)a", "this kind of group"}, {"/a$b", "`$`"}, {"/(a", "not closed"}, {"/a)", "without"}, {"/[a", "not closed"}, {"/[c-a]", "reversed"}, {"/a\\", "a backslash ends it"}}) {
    ir::PatternNfa nfa;
    const auto added = selinux::AddRegex(regex, 0, nfa);
    ASSERT_FALSE(added.has_value()) << regex;
    EXPECT_THAT(added.error().message, HasSubstr(why));
  }
}

TEST(SelinuxPaths, LookaheadIsAConditionOnTheWholePath) {
  const auto split = selinux::SplitLookahead("/srv\\(?/(?!private/.*$)(?=.*\\.html$).+");
  EXPECT_FALSE(split.has_value()) << "a repetition in front";
  const auto plain = selinux::SplitLookahead("/srv\\(/(?!private/.*$)(?=(a|b)\\.html$).+");
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_EQ(plain->body, "/srv\\(/.+");
  EXPECT_THAT(plain->refused, ElementsAre("/srv\\(/(private/.*)"));
  EXPECT_THAT(plain->required, ElementsAre("/srv\\(/((a|b)\\.html)"));
  EXPECT_EQ(selinux::SplitLookahead("/a\\(?!b")->body, "/a\\(?!b") << "a bracket that is meant as it stands";
  for (const char* bad : {"/a(?!b).*", "/(a|(?!b$))", "/a(?!b$)c|/d", "/a(?!b$)*", "/a(?!b$)c(?=d$)", "/a(?!(?=b$)$)c", "/.*(?!b$)", "/a(?!b\\$).*"}) EXPECT_FALSE(selinux::SplitLookahead(bad).has_value()) << bad;
}

TEST(SelinuxPaths, TheTreeKnowsNamesAndWhatLiesAbove) {
  const std::vector<std::string> patterns = {"/run/*/pid", "/run/*", "/[ab]/x"};
  const selinux::DirectoryTree tree(ir::CompilePatterns(patterns).value());
  std::map<std::vector<uint32_t>, uint32_t> label_of;
  for (const auto& [label, witness] : tree.Witnesses()) label_of[tree.PatternsOf(label)] = label;
  const uint32_t pid = label_of.at({0});
  const uint32_t run = label_of.at({1});
  const auto entry = tree.Entries().at({run, pid});
  EXPECT_EQ(entry.path, "/run/a/pid");
  EXPECT_EQ(entry.only_name, "pid");
  EXPECT_EQ(tree.Entries().at({0, run}).only_name, std::nullopt);
  EXPECT_EQ(tree.Entries().at({0, label_of.at({2})}).only_name, "x");
  EXPECT_THAT(tree.Named(run, "pid"), ElementsAre(::testing::Pair(pid, "/run/a/pid")));
  EXPECT_THAT(tree.Above({pid}), ElementsAre(0u, run));
}

// One byte that stands for many is no single name.
TEST(SelinuxPaths, ClassesAndRepetitionsAreNoSingleName) {
  for (const char* pattern : {"/a/?", "/a/[xy]", "/a/x*", "/a/{x,y}"}) {
    const std::vector<std::string> patterns = {pattern};
    const selinux::DirectoryTree tree(ir::CompilePatterns(patterns).value());
    for (const auto& [labels, entry] : tree.Entries()) {
      const bool one = entry.only_name.has_value() && !tree.PatternsOf(labels.second).empty();
      EXPECT_FALSE(one) << pattern;
    }
  }
  const std::vector<std::string> patterns = {"/a/[x]"};
  const selinux::DirectoryTree tree(ir::CompilePatterns(patterns).value());
  for (const auto& [labels, entry] : tree.Entries()) {
    const bool ours = !tree.PatternsOf(labels.second).empty();
    EXPECT_EQ(ours, entry.only_name == "x");
  }
}

}  // namespace
}  // namespace ravelin
