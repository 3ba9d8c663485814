// Recordings: merging in any order, the store, and what a run counts for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "compiler/base/source.h"
#include "profiler/observe/fact.h"
#include "profiler/observe/store.h"

namespace ravelin::observe {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  template <typename T>
  void Shuffle(std::vector<T>& all) {
    std::shuffle(all.begin(), all.end(), engine_);
  }
  // Some of what a machine could know of at most four runs: the same run may be known in parts by several.
  Recording Part() {
    Recording out;
    for (size_t i = 0; i < 1 + Below(3); ++i) {
      Run& run = out.runs["run-" + std::to_string(Below(4))];
      run.driver = "ptrace";
      run.command = "command";
      run.started = 100 + static_cast<double>(Below(5));
      run.ended = 200 + static_cast<double>(Below(5));
      run.status = Below(2) == 0 ? "" : "exit 0";
      run.variation["TMPDIR"] = "/tmp/a";
      run.completeness.clean_end = Below(3) != 0;
      run.completeness.channels["calls"].lost = Below(3);
      if (Below(2) == 0) run.completeness.blind.insert("capabilities");
      if (Below(4) == 0) run.completeness.doubts.insert("a doubt");
      for (size_t k = 0; k < Below(12); ++k) {
        const Fact fact{"file", Below(2) == 0 ? "read" : "write", Encode({{"path", "/tmp/f " + std::to_string(Below(6))}}), "program=/bin/p"};
        run.Add(fact, 150 + static_cast<double>(Below(20)), "example " + std::to_string(Below(9)), 1 + Below(4));
      }
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

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

class Store : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ravelin-store.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
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
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "a part was left behind";
}

TEST_F(Store, RefusesWhatIsNoRecordingAndWhatIsNewer) {
  ASSERT_TRUE(source::WriteFile(folder_ + "/text", "hello\n"));
  const auto text = LoadRecording(folder_ + "/text");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(LoadRecording(folder_ + "/none").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(SaveRecording({}, folder_ + "/new"));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/new").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version = 2", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto newer = LoadRecording(folder_ + "/new");
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, testing::HasSubstr("version 2"));
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
