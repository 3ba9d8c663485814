// Recordings on disk: what comes back, what is refused, and merging without memory for the facts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/observe/fact.h"
#include "profiler/observe/store.h"
#include "tests/unit/observe/random_recording.h"

namespace ravelin::observe {
namespace {

using testing::HasSubstr;

class Store : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ravelin-store.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Bytes(const std::string& name) const { return source::ReadFile(Path(name)).value_or("no file"); }
  size_t Files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {})); }
  // What another program could make of a store.
  void Change(const std::string& name, const std::string& statements) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(Path(name).c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  std::string folder_;
};

TEST_F(Store, GivesBackWhatItWasGiven) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const Recording recording = Merge(random.Part(), random.Part());
    ASSERT_TRUE(SaveRecording(recording, folder_ + "/a.rec"));
    const auto back = LoadRecording(folder_ + "/a.rec");
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(*back, recording);
    ASSERT_TRUE(SaveRecording(*back, folder_ + "/b.rec"));
    ASSERT_EQ(*source::ReadFile(folder_ + "/a.rec"), *source::ReadFile(folder_ + "/b.rec"));
  }
  EXPECT_EQ(Files(), 2u) << "a part was left behind";
}

TEST_F(Store, RefusesWhatIsNoRecordingAndWhatIsNewer) {
  ASSERT_TRUE(source::WriteFile(folder_ + "/text", "hello\n"));
  const auto text = LoadRecording(folder_ + "/text");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(LoadRecording(folder_ + "/none").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(SaveRecording({}, "/dev/null"));
  EXPECT_FALSE(SaveRecording({}, folder_));
  ASSERT_TRUE(SaveRecording({}, folder_ + "/new"));
  Change("new", "PRAGMA user_version = 2");
  const auto newer = LoadRecording(folder_ + "/new");
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("version 2"));
}

TEST_F(Store, NothingIsLeftOfAWriterThatIsEnded) {
  Recording large;
  observe::Run& run = large.runs["run"];
  for (int i = 0; i < 300000; ++i) run.Add({"file", "read", Encode({{"path", "/srv/f" + std::to_string(i)}}), "program=/bin/p"}, 1, "");
  ASSERT_TRUE(source::WriteFile(Path("kept.rec"), "kept\n"));
  const pid_t child = fork();
  if (child == 0) _exit(SaveRecording(large, Path("kept.rec")) ? 0 : 1);
  for (int tries = 0; tries < 10000 && Files() < 2; ++tries) usleep(1000);
  kill(child, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(Files(), 1u);
  // Either it was ended, and what was there is, or it had come to its end.
  if (WIFSIGNALED(status)) EXPECT_EQ(Bytes("kept.rec"), "kept\n");
  else EXPECT_EQ(status, 0);
}

// A store that is broken by hand, and a good one to merge it with.
class Refusals : public Store {
 protected:
  void SetUp() override {
    Store::SetUp();
    Recording one;
    for (const char* name : {"/a", "/b", "/c"}) one.runs["one"].Add({"file", "read", Encode({{"path", name}}), "program=/p"}, 1, "x");
    ASSERT_TRUE(SaveRecording(one, Path("bad.rec")));
    Recording two;
    two.runs["two"].Add({"file", "read", "path=/b", "program=/q"}, 2, "y");
    ASSERT_TRUE(SaveRecording(two, Path("good.rec")));
  }
  // Both ways of reading refuse it for the reason, and what stood at the place of the output stays.
  void ExpectRefused(const std::string& why) {
    ASSERT_TRUE(source::WriteFile(Path("out.rec"), "before"));
    const auto merged = MergeStores({Path("good.rec"), Path("bad.rec")}, Path("out.rec"));
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, ErrorCode::kMalformed);
    EXPECT_THAT(merged.error().message, testing::AllOf(HasSubstr("bad.rec"), HasSubstr(why)));
    EXPECT_EQ(Bytes("out.rec"), "before");
    EXPECT_EQ(Files(), 3u) << "a part was left behind";
    const auto loaded = LoadRecording(Path("bad.rec"));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().message, merged.error().message);
  }
};

TEST_F(Refusals, FactsThatAreNotInTheirOrder) {
  Change("bad.rec", "UPDATE fact SET attributes = 'path=/z' WHERE number = 2");
  ExpectRefused("order");
}

TEST_F(Refusals, OneFactTwice) {
  Change("bad.rec", "UPDATE fact SET attributes = 'path=/a' WHERE number = 2");
  ExpectRefused("order");
}

TEST_F(Refusals, SightingsOfAFactThatIsNotThere) {
  Change("bad.rec", "DELETE FROM fact WHERE number = 2");
  ExpectRefused("a fact that is not there was seen");
}

TEST_F(Refusals, SightingsBehindTheLastFact) {
  Change("bad.rec", "DELETE FROM fact WHERE number = 3");
  ExpectRefused("a fact that is not there was seen");
}

TEST_F(Refusals, AProcessThatIsNotThere) {
  Change("bad.rec", "UPDATE fact SET process = 9 WHERE number = 3");
  ExpectRefused("a process that is not there");
}

TEST_F(Refusals, ARunThatIsNotThere) {
  Change("bad.rec", "UPDATE seen SET run = 9 WHERE fact = 3");
  ExpectRefused("a run that is not there");
}

