// ravelin import events, recording merge: files in, one file out, and what is said where that fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using testing::Output;
using testing::RunRavelin;

class RecordingCommandLine : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Bytes(const std::string& name) const { return source::ReadFile(Path(name)).value_or("no file"); }
  std::string Log(const std::string& name, int first, int last) {
    std::string text;
    for (int i = first; i < last; ++i) text += "type=AVC msg=audit(" + std::to_string(i + 1) + ".5:" + std::to_string(i) + "): apparmor=\"ALLOWED\" operation=\"open\" profile=\"p\" name=\"/f" + std::to_string(i) + "\" pid=1 comm=\"x\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0\n";
    return folder_.Write(name, text);
  }
  size_t Files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), {})); }
  testing::TemporaryFolder folder_;
};

TEST_F(RecordingCommandLine, LogsTogetherOrApartAreOneRecording) {
  const std::string a = Log("a.log", 0, 30);
  const std::string b = Log("b.log", 20, 50);
  const Output both = RunRavelin({"import", "events", a, b, a, "-o", Path("both.rec")});
  ASSERT_EQ(both.exit_code, 0) << both.err;
  EXPECT_THAT(both.err, HasSubstr("a.log: audit, 30 records, 30 facts\n"));
  EXPECT_THAT(both.err, HasSubstr("b.log: audit, 30 records, 30 facts\n"));
  ASSERT_EQ(RunRavelin({"import", "events", a, "-o", Path("a.rec")}).exit_code, 0);
  ASSERT_EQ(RunRavelin({"import", "events", b, "-o", Path("b.rec")}).exit_code, 0);
  ASSERT_EQ(RunRavelin({"recording", "merge", Path("b.rec"), Path("a.rec"), "-o", Path("merged.rec")}).exit_code, 0);
  EXPECT_EQ(Bytes("merged.rec"), Bytes("both.rec"));
  ASSERT_EQ(RunRavelin({"recording", "merge", Path("a.rec"), Path("b.rec"), Path("a.rec"), "-o", Path("a.rec")}).exit_code, 0) << "onto an input";
  EXPECT_EQ(Bytes("a.rec"), Bytes("both.rec"));
  EXPECT_EQ(Files(), 6u) << "a part was left behind";
}

TEST_F(RecordingCommandLine, WhatCannotBeMergedOrImportedChangesNothing) {
  const std::string log = Log("a.log", 0, 30);
  ASSERT_EQ(RunRavelin({"import", "events", log, "-o", Path("a.rec")}).exit_code, 0);
  const std::string before = Bytes("a.rec");
  folder_.Write("text.rec", "hello\n");
  folder_.Write("cut.rec", before.substr(0, before.size() / 3));
  folder_.Write("empty.rec", "");
  for (const char* bad : {"text.rec", "cut.rec", "empty.rec", "none.rec"}) {
    const Output merged = RunRavelin({"recording", "merge", Path("a.rec"), Path(bad), "-o", Path("a.rec")});
    EXPECT_NE(merged.exit_code, 0) << bad;
    EXPECT_THAT(merged.err, HasSubstr(bad));
    EXPECT_EQ(Bytes("a.rec"), before) << bad;
  }
  folder_.Write("empty.log", "");
  folder_.Write("binary.log", std::string("\x7f""ELF\0\0\0", 7));
  for (const char* bad : {"empty.log", "binary.log", "none.log"}) {
    const Output imported = RunRavelin({"import", "events", Path(bad), "-o", Path("a.rec")});
    EXPECT_NE(imported.exit_code, 0) << bad;
    EXPECT_THAT(imported.err, HasSubstr(bad));
    EXPECT_EQ(Bytes("a.rec"), before) << bad;
  }
  EXPECT_NE(RunRavelin({"import", "events", log, "-o", Path("none/a.rec")}).exit_code, 0);
  EXPECT_EQ(Files(), 7u) << "a part was left behind";
}

}  // namespace
}  // namespace ravelin
