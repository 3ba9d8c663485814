// Names that change, folders, and what no pattern may reach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/path_set.h"
#include "profiler/generalize/paths.h"

namespace ravelin::generalize {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

PathUse Use(const std::string& path, const std::string& operation, std::set<size_t> runs) {
  PathUse use{path, {}};
  use.operations[operation] = {std::move(runs), 1, ""};
  return use;
}

std::vector<std::string> Patterns(const std::vector<PathUse>& uses, size_t runs, const std::map<std::string, std::vector<std::string>>& system = {}) {
  const Sensitive sensitive;
  std::vector<std::string> out;
  for (const PathRule& rule : GeneralizePaths(uses, runs, sensitive, [&](const std::string& folder) { return system.count(folder) != 0 ? system.at(folder) : std::vector<std::string>(); })) out.push_back(rule.pattern);
  return out;
}

TEST(Holes, AreOfTheKindThatTheNamesShow) {
  const std::string w = "[0-9a-zA-Z_]";
  const std::string six = w + w + w + w + w + w;
  EXPECT_EQ(HoleOf({"sess.aB3dE9", "sess.Zz0_kq"}).pattern, "sess." + six);
  EXPECT_EQ(HoleOf({"tmpab12cd3_", "tmp9x8y7z6w"}).pattern, "tmp" + six + w + w);
  EXPECT_EQ(HoleOf({"job-17.log", "job-4.log"}).pattern, "job-[0-9]*.log");
  EXPECT_EQ(HoleOf({"3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9b2504e0-4f89-41d3-9a0c-0305e82c3302"}).what, "a UUID");
  EXPECT_EQ(HoleOf({"core.1795474949", "core.1795475228"}).what, "10 digits, a time or a number");
  EXPECT_EQ(HoleOf({"0123abcd", "89ef4567"}).what, "8 hexadecimal digits");
  // No kind: nothing is made up.
  EXPECT_EQ(HoleOf({"passwd", "group"}).pattern, "");
  EXPECT_EQ(HoleOf({"a", "b"}).pattern, "");
  EXPECT_EQ(HoleOf({"one"}).pattern, "");
  EXPECT_EQ(HoleOf({"x.log", "x.log.1"}).pattern, "");
}

TEST(Holes, CoverTheNamesThatMadeThem) {
  for (const auto& names : std::vector<std::vector<std::string>>{{"sess.aB3dE9", "sess.Zz0_kq"}, {"a*b-12", "a*b-7"}, {"tmpab12cd3_", "tmp9x8y7z6w"}}) {
    const Hole hole = HoleOf(names);
    ASSERT_FALSE(hole.pattern.empty());
    const auto set = ir::PathSet::Parse("/" + hole.pattern);
    ASSERT_TRUE(set) << hole.pattern;
    for (const std::string& name : names) EXPECT_TRUE(set->Contains("/" + name)) << hole.pattern;
  }
}

TEST(Paths, NamesThatEveryRunUsesStayLiteral) {
  EXPECT_THAT(Patterns({Use("/srv/job-17", "read", {0, 1}), Use("/srv/job-4", "read", {0, 1})}, 2), ElementsAre("/srv/job-17", "/srv/job-4"));
}

TEST(Paths, FoldersWithNamesThatChangeAreOneFolder) {
  const auto patterns = Patterns({Use("/tmp/w.aaBB11/in", "read", {0}), Use("/tmp/w.aaBB11/out", "create", {0}), Use("/tmp/w.Zk39_x/in", "read", {1}), Use("/tmp/w.Zk39_x/out", "create", {1})}, 2);
  const std::string w = "[0-9a-zA-Z_]";
  const std::string folder = "/tmp/w." + w + w + w + w + w + w;
  EXPECT_THAT(patterns, UnorderedElementsAre(folder + "/in", folder + "/out"));
}

TEST(Paths, AWholeFolderIsReadWhereLittleElseIsInIt) {
  std::vector<PathUse> uses;
  std::vector<std::string> files;
  for (int i = 0; i < 12; ++i) {
    uses.push_back(Use("/usr/share/x/LC_" + std::to_string(i), "read", {0, 1}));
    files.push_back("LC_" + std::to_string(i));
  }
  EXPECT_THAT(Patterns(uses, 2, {{"/usr/share/x", files}}), ElementsAre("/usr/share/x/*"));
  for (int i = 0; i < 2000; ++i) files.push_back("other" + std::to_string(i));
  EXPECT_EQ(Patterns(uses, 2, {{"/usr/share/x", files}}).size(), 12u) << "2000 files beyond those that were used";
}

TEST(Paths, WritesAreNotMadeWiderThanReads) {
  std::vector<PathUse> uses;
  for (int i = 0; i < 12; ++i) uses.push_back(Use("/srv/out/file" + std::string(1, static_cast<char>('a' + i)), "write", {0, 1}));
  EXPECT_EQ(Patterns(uses, 2).size(), 12u);
}

TEST(Paths, NothingCrossesABoundary) {
  std::vector<PathUse> uses;
  std::vector<std::string> files = {"shadow"};
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}) {
    uses.push_back(Use(std::string("/etc/") + name, "read", {0}));
    files.push_back(name);
  }
  EXPECT_EQ(Patterns(uses, 1, {{"/etc", files}}).size(), 12u);
  const Sensitive sensitive;
  EXPECT_NE(sensitive.Reaches("/etc/*"), "");
  EXPECT_NE(sensitive.Reaches("/**"), "");
  EXPECT_NE(sensitive.Reaches("/proc/[1-9]*/environ"), "");
  EXPECT_EQ(sensitive.Reaches("/usr/share/x/*"), "");
  EXPECT_EQ(sensitive.Reaches("/proc/[1-9]*/maps"), "");
}

TEST(Paths, OddNamesMatchThemselvesAlone) {
  const std::string name = "a*b?[c]{d}\\e";
  const auto set = ir::PathSet::Parse("/" + Literal(name));
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->Contains("/" + name));
  EXPECT_FALSE(set->Contains("/aXb?[c]{d}\\e"));
}

}  // namespace
}  // namespace ravelin::generalize
