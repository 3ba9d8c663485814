// Folders of processes that were killed go; those of the living stay, and so does what was never owned.
#include "profiler/kernels/own_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/base/source.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

class OwnFolders : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ravelin-own.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t Count() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator())); }

  // By a process that is killed.
  template <typename Make>
  static void Leave(Make make) {
    const pid_t child = fork();
    if (child == 0) {
      auto made = make();
      const bool filled = made && mkdir((made->path() + "/in").c_str(), 0700) == 0 && source::WriteFile(made->path() + "/in/file", "x");
      if (!filled) _exit(1);
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  std::string folder_;
};

TEST_F(OwnFolders, GoWithTheirOwner) {
  {
    const auto made = OwnFolder::Make(folder_ + "/x.");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(source::WriteFile(made->path() + "/file", "x"));
    EXPECT_EQ(Count(), 1u);
  }
  EXPECT_EQ(Count(), 0u);
}

TEST_F(OwnFolders, WhatTheKilledLeaveGoesWithTheNext) {
  Leave([&] { return OwnFolder::Make(folder_ + "/x."); });
  EXPECT_EQ(Count(), 1u);
  const auto other = OwnFolder::Make(folder_ + "/y.");
  EXPECT_EQ(Count(), 2u) << "of another name";
  const auto next = OwnFolder::Make(folder_ + "/x.");
  ASSERT_TRUE(next);
  EXPECT_EQ(Count(), 2u);
  const auto living = OwnFolder::Make(folder_ + "/x.");
  ASSERT_TRUE(living);
  EXPECT_EQ(Count(), 3u) << "whoever lives keeps it";
  EXPECT_TRUE(fs::exists(next->path()));
}

TEST_F(OwnFolders, OfOneNameArePassedOn) {
  const std::string path = folder_ + "/one";
  Leave([&] { return OwnFolder::MakeAt(path); });
  ASSERT_TRUE(fs::exists(path + "/in/file"));
  {
    const int working = open(path.c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(flock(working, LOCK_SH), 0);
    const auto early = OwnFolder::MakeAt(path);
    ASSERT_FALSE(early) << "somebody whom the owner left works there";
    EXPECT_EQ(early.error().code, ErrorCode::kNotFound);
    close(working);
  }
  const auto mine = OwnFolder::MakeAt(path);
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_FALSE(fs::exists(path + "/in"));
  EXPECT_FALSE(OwnFolder::MakeAt(path));
}

TEST_F(OwnFolders, WhatHasNoOwnerStays) {
  ASSERT_EQ(mkdir((folder_ + "/x.abcdef").c_str(), 0700), 0);
  ASSERT_TRUE(source::WriteFile(folder_ + "/x.ghijkl", "x"));
  ASSERT_EQ(symlink("/tmp", (folder_ + "/x.mnopqr").c_str()), 0);
  const auto made = OwnFolder::Make(folder_ + "/x.");
  ASSERT_TRUE(made);
  EXPECT_EQ(Count(), 4u);
  EXPECT_FALSE(OwnFolder::MakeAt(folder_ + "/x.abcdef"));
  EXPECT_FALSE(OwnFolder::MakeAt(folder_ + "/x.ghijkl"));
}

}  // namespace
}  // namespace ravelin::kernels
