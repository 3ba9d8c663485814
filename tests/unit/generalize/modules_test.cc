// Modules of the library in the place of rules: by what they cost, never by what they are called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "profiler/generalize/generalize.h"
#include "profiler/generalize/matches.h"
#include "profiler/generalize/modules.h"

namespace ravelin::generalize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

PathRule Read(const std::string& path, std::set<size_t> runs = {0, 1}) { return {path, {"read"}, {std::move(runs), 1, "openat"}, "literal"}; }

Module Reading(const std::string& name, const std::vector<std::string>& patterns) {
  Module out;
  out.name = name;
  for (const std::string& pattern : patterns) out.files.push_back({pattern, {"read"}});
  out.granted = {{"file", "read"}};
  return out;
}

// Of patterns, the files of the system.
System With(const std::map<std::string, std::vector<std::string>>& files) {
  System out;
  out.matches = [files](const std::string& pattern) { return files.count(pattern) != 0 ? files.at(pattern) : std::vector<std::string>(); };
  return out;
}

std::vector<std::string> Used(const std::vector<Module>& modules, std::vector<PathRule> rules, const System& system = {}) {
  const Sensitive sensitive;
  std::vector<std::string> out;
  for (const ModuleUse& use : UseModules(modules, 2, sensitive, system, rules)) out.push_back(use.text);
  return out;
}

TEST(Modules, StandForTheRulesThatTheyCover) {
  const std::vector<Module> modules = {Reading("std::names", {"/etc/names", "/etc/groups", "/etc/more"})};
  std::vector<PathRule> rules = {Read("/etc/names"), Read("/etc/groups"), Read("/srv/x")};
  const Sensitive sensitive;
  const auto uses = UseModules(modules, 2, sensitive, With({{"/etc/more", {"/etc/more"}}}), rules);
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses[0].used, 2u);
  EXPECT_THAT(uses[0].beyond, ElementsAre("/etc/more"));
  EXPECT_LT(uses[0].cost, uses[0].instead);
  std::vector<std::string> left;
  for (const PathRule& rule : rules) left.push_back(rule.module + " " + rule.pattern);
  EXPECT_THAT(left, UnorderedElementsAre(" /srv/x", "std::names /etc/names", "std::names /etc/groups", "std::names /etc/more"));
}

