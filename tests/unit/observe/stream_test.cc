// Logs that are read in pieces, and runs with more facts than memory shall hold: what comes of them is what comes of all at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <utility>

#include "compiler/base/source.h"
#include "profiler/observe/import.h"
#include "profiler/observe/spool.h"
#include "profiler/observe/store.h"
#include "tests/unit/observe/random_recording.h"

namespace ravelin::observe {
namespace {

using testing::HasSubstr;

class Stream : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ravelin-stream.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Bytes(const std::string& name) const { return source::ReadFile(Path(name)).value_or("no file"); }

  // The log as a file, imported with so many facts in memory, is byte by byte the log in memory, imported at once.
  void ExpectSame(const std::string& text, size_t most, size_t least_pieces) {
    const auto whole = ImportEvents("log", text);
    ASSERT_TRUE(whole) << whole.error().message;
    ASSERT_TRUE(SaveRecording(whole->recording, Path("whole.rec")));
    ASSERT_TRUE(source::WriteFile(Path("log"), text));
    Spool spool(Path("parts.rec"));
    size_t pieces = 0;
    auto log = Log::Open(Path("log"));
    ASSERT_TRUE(log);
    auto parts = ImportEvents(Path("log"), *log, {most, [&](observe::Run& run) {
                                                    ++pieces;
                                                    spool.Add(std::exchange(run.facts, {}));
                                                  }});
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_GE(pieces, least_pieces);
    EXPECT_EQ(parts->format, whole->format);
    EXPECT_EQ(parts->records, whole->records);
    EXPECT_EQ(parts->not_understood, whole->not_understood);
    auto& [id, run] = *parts->recording.runs.begin();
    spool.Add(std::exchange(run.facts, {}));
    auto source = spool.Take(id, run);
    ASSERT_TRUE(source) << source.error().message;
    const auto counts = SaveSource(std::move(*source), Path("parts.rec"));
    ASSERT_TRUE(counts) << counts.error().message;
    EXPECT_THAT(*counts, testing::ElementsAre(whole->recording.runs.begin()->second.facts.size()));
    EXPECT_EQ(Bytes("parts.rec"), Bytes("whole.rec"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 3) << "a part was left behind";
  }
  std::string folder_;
};

// Records again and again, their times in no order, some of several records, some that nobody understands.
TEST_F(Stream, AuditRecords) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    Random random(seed);
    std::string log;
    for (int i = 0; i < 30000; ++i) {
      const std::string stamp = "audit(" + std::to_string(100 + random.Below(500)) + "." + std::to_string(random.Below(10)) + ":" + std::to_string(i) + "): ";
      const std::string name = "/srv/part" + std::to_string(random.Below(400));
      const bool refused = random.Below(4) == 0;
      if (random.Below(50) == 0) {
        log += "type=AVC msg=" + stamp + "apparmor=\"ALLOWED\" operation=\"mystery\" profile=\"p\" pid=7\n";
      } else if (random.Below(20) == 0) {
        log += "type=SYSCALL msg=" + stamp + "arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=1 a2=0 a3=0 items=1 pid=5 comm=\"a\" exe=\"/usr/bin/a" + std::to_string(random.Below(3)) + "\"\n";
        log += "type=AVC msg=" + stamp + "apparmor=\"ALLOWED\" operation=\"open\" profile=\"p\" name=\"" + name + "\" pid=5 comm=\"a\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0\n";
      } else {
        log += "type=AVC msg=" + stamp + "apparmor=\"" + (refused ? "DENIED" : "ALLOWED") + "\" operation=\"open\" profile=\"p\" name=\"" + name + "\" pid=" + std::to_string(random.Below(9)) + " comm=\"a\" requested_mask=\"" + (random.Below(2) == 0 ? "rw" : "rwr") + "\" denied_mask=\"rw\" fsuid=" + std::to_string(random.Below(2)) + " ouid=0\n";
      }
    }
    ExpectSame(log, 20 + random.Below(300), 3);
    if (HasFailure()) return;
  }
}

