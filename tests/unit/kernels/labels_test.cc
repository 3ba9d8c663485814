#include "profiler/kernels/labels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/kernels/root_path.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

std::string Tree() {
  char folder[] = "/tmp/ravelin-labels.XXXXXX";
  EXPECT_NE(mkdtemp(folder), nullptr);
  fs::create_directories(std::string(folder) + "/srv/www/deep");
  fs::create_directories(std::string(folder) + "/tmp/x");
  for (const char* file : {"/srv/www/index.html", "/srv/www/deep/a.txt", "/srv/other", "/tmp/x/y"}) EXPECT_TRUE(source::WriteFile(std::string(folder) + file, "x"));
  fs::create_symlink("/srv/www", std::string(folder) + "/www");
  return folder;
}

TEST(Labels, TheLastEntryThatMatchesCounts) {
  const auto labels = PathLabels::Parse("/srv/www/.*\ta:s0\n/srv/www/[^/]*\\.html\tb:s0\n/srv/(?!www/.*$).*\tc:s0\n");
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->ContextOf("/srv/www/x"), "a:s0");
  EXPECT_EQ(labels->ContextOf("/srv/www/x.html"), "b:s0");
  EXPECT_EQ(labels->ContextOf("/srv/other"), "c:s0");
  EXPECT_EQ(labels->ContextOf("/etc"), "");
  EXPECT_TRUE(labels->LeadsNowhere("/etc/"));
  EXPECT_FALSE(labels->LeadsNowhere("/srv/www/"));
  EXPECT_FALSE(PathLabels::Parse("no tab\n"));
}

TEST(Labels, KnowsWhereOneLabelFollows) {
  const auto labels = PathLabels::Parse("/srv/.+\ta:s0\n/srv/deep/[^/]*\\.html\tb:s0\n/var(|/.*)\tc:s0\n");
  ASSERT_TRUE(labels);
  const auto beyond = [&](const char* beginning) {
    const std::string* one = labels->OneBeyond(beginning);
    return one == nullptr ? "differ" : *one;
  };
  EXPECT_EQ(beyond("/srv/"), "differ");
  EXPECT_EQ(beyond("/srv/deep/"), "differ");
  EXPECT_EQ(beyond("/srv/deep/er/"), "a:s0");
  EXPECT_EQ(beyond("/srv/other/"), "a:s0");
  EXPECT_EQ(beyond("/var/"), "c:s0");
  EXPECT_EQ(beyond("/var"), "differ") << "/variable is another";
  EXPECT_EQ(beyond("/etc/"), "");
}

TEST(Labels, WalksWhatCanHaveALabel) {
  const std::string root = Tree();
  const auto labels = PathLabels::Parse("/srv/www(|/.*)\tw:s0\n/tmp(|/.*)\tt:s0\n/dev/null\tn:s0\n");
  ASSERT_TRUE(labels);
  const auto tree = LabelTree(*labels, {.from = {root}, .covered = {"/tmp", "/run"}});
  ASSERT_TRUE(tree);
  std::string said;
  for (const PathLabel& label : tree->labels) said += label.path + "=" + label.context + "\n";
  // /tmp is the guest's own: what the host has in it is not there.
  EXPECT_EQ(said, "/dev/null=n:s0\n/srv/www=w:s0\n/srv/www/deep=w:s0\n/srv/www/deep/a.txt=w:s0\n/srv/www/index.html=w:s0\n/tmp=t:s0\n");
  const auto input = LabelTree(*labels, {.from = {root + "/srv"}, .at = "/tmp/in"});
  ASSERT_TRUE(input);
  said.clear();
  for (const PathLabel& label : input->labels) said += label.path + "\n";
  EXPECT_EQ(said, "/tmp\n/tmp/in\n/tmp/in/other\n/tmp/in/www\n/tmp/in/www/deep\n/tmp/in/www/deep/a.txt\n/tmp/in/www/index.html\n");
  fs::remove_all(root);
}