TEST_F(Refusals, AFileThatWasCutShort) {
  Recording many;
  for (int i = 0; i < 20000; ++i) many.runs["one"].Add({"file", "read", Encode({{"path", "/f" + std::to_string(i)}}), ""}, 1, "x");
  ASSERT_TRUE(SaveRecording(many, Path("bad.rec")));
  std::filesystem::resize_file(Path("bad.rec"), std::filesystem::file_size(Path("bad.rec")) / 2);
  ExpectRefused("malformed");
}

TEST_F(Store, FactsThatNobodySawAreNoFacts) {
  Recording one;
  for (const char* name : {"/a", "/b"}) one.runs["one"].Add({"file", "read", Encode({{"path", name}}), ""}, 1, "x");
  ASSERT_TRUE(SaveRecording(one, Path("a.rec")));
  Change("a.rec", "DELETE FROM seen WHERE fact = 1");
  ASSERT_TRUE(MergeStores({Path("a.rec")}, Path("b.rec")));
  one.runs["one"].facts.erase(one.runs["one"].facts.begin());
  ASSERT_TRUE(SaveRecording(one, Path("c.rec")));
  EXPECT_EQ(Bytes("b.rec"), Bytes("c.rec"));
}

TEST_F(Store, NumbersOfRunsMayBeAny) {
  Recording one;
  for (const char* id : {"a", "b"}) one.runs[id].Add({"file", "read", "path=/a", ""}, 1, id);
  ASSERT_TRUE(SaveRecording(one, Path("a.rec")));
  Change("a.rec", "UPDATE run SET number = 9 WHERE id = 'a'; UPDATE seen SET run = 9 WHERE run = 1");
  EXPECT_EQ(LoadRecording(Path("a.rec")).value(), one);
  ASSERT_TRUE(MergeStores({Path("a.rec")}, Path("b.rec")));
  ASSERT_TRUE(SaveRecording(one, Path("c.rec")));
  EXPECT_EQ(Bytes("b.rec"), Bytes("c.rec"));
}

// Byte by byte what merging in memory gives, in any order, with files that come twice, and with few files open at once.
TEST_F(Store, MergingFilesIsMerging) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<std::string> files;
    Recording expected;
    for (size_t i = 0; i < 1 + random.Below(7); ++i) {
      const Recording part = random.Part();
      files.push_back(Path("part" + std::to_string(i)));
      ASSERT_TRUE(SaveRecording(part, files.back()));
      expected = Merge(std::move(expected), part);
    }
    ASSERT_TRUE(SaveRecording(expected, Path("expected.rec")));
    for (int round = 0; round < 3; ++round) {
      random.Shuffle(files);
      std::vector<std::string> inputs = files;
      inputs.push_back(files[random.Below(files.size())]);
      const auto merged = MergeStores(inputs, Path("merged.rec"), 2 + random.Below(4));
      ASSERT_TRUE(merged) << merged.error().message;
      ASSERT_EQ(Bytes("merged.rec"), Bytes("expected.rec")) << "seed " << seed;
    }
    // Onto one of its inputs, and again.
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(MergeStores(files, files.front()));
      ASSERT_EQ(source::ReadFile(files.front()).value(), Bytes("expected.rec")) << "seed " << seed;
    }
    for (const std::string& file : files) std::filesystem::remove(file);
    ASSERT_EQ(Files(), 2u) << "a part was left behind";
  }
}

TEST_F(Store, ManyMoreFilesThanMayBeOpen) {
  Recording expected;
  std::vector<std::string> files;
  for (int i = 0; i < 300; ++i) {
    Recording one;
    one.runs["run-" + std::to_string(i % 7)].Add({"file", "read", Encode({{"path", "/f" + std::to_string(i % 50)}}), ""}, i, "x", static_cast<uint64_t>(i) + 1);
    files.push_back(Path(std::to_string(i)));
    ASSERT_TRUE(SaveRecording(one, files.back()));
    expected = Merge(std::move(expected), one);
  }
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{100, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto merged = MergeStores(files, Path("merged.rec"));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(LoadRecording(Path("merged.rec")).value(), expected);
  EXPECT_EQ(Files(), 301u) << "a part was left behind";
}

TEST_F(Store, ADiskThatIsFullLeavesWhatWas) {
  Recording many;
  for (int i = 0; i < 20000; ++i) many.runs["one"].Add({"file", "read", Encode({{"path", "/f" + std::to_string(i)}}), ""}, 1, "x");
  ASSERT_TRUE(SaveRecording(many, Path("a.rec")));
  ASSERT_TRUE(source::WriteFile(Path("out.rec"), "before"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 18, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto merged = MergeStores({Path("a.rec")}, Path("out.rec"));
  const auto saved = SaveRecording(many, Path("out.rec"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::kIo);
  EXPECT_THAT(merged.error().message, HasSubstr("out.rec: "));
  EXPECT_FALSE(saved);
  EXPECT_EQ(Bytes("out.rec"), "before");
  EXPECT_EQ(Files(), 2u) << "a part was left behind";
}

TEST_F(Store, NoFolderNoPermission) {
  ASSERT_TRUE(SaveRecording({}, Path("a.rec")));
  for (const auto& failed : {MergeStores({Path("a.rec")}, Path("none/out.rec")), MergeStores({Path("a.rec"), Path("none.rec")}, Path("out.rec"))}) {
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("none"));
  }
  EXPECT_EQ(Files(), 1u);
}

}  // namespace
}  // namespace ravelin::observe