TEST_F(Stream, CallsOfStrace) {
  Random random(1);
  std::string log;
  for (int i = 0; i < 3000; ++i) log += std::to_string(1 + random.Below(3)) + " " + std::to_string(100 + random.Below(300)) + ".5 openat(AT_FDCWD, \"/f" + std::to_string(random.Below(90)) + "\", O_RDONLY) = 3\n";
  ExpectSame(log, 10, 10);
}

TEST_F(Stream, LinesOfAnEnricher) {
  std::string log;
  for (int i = 0; i < 200; ++i) log += "log-enricher x \"executable\"=\"/bin/p" + std::to_string(i % 20) + "\" \"syscallName\"=\"read\"\n";
  ExpectSame(log, 5, 10);
}

TEST_F(Stream, DocumentsOfARecorder) {
  std::string log;
  for (int i = 0; i < 400; ++i) log += R"({"fname": "/f)" + std::to_string(i % 50) + R"(", "comm": "x", "flags": 2, "err": 0})" + "\n";
  ExpectSame(log, 7, 10);
}

TEST_F(Stream, LinesAreThoseOfTheText) {
  Random random(5);
  std::string text;
  while (text.size() < (size_t{5} << 20)) text += std::string(random.Below(random.Below(40) == 0 ? 2000000 : 300), static_cast<char>('a' + random.Below(20))) + (random.Below(9) == 0 ? "\n\n" : "\n");
  for (const std::string& all : {text, text + "end", std::string(), std::string("\n"), std::string("x")}) {
    ASSERT_TRUE(source::WriteFile(Path("log"), all));
    std::vector<std::string> expected;
    EachLine(all, [&](std::string_view line, size_t) { expected.emplace_back(line); });
    for (const bool head : {false, true}) {
      auto log = Log::Open(Path("log"));
      ASSERT_TRUE(log);
      if (head) {
        ASSERT_EQ(log->Head(), all.substr(0, size_t{1} << 18));
      }
      std::vector<std::string> lines;
      EachLine(*log, [&](std::string_view line, size_t number) {
        lines.emplace_back(line);
        ASSERT_EQ(number, lines.size());
      });
      ASSERT_TRUE(lines == expected);
      EXPECT_EQ(log->Identity("import"), RunIdentity("import", all));
    }
    auto whole = Log::Open(Path("log"));
    ASSERT_TRUE(whole->Whole() == all);
    size_t lines = 0;
    EachLine(*whole, [&](std::string_view, size_t) { ++lines; });
    EXPECT_EQ(lines, expected.size());
    EXPECT_EQ(whole->Identity("import"), RunIdentity("import", all));
  }
}

TEST_F(Stream, WhatCannotBeReadSaysSo) {
  EXPECT_EQ(Log::Open(Path("none")).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(Log::Open(folder_).error().message, HasSubstr("it is a directory"));
  auto broken = Log::Open("/proc/self/mem");  // its first page is not there
  ASSERT_TRUE(broken);
  const auto imported = ImportEvents("mem", *broken);
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().code, ErrorCode::kIo);
  EXPECT_THAT(imported.error().message, HasSubstr("cannot read `/proc/self/mem`"));
}

TEST_F(Stream, ASpoolWithoutAPlaceOrRoomSaysSo) {
  Recording many;
  for (int i = 0; i < 5000; ++i) many.runs["one"].Add({"file", "read", Encode({{"path", "/f" + std::to_string(i)}}), ""}, 1, "x");
  Spool nowhere(Path("none/out.rec"));
  nowhere.Add(many.runs["one"].facts);
  EXPECT_THAT(nowhere.Take("one", {}).error().message, HasSubstr("none/out.rec: No such file"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Spool full(Path("out.rec"));
  full.Add(many.runs["one"].facts);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  const auto taken = full.Take("one", {});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("out.rec: File too large"));
}

}  // namespace
}  // namespace ravelin::observe