TEST(Modules, AreNotUsedForOnePathOrForLessThanTheyOpen) {
  const std::vector<Module> modules = {Reading("std::names", {"/etc/names", "/etc/groups", "/etc/more/*"})};
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/srv/x")}), IsEmpty());
  std::vector<std::string> many;
  for (int i = 0; i < 20; ++i) many.push_back("/etc/more/" + std::to_string(i));
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/etc/groups")}), ElementsAre("std::names"));
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/etc/groups")}, With({{"/etc/more/*", many}})), IsEmpty()) << "20 files of this system alone";
  // What a rule opens anyway is nothing beyond.
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/etc/groups"), {"/etc/more/**", {"read"}, {{0}, 1, ""}, "all below a folder"}}, With({{"/etc/more/*", many}})), ElementsAre("std::names"));
}

TEST(Modules, TheCheapestIsTakenWhateverItIsCalled) {
  const std::vector<Module> modules = {Reading("std::a", {"/etc/names", "/etc/groups", "/etc/one", "/etc/two"}), Reading("std::z", {"/etc/names", "/etc/groups"})};
  const System system = With({{"/etc/one", {"/etc/one"}}, {"/etc/two", {"/etc/two"}}});
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/etc/groups")}, system), ElementsAre("std::z"));
  EXPECT_THAT(Used(modules, {Read("/etc/names"), Read("/etc/groups"), Read("/etc/one")}, system), ElementsAre("std::a"));
}

TEST(Modules, CoverNoOtherOperationAndNoSecret) {
  const std::vector<Module> modules = {Reading("std::names", {"/etc/names", "/etc/groups"}), Reading("std::secrets", {"/etc/shadow", "/etc/other"})};
  EXPECT_THAT(Used(modules, {{"/etc/names", {"read", "write"}, {{0}, 1, ""}, "literal"}, Read("/etc/groups")}), IsEmpty());
  EXPECT_THAT(Used(modules, {Read("/etc/shadow"), Read("/etc/other")}), IsEmpty());
}

TEST(Modules, OneThatGrantsExactlyARuleIsThatRuleByName) {
  Module own;
  own.name = "std::own";
  own.parameter = "folder";
  own.files = {{kParameterValue, {"list", "read"}}, {std::string(kParameterValue) + "/**", {"create", "read", "write"}}};
  const PathRule folder{"/srv/work", {"list", "read"}, {{0, 1}, 1, ""}, "the folder itself"};
  EXPECT_THAT(Used({own}, {folder, {"/srv/work/**", {"create", "read", "write"}, {{0, 1}, 1, ""}, "all below a folder"}}), ElementsAre("std::own(folder = \"/srv/work\")"));
  // What it lacks has to be granted beside it: then it saves nothing.
  EXPECT_THAT(Used({own}, {folder, {"/srv/work/**", {"create", "link", "read", "write"}, {{0, 1}, 1, ""}, "all below a folder"}}), IsEmpty());
  // What it opens for writing that the rule does not is dear.
  EXPECT_THAT(Used({own}, {folder, {"/srv/work/**", {"read"}, {{0, 1}, 1, ""}, "all below a folder"}}), IsEmpty());
}

// The policy says `use`, what it opens beyond, and answers the module's calls that nobody used.
TEST(Modules, ArePartOfThePolicyWithWhatTheyOpen) {
  Options options;
  options.modules = {Reading("std::names", {"/etc/names", "/etc/groups", "/etc/more"})};
  options.modules[0].calls = {"clock_getres", "openat"};
  options.system = With({{"/etc/more", {"/etc/more"}}});
  observe::Recording recording;
  for (int i = 0; i < 2; ++i) {
    observe::Run& run = recording.runs["run-" + std::to_string(i)];
    run.Add({"syscall", "openat", "arch=x86_64", "program=/bin/p"}, 1, "openat");
    for (const char* path : {"/etc/names", "/etc/groups"}) run.Add({"file", "read", observe::Encode({{"path", path}}), "program=/bin/p"}, 1, path);
  }
  const auto learned = Generalize(recording, options);
  ASSERT_TRUE(learned);
  EXPECT_THAT(learned->text, HasSubstr("2 used, 1 more here: /etc/more\n"));
  EXPECT_THAT(learned->text, HasSubstr("\n  use std::names\n"));
  EXPECT_THAT(learned->text, Not(HasSubstr("on path(\"/etc/names\"")));
  EXPECT_EQ(learned->calls.count("clock_getres"), 0u);
  const size_t at = learned->text.find("unused: deny syscall { ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_THAT(learned->text.substr(at), HasSubstr("clock_getres"));
  // Who takes a part of it away in review gets the rest by rules of its own.
  options.decisions = {{"/etc/more", Decision::kDeny}};
  const auto reviewed = Generalize(recording, options);
  ASSERT_TRUE(reviewed);
  EXPECT_THAT(reviewed->text, Not(HasSubstr("use std::names")));
  EXPECT_THAT(reviewed->text, HasSubstr("\"/etc/names\", \"/etc/groups\")"));
  EXPECT_THAT(reviewed->text, HasSubstr("deny file { read } on path(\"/etc/more\")"));
}

TEST(Matches, AreThoseOfThePatternAlone) {
  std::vector<std::string> listed;
  const std::map<std::string, std::vector<std::string>> folders = {{"/usr/share", {"a/", "b/", "x"}}, {"/usr/share/a", {"one.py", "two.txt", "deep/"}}, {"/usr/share/a/deep", {"three.py"}}, {"/usr/share/b", {"link.py"}}};
  const Listing listing = [&](const std::string& folder) {
    listed.push_back(folder);
    return folders.count(folder) != 0 ? folders.at(folder) : std::vector<std::string>();
  };
  const auto names = [&](const std::string& pattern) { return NamesMatching(pattern, listing, [](const std::string& path) { return path.find("link") == std::string::npos; }); };
  EXPECT_THAT(names("/usr/share/**.py"), ElementsAre("/usr/share/a/deep/three.py", "/usr/share/a/one.py"));
  listed.clear();
  EXPECT_THAT(names("/usr/{share,lib}/a/*"), ElementsAre("/usr/share/a/deep/", "/usr/share/a/one.py", "/usr/share/a/two.txt"));
  EXPECT_THAT(listed, UnorderedElementsAre("/usr/share/a", "/usr/lib/a")) << "nobody looks elsewhere";
  EXPECT_THAT(names("/usr/share/*/{one,three}.py"), ElementsAre("/usr/share/a/one.py"));
}

}  // namespace
}  // namespace ravelin::generalize
