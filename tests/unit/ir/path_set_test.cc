// Path patterns (docs/semantics.md, chapter 6) against a slow matcher that reads the chapter literally.
#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ravelin::ir {
namespace {

// Backtracking, one step a rule; no classes, which have a test of their own.
bool Matches(const std::string& p, size_t i, const std::string& s, size_t j) {
  if (i == p.size()) return j == s.size();
  if (p[i] == '\1') return Matches(p, i + 1, s, j);
  if (p[i] == '{') {
    int depth = 0;
    size_t begin = i + 1;
    for (size_t k = i; k < p.size(); ++k) {
      if (p[k] == '{') ++depth;
      if (p[k] == '}') --depth;
      if ((p[k] == ',' && depth == 1) || (p[k] == '}' && depth == 0)) {
        size_t end = i;
        int d = 0;
        for (; end < p.size(); ++end) {
          if (p[end] == '{') ++d;
          if (p[end] == '}' && --d == 0) break;
        }
        // \1 stands where a brace stood: "right after a slash" speaks of the pattern's text.
        if (Matches(p.substr(0, i) + '\1' + p.substr(begin, k - begin) + '\1' + p.substr(end + 1), i, s, j)) return true;
        begin = k + 1;
        if (depth == 0) break;
      }
    }
    return false;
  }
  if (p.compare(i, 2, "**") == 0) {
    const bool after_slash = i > 0 && p[i - 1] == '/';
    for (size_t k = j + (after_slash ? 1 : 0); k <= s.size(); ++k) {
      if (Matches(p, i + 2, s, k)) return true;
    }
    return false;
  }
  if (p[i] == '*') {
    const bool after_slash = i > 0 && p[i - 1] == '/';
    for (size_t k = j; k <= s.size() && (k == j || s[k - 1] != '/'); ++k) {
      if ((!after_slash || k > j) && Matches(p, i + 1, s, k)) return true;
    }
    return false;
  }
  if (j == s.size()) return false;
  if (p[i] == '?') return s[j] != '/' && Matches(p, i + 1, s, j + 1);
  return p[i] == s[j] && Matches(p, i + 1, s, j + 1);
}

std::vector<std::string> AllStrings(size_t longest) {
  std::vector<std::string> out = {""};
  for (size_t from = 0, length = 1; length <= longest; ++length) {
    const size_t to = out.size();
    for (; from < to; ++from) {
      for (const char c : {'/', 'a', 'b'}) out.push_back(out[from] + c);
    }
  }
  return out;
}

std::string RandomPattern(std::mt19937_64& random, int depth) {
  std::string out = depth == 2 ? "/" : "";
  for (size_t i = 0; i < 1 + random() % 4; ++i) {
    switch (random() % (depth > 0 ? 8 : 7)) {
      case 0: out += out.empty() || out.back() != '*' ? "*" : "a"; break;
      case 1: out += out.empty() || out.back() != '*' ? "**" : "b"; break;
      case 2: out += "?"; break;
      case 3: out += "/"; break;
      case 7: out += "{" + RandomPattern(random, depth - 1) + "," + RandomPattern(random, depth - 1) + "}"; break;
      default: out += random() % 2 == 0 ? "a" : "b";
    }
  }
  return out;
}

TEST(PathSet, EveryShortStringAsTheChapterSays) {
  std::mt19937_64 random(11);
  const std::vector<std::string> strings = AllStrings(6);
  size_t members = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string pattern = RandomPattern(random, 2);
    // A star beside braces meets a star in them: what `***` means is not the chapter's matter.
    if (pattern.find("***") != std::string::npos || pattern.find("*{") != std::string::npos || pattern.find("}*") != std::string::npos) continue;
    const auto set = PathSet::Parse(pattern);
    ASSERT_TRUE(set.has_value()) << pattern << ": " << set.error().message;
    for (const std::string& s : strings) {
      ASSERT_EQ(set->Contains(s), Matches(pattern, 0, s, 0)) << pattern << " on \"" << s << "\"";
      members += set->Contains(s) ? 1 : 0;
    }
  }
  EXPECT_GT(members, 1000u);
}

TEST(PathSet, OperationsAreMembership) {
  std::mt19937_64 random(12);
  const std::vector<std::string> strings = AllStrings(5);
  for (int round = 0; round < 100; ++round) {
    const PathSet a = *PathSet::Parse(RandomPattern(random, 2));
    const PathSet b = *PathSet::Parse(RandomPattern(random, 2));
    const PathSet both = *a.Intersect(b);
    const PathSet either = *a.Union(b);
    const PathSet rest = *a.Minus(b);
    for (const std::string& s : strings) {
      ASSERT_EQ(both.Contains(s), a.Contains(s) && b.Contains(s));
      ASSERT_EQ(either.Contains(s), a.Contains(s) || b.Contains(s));
      ASSERT_EQ(rest.Contains(s), a.Contains(s) && !b.Contains(s));
      ASSERT_EQ(a.Complement().Contains(s), !a.Contains(s));
    }
    EXPECT_EQ(*a.Includes(b), b.Minus(a)->Empty());
    EXPECT_TRUE(*either.Includes(a));
    EXPECT_TRUE(*a.Includes(both));
    if (const auto witness = rest.Witness()) {
      EXPECT_TRUE(a.Contains(*witness) && !b.Contains(*witness));
    }
    EXPECT_EQ(rest.Empty(), !rest.Witness().has_value());
  }
}