// An entry for everything is what the host's files have anyway: only what differs is named.
TEST(Labels, AnEntryForEverythingIsTheDefault) {
  const std::string root = Tree();
  const auto labels = PathLabels::Parse("/.+\tall:s0\n/srv/www/[^/]*\\.html\tw:s0\n");
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->DefaultContext(), "all:s0");
  EXPECT_TRUE(labels->LeadsNowhere("/srv/other/"));
  EXPECT_FALSE(labels->LeadsNowhere("/srv/www/"));
  const auto tree = LabelTree(*labels, {.from = {root}, .covered = {"/tmp", "/run"}, .unnamed = "rest:s0"});
  ASSERT_TRUE(tree);
  std::string said;
  for (const PathLabel& label : tree->labels) {
    if (label.path.rfind("/dev", 0) != 0) said += label.path + "=" + label.context + "\n";
  }
  EXPECT_EQ(said, "/=rest:s0\n/srv/www/index.html=w:s0\n/tmp=all:s0\n");
  fs::remove_all(root);
}

// What has one label below is mounted with it instead: the largest folder that has no other, whichever tree its files are in.
TEST(Labels, AFolderOfOneLabelIsARegion) {
  const std::string root = Tree();
  const std::string layer = Tree();
  fs::create_directories(layer + "/srv/www/over");
  const auto regions = [&](const char* text, size_t files) {
    const auto labels = PathLabels::Parse(text);
    EXPECT_TRUE(labels);
    const auto tree = LabelTree(*labels, {.from = {layer, root}, .covered = {"/tmp", "/run"}, .region_files = files});
    EXPECT_TRUE(tree);
    std::string said;
    for (const Region& region : tree->regions) said += fmt::format("{} {} {}\n", region.path, region.itself, region.below);
    for (const PathLabel& label : tree->labels) said += label.path + "\n";
    return said;
  };
  EXPECT_EQ(regions("/srv/.+\tw:s0\n", 6), "/srv  w:s0\n") << "the layer's folder counts";
  EXPECT_EQ(regions("/srv/.+\tw:s0\n", 7), "/srv/other\n/srv/www\n/srv/www/deep\n/srv/www/deep/a.txt\n/srv/www/index.html\n/srv/www/over\n");
  EXPECT_EQ(regions("/srv(|/.*)\ts:s0\n/srv/www(|/.*)\tw:s0\n", 3), "/srv/www w:s0 w:s0\n/srv\n/srv/other\n/srv/www\n");
  EXPECT_EQ(regions("/srv/www/.+\tw:s0\n/srv/www/index.html\tx:s0\n", 1), "/srv/www/deep w:s0 w:s0\n/srv/www/deep\n/srv/www/index.html\n/srv/www/over\n") << "a file with another label parts it";
  EXPECT_EQ(regions("/srv/www/[^/]*\tw:s0\n", 2), "/srv/www/deep\n/srv/www/index.html\n/srv/www/over\n") << "below deep is what has none";
  const auto moved = LabelTree(*PathLabels::Parse("/srv/.+\tw:s0\n"), {.from = {layer, root}, .region_files = 6, .moved = {"w:s0"}});
  ASSERT_TRUE(moved);
  EXPECT_TRUE(moved->regions.empty());
  EXPECT_EQ(moved->labels.size(), 6u);
  fs::create_directories(root + "/data/in/it");
  fs::create_symlink("/srv", layer + "/data");
  EXPECT_EQ(regions("/data(|/.*)\td:s0\n", 1), "/data\n") << "a link hides the folder below";
  fs::create_directories(layer + "/srv/www/a,b");
  EXPECT_EQ(regions("/srv/www/a,b/.+\tw:s0\n", 1), "");
  EXPECT_TRUE(source::WriteFile(layer + "/srv/www/a,b/c", "x"));
  EXPECT_EQ(regions("/srv/www/a,b/.+\tw:s0\n", 1), "/srv/www/a,b/c\n") << "a name that no mount can have";
  fs::remove_all(root);
  fs::remove_all(layer);
}

TEST(RootPath, LinksStayInTheRoot) {
  const std::string root = Tree();
  const std::vector<std::string> roots = {root};
  EXPECT_EQ(ResolveIn(roots, "/www/index.html"), "/srv/www/index.html");
  EXPECT_EQ(ResolveIn(roots, "/www/../other"), "/srv/other");
  EXPECT_EQ(ResolveIn(roots, "/www/new"), "/srv/www/new");
  EXPECT_EQ(ResolveIn(roots, "/no/such"), "");
  EXPECT_EQ(ResolveIn(roots, "/../.."), "/");
  fs::remove_all(root);
}

}  // namespace
}  // namespace ravelin::kernels
