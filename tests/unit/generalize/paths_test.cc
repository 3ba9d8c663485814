// Names that change, folders, and what no pattern may reach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/ir/path_set.h"
#include "profiler/generalize/paths.h"

namespace ravelin::generalize {
namespace {

using testing::Contains;
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
  EXPECT_EQ(HoleOf({"shm.1378169640", "shm.3079475228"}).pattern, "shm.[0-9]*") << "a smaller one will have fewer digits";
  EXPECT_EQ(HoleOf({"0123abcd", "89ef4567"}).what, "8 hexadecimal digits");
  EXPECT_EQ(HoleOf({"libfoo.so.1.2.3", "libfoo.so.1.10.0"}).what, "a version");
  EXPECT_EQ(HoleOf({"libfoo.so.1.2.3", "libfoo.so.1.10.0"}).pattern, "libfoo.so.1.[0-9]*");
  EXPECT_EQ(HoleOf({"libfoo.so.7", "libfoo.so.8"}).what, "a version");
  EXPECT_EQ(HoleOf({"app-2.36-9.jar", "app-2.40-1.jar"}).what, "a version");
  EXPECT_EQ(HoleOf({"en_US.UTF-8", "de_DE.utf8"}).what, "a locale");
  EXPECT_NE(HoleOf({"de.key", "fr_FR.UTF-8"}).what, "a locale") << "a file of two letters";
  const auto locale = ir::PathSet::Parse("/" + HoleOf({"en_US.UTF-8", "C"}).pattern);
  ASSERT_TRUE(locale);
  for (const char* name : {"/de_DE.UTF-8", "/C.utf8", "/POSIX", "/pt_BR.ISO-8859-1"}) EXPECT_TRUE(locale->Contains(name)) << name;
  for (const char* name : {"/db.key", "/ca.pem", "/id", "/id_rsa", "/de_DE.key"}) EXPECT_FALSE(locale->Contains(name)) << name;
  // No kind: nothing is made up.
  EXPECT_EQ(HoleOf({"1.txt", "2.html"}).pattern, "");
  EXPECT_EQ(HoleOf({"cat", "ls"}).pattern, "") << "two letters are no language unless a territory says so";
  EXPECT_EQ(HoleOf({"passwd", "group"}).pattern, "");
  EXPECT_EQ(HoleOf({"a", "b"}).pattern, "");
  EXPECT_EQ(HoleOf({"one"}).pattern, "");
  EXPECT_EQ(HoleOf({"x.log", "x.log.1"}).pattern, "");
}

TEST(Holes, CoverTheNamesThatMadeThem) {
  for (const auto& names : std::vector<std::vector<std::string>>{{"sess.aB3dE9", "sess.Zz0_kq"}, {"a*b-12", "a*b-7"}, {"tmpab12cd3_", "tmp9x8y7z6w"}, {"libfoo.so.1.2.3", "libfoo.so.1.10.0"}, {"de_DE", "C"}, {"en_US.UTF-8", "POSIX", "ca_ES@valencia", "sr_RS.utf8@latin", "fr"}}) {
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

// Machines have another version, or another language, each for many runs.
TEST(Paths, VersionsAndLocalesAreHolesWhereEachRunHasOneOfThem) {
  const std::string locale = "{{C,POSIX}{,.[A-Z]*,.utf8},[a-z][a-z]{,[a-z]}_[A-Z][A-Z]{,.[A-Z]*,.utf8}}";
  EXPECT_THAT(Patterns({Use("/usr/lib/libx.so.1.2.3", "read", {0, 1}), Use("/usr/lib/libx.so.1.4.0", "read", {2, 3})}, 4), ElementsAre("/usr/lib/libx.so.1.[0-9]*"));
  EXPECT_THAT(Patterns({Use("/usr/lib/locale/en_US.utf8/LC_CTYPE", "read", {0, 1}), Use("/usr/lib/locale/C.UTF-8/LC_CTYPE", "read", {2}), Use("/usr/lib/locale/de_DE.utf8/LC_CTYPE", "read", {3})}, 4), ElementsAre("/usr/lib/locale/" + locale + "/LC_CTYPE"));
  // One run that has both: they are two things.
  EXPECT_THAT(Patterns({Use("/usr/lib/libx.so.1.2.3", "create", {0, 1}), Use("/usr/lib/libx.so.1.4.0", "create", {1, 2})}, 3), ElementsAre("/usr/lib/libx.so.1.2.3", "/usr/lib/libx.so.1.4.0"));
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

// What packages brought can be had by everybody: opened where the next runs are expected to bring new names, and only there.
TEST(Paths, ToBeBriefIsNoReasonToOpenAnything) {
  std::map<std::string, std::vector<std::string>> system;
  std::vector<PathUse> fixed;
  std::vector<PathUse> varied;
  for (int i = 0; i < 200; ++i) system["/usr/share/x"].push_back("m" + std::to_string(i) + ".txt");
  for (int i = 0; i < 40; ++i) {
    fixed.push_back(Use("/usr/share/x/m" + std::to_string(i) + ".txt", "read", {0, 1, 2, 3}));
    varied.push_back(Use("/usr/share/x/m" + std::to_string(i) + ".txt", "read", {static_cast<size_t>(i) % 4}));
  }
  EXPECT_EQ(Patterns(fixed, 4, system).size(), 40u);
  EXPECT_THAT(Patterns(varied, 4, system), ElementsAre("/usr/share/x/*.txt"));
  // The same below /etc is of this system alone.
  std::map<std::string, std::vector<std::string>> own = {{"/etc/x", system["/usr/share/x"]}};
  for (int i = 200; i < 2000; ++i) own["/etc/x"].push_back("m" + std::to_string(i) + ".txt");
  for (PathUse& use : varied) use.path.replace(0, 10, "/etc");
  EXPECT_EQ(Patterns(varied, 4, own).size(), 40u);
}

TEST(Paths, AWholeTreeOfAPackageIsReadWhereRunsTakeFromAllOfIt) {
  std::map<std::string, std::vector<std::string>> system;
  std::vector<PathUse> uses;
  for (int folder = 0; folder < 8; ++folder) {
    const std::string name = "part" + std::string(1, static_cast<char>('a' + folder));
    system["/usr/lib/p"].push_back(name + "/");
    for (int i = 0; i < 6; ++i) {
      system["/usr/lib/p/" + name].push_back("f" + std::to_string(i) + ".py");
      if (folder < 6) uses.push_back(Use("/usr/lib/p/" + name + "/f" + std::to_string(i) + ".py", "read", {static_cast<size_t>(folder)}));
    }
  }
  EXPECT_THAT(Patterns(uses, 6, system), ElementsAre("/usr/lib/p/**.py"));
}

TEST(Paths, AFolderThatTheWorkloadFillsIsItsOwn) {
  std::vector<PathUse> uses;
  for (size_t run = 0; run < 4; ++run) {
    for (const char* name : {"in", "out", "log", "all"}) uses.push_back(Use("/srv/work/" + std::string(name) + std::string(1, static_cast<char>('a' + run)) + "x", "create", {run}));
  }
  EXPECT_THAT(Patterns(uses, 4), UnorderedElementsAre("/srv/work", "/srv/work/**"));
  // Where everybody makes names, nothing becomes anybody's own.
  for (PathUse& use : uses) use.path.replace(0, 9, "/tmp");
  EXPECT_EQ(Patterns(uses, 4).size(), 16u);
}

// A database: some of its files are made in each run, most are found and written, and the runs write others of them.
// What a folder grants already pays for none above it.
TEST(Paths, AFolderIsNotOwnedForNamesThatAnotherOneGrants) {
  std::vector<PathUse> uses;
  for (const char* name : {"red", "green", "blue"}) uses.push_back(Use(std::string("/srv/app/cache/") + name, "create", {0}));
  for (const char* name : {"brown", "black", "white"}) uses.push_back(Use(std::string("/srv/app/cache/") + name, "create", {1}));
  uses.push_back(Use("/srv/app/pid", "create", {0, 1}));
  std::vector<std::string> others = {"cache/", "pid"};
  for (int i = 0; i < 20; ++i) others.push_back("their" + std::to_string(i) + ".db");
  const auto patterns = Patterns(uses, 2, {{"/srv/app", others}});
  EXPECT_THAT(patterns, Contains("/srv/app/cache/**"));
  EXPECT_THAT(patterns, Contains("/srv/app/pid"));
  EXPECT_THAT(patterns, testing::Not(Contains("/srv/app/**")));
}

TEST(Paths, WhatIsWrittenInAFolderThatTheWorkloadFillsChangesAsWell) {
  std::vector<PathUse> uses;
  for (const char* name : {"pid", "log", "state"}) uses.push_back(Use("/srv/data/" + std::string(name), "create", {0, 1}));
  for (const char* name : {"one", "two", "three", "four"}) uses.push_back(Use("/srv/data/tables/" + std::string(name), "write", {0, 1}));
  uses.push_back(Use("/srv/data/version", "read", {0, 1}));
  const size_t fixed = uses.size();
  EXPECT_EQ(Patterns(uses, 2).size(), fixed) << "the same names in every run";
  uses.push_back(Use("/srv/data/tables/five", "write", {0}));
  EXPECT_THAT(Patterns(uses, 2), UnorderedElementsAre("/srv/data", "/srv/data/**"));
  // Where most is only read, the folder is not its own.
  for (char c = 'a'; c <= 'm'; ++c) uses.push_back(Use("/srv/data/tables/read" + std::string(1, c), "read", {0, 1}));
  EXPECT_THAT(Patterns(uses, 2), Contains("/srv/data/log"));
}

TEST(Holes, OneNameMadeByChanceIsKnownWhereEverybodyMakesNames) {
  EXPECT_EQ(HoleOfRandom("ccAbx8kQ.s").what, "8 characters, as mktemp chooses them");
  EXPECT_EQ(HoleOfRandom("counts").pattern, "");
  EXPECT_EQ(HoleOfRandom("report2024").pattern, "") << "digits at the end count something";
  const std::string w = "[0-9a-zA-Z_]";
  EXPECT_THAT(Patterns({Use("/tmp/x.aB3dE9", "create", {0}), Use("/srv/x.aB3dE9", "create", {0})}, 2), UnorderedElementsAre("/tmp/x." + w + w + w + w + w + w, "/srv/x.aB3dE9"));
}

System Packages() {
  System system;
  std::vector<std::string> all;
  for (char c = 'a'; c <= 'p'; ++c) all.push_back("/usr/bin/tool" + std::string(1, c));
  system.siblings = [all](const std::string& program) { return std::find(all.begin(), all.end(), program) == all.end() ? std::vector<std::string>() : all; };
  system.needs = [](const std::string& program) { return program == "/usr/bin/toolp" ? std::vector<std::string>{"/usr/lib/libp.so.1"} : std::vector<std::string>(); };
  return system;
}

TEST(Programs, ThoseOfAPackageWhereRunsTakeOthersEachTime) {
  std::map<std::string, Evidence> programs;
  for (char c = 'a'; c <= 'j'; ++c) programs["/usr/bin/tool" + std::string(1, c)] = {{static_cast<size_t>(c) % 4}, 1, ""};
  std::vector<PathRule> files;
  const Sensitive sensitive;
  auto rules = GeneralizePrograms(programs, 4, sensitive, Packages(), files);
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].beyond, 6u);
  EXPECT_NE(rules[0].pattern.find("toolp"), std::string::npos);
  ASSERT_EQ(files.size(), 1u) << "what the loader reads for those that were not seen";
  EXPECT_EQ(files[0].pattern, "/usr/lib/libp.so.1");
  // The same programs in every run: nothing else is to be expected.
  for (auto& [name, evidence] : programs) evidence.runs = {0, 1, 2, 3};
  files.clear();
  EXPECT_EQ(GeneralizePrograms(programs, 4, sensitive, Packages(), files).size(), 10u);
  EXPECT_THAT(files, IsEmpty());
}

}  // namespace
}  // namespace ravelin::generalize