TEST(PathSet, ClassesEscapesAndBytes) {
  const auto has = [](const char* pattern, const std::string& s) { return PathSet::Parse(pattern)->Contains(s); };
  EXPECT_TRUE(has("/[a-c]x", "/bx"));
  EXPECT_FALSE(has("/[a-c]x", "/dx"));
  EXPECT_TRUE(has("/[^a-c]x", "/dx"));
  EXPECT_FALSE(has("/a[^b]c", "/a/c")) << "a class never matches a slash";
  EXPECT_TRUE(has("/\\*", "/*"));
  EXPECT_FALSE(has("/\\*", "/a"));
  EXPECT_TRUE(has("/d/**", "/d/x/y"));
  EXPECT_FALSE(has("/d/**", "/d"));
  EXPECT_FALSE(has("/d/**", "/d/"));
  EXPECT_TRUE(has("/\xc3\xa4*", "/\xc3\xa4\xff"));
}

// Clause 9.3: the directory of a path, and all directories above it.
TEST(PathSet, DirectoriesOfAndAboveItsMembers) {
  const PathSet set = *PathSet::Parse("/{srv/www/*.html,var/**}");
  const PathSet parents = *set.Parents();
  const PathSet above = *set.Above();
  for (const char* name : {"/srv/www", "/var", "/var/a", "/var/a/b"}) EXPECT_TRUE(parents.Contains(name)) << name;
  for (const char* name : {"/", "/srv", "/srv/www/a", "/srv/www/", "/var/", "/var//a", "", "var"}) EXPECT_FALSE(parents.Contains(name)) << name;
  for (const char* name : {"/", "/srv", "/srv/www", "/var", "/var/a/b"}) EXPECT_TRUE(above.Contains(name)) << name;
  for (const char* name : {"/srv/www/a", "/s", "//", "/srv/", "/var//a", "", "srv"}) EXPECT_FALSE(above.Contains(name)) << name;
  EXPECT_TRUE(PathSet().Above()->Empty());
  EXPECT_EQ(PathSet::Parse("/a")->Parents()->Witness(), "/");
}

TEST(PathSet, EntriesOfItsMembers) {
  const PathSet entries = PathSet::Parse("/a/*")->Entries();
  for (const char* path : {"/a/b/c", "/a/x/\xff", "/a/b/?"}) EXPECT_TRUE(entries.Contains(path)) << path;
  for (const char* path : {"/a/b", "/a/b/", "/a/b/c/d", "/a//c", "a/b/c", "/b/b/c", "", "/"}) EXPECT_FALSE(entries.Contains(path)) << path;
  const PathSet of_root = PathSet::Parse("/")->Entries();
  EXPECT_TRUE(of_root.Contains("/x"));
  EXPECT_FALSE(of_root.Contains("/"));
  EXPECT_FALSE(of_root.Contains("/x/y"));
  // A directory is one of those of which its entries are entries.
  const PathSet deep = *PathSet::Parse("{/,/srv/**/[ab]?}")->Intersect(PathSet::Names());
  EXPECT_TRUE(*deep.Entries().Parents()->Includes(deep));
  EXPECT_TRUE(*deep.Includes(*deep.Entries().Parents()));
}

TEST(PathSet, ClosureUnderWhatPatternsTellApart) {
  const std::vector<std::string> patterns = {"/a/**", "/a/*.txt"};
  const PatternAutomaton cells = *CompilePatterns(patterns);
  const PathSet closed = *PathSet::Parse("/a/x")->ClosedUnder(cells);
  EXPECT_TRUE(closed.Contains("/a/y/z"));
  EXPECT_FALSE(closed.Contains("/a/x.txt"));
  EXPECT_FALSE(closed.Contains("/b"));
  EXPECT_TRUE(PathSet::Parse("/b")->ClosedUnder(cells)->Contains("/c/d"));
}

TEST(PathSet, ARangeEndsInAnEscapedByte) {
  const auto set = PathSet::Parse("/[Y-\\]]");
  ASSERT_TRUE(set.has_value());
  for (const char* in : {"/Y", "/[", "/\\", "/]"}) EXPECT_TRUE(set->Contains(in)) << in;
  for (const char* out : {"/X", "/^", "/-", "/Y]"}) EXPECT_FALSE(set->Contains(out)) << out;
}

TEST(PathSet, MalformedPatternsAreErrors) {
  for (const char* bad : {"/a[", "/a[]", "/{a,b", "/a}", "/a\\", "/[b-a]"}) {
    EXPECT_FALSE(PathSet::Parse(bad).has_value()) << bad;
    EXPECT_FALSE(ParsePattern(bad).has_value()) << bad;
  }
  std::string deep(5000, '{');
  EXPECT_FALSE(PathSet::Parse("/" + deep).has_value());
  std::string blow = "/";
  for (int i = 0; i < 30; ++i) blow += "*a????????????????";
  EXPECT_FALSE(PathSet::Parse(blow).has_value()) << "a limit, not an endless construction";
}

TEST(PathSet, APatternBeginsAsAllThatItMatches) {
  EXPECT_TRUE(IsLiteral("/srv/a.b-c"));
  for (const char* pattern : {"/srv/*", "/srv/a?", "/srv/[ab]", "/srv/{a,b}", "/srv/\\*"}) {
    EXPECT_FALSE(IsLiteral(pattern)) << pattern;
    EXPECT_EQ(LiteralStart(pattern).rfind("/srv/", 0), 0u) << pattern;
  }
  EXPECT_EQ(LiteralStart("/srv/a"), "/srv/a");
  EXPECT_EQ(LiteralStart("/srv/x{a,b}/c"), "/srv/x");
}

}  // namespace
}  // namespace ravelin::ir
