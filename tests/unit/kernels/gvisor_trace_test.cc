// Events of gVisor's trace session, as its kernel encodes them.
#include "profiler/kernels/gvisor_trace.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace ravelin::kernels {
namespace {

using std::string_literals::operator""s;

// Fields of a protobuf: a number, and a text; or a varint below 128.
std::string Text(char number, const std::string& text) { return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(text.size()) + text; }
std::string Small(char number, char value) { return {static_cast<char>(number << 3), value}; }

TEST(GvisorTrace, ReadsWhatItIsAskedFor) {
  GvisorTrace trace;
  EXPECT_TRUE(ReadTraceEvent(1, Text(2, "id") + Text(3, "/") + Text(4, "/bin/sh") + Text(4, "-c"), trace));
  EXPECT_TRUE(trace.began);
  EXPECT_EQ(trace.first, "/bin/sh");
  EXPECT_TRUE(ReadTraceEvent(3, Text(1, Small(2, 7) + Small(4, 7)) + Text(2, "/usr/bin/cat") + Text(3, "cat"), trace));
  EXPECT_TRUE(ReadTraceEvent(3, Text(1, Small(4, 7)) + Text(2, "/usr/bin/env"), trace));
  EXPECT_EQ(trace.programs[7], (std::vector<std::string>{"/usr/bin/cat", "/usr/bin/env"}));
  EXPECT_TRUE(ReadTraceEvent(6, Text(1, Small(2, 9) + Small(4, 7) + Text(9, "sh")) + Small(4, 59) + Small(5, 1) + Small(10, 6), trace));
  EXPECT_TRUE(ReadTraceEvent(6, "", trace)) << "read(0, 0, 0)";
  ASSERT_EQ(trace.made.size(), 2u);
  EXPECT_EQ(trace.made[0].thread, 9);
  EXPECT_EQ(trace.made[0].process, 7);
  EXPECT_EQ(trace.made[0].command, "sh");
  EXPECT_EQ(trace.made[0].number, 59u);
  EXPECT_EQ(trace.made[0].args, (std::array<uint64_t, 6>{1, 0, 0, 0, 0, 6}));
  EXPECT_TRUE(ReadTraceEvent(5, Text(1, Small(4, 7)), trace));
  EXPECT_FALSE(trace.ended);
  EXPECT_TRUE(ReadTraceEvent(5, Text(1, Small(4, 1)), trace));
  EXPECT_TRUE(trace.ended);
  EXPECT_TRUE(ReadTraceEvent(99, Text(1, "what is not known"), trace));
}

TEST(GvisorTrace, RefusesWhatIsNone) {
  GvisorTrace trace;
  EXPECT_FALSE(ReadTraceEvent(1, "\x12\x7fshort"s, trace));
  EXPECT_FALSE(ReadTraceEvent(1, "\xff\xff"s, trace));
  EXPECT_FALSE(ReadTraceEvent(1, "\x0b"s, trace)) << "a group";
  EXPECT_FALSE(ReadTraceEvent(1, "\x09" "1234"s, trace));
  EXPECT_FALSE(trace.began);
}

TEST(GvisorTrace, TakesTheStreamAndCountsWhatWasDropped) {
  char folder[] = "/tmp/ravelin-trace.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  GvisorTrace trace;
  {
    auto sink = TraceSink::Make(folder);
    ASSERT_TRUE(sink) << sink.error().message;
    EXPECT_NE(sink->Config("Name: syscall/sysno/0/enter, optional\nName: syscall/sysno/0/exit, optional\n").find("{\"name\": \"syscall/sysno/0/enter\", \"context_fields\": [\"thread_id\", \"group_id\", \"process_name\"]}]"), std::string::npos) << "entries alone";
    sink->Start(trace);
    const int kernel = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, (std::string(folder) + "/trace").c_str());
    ASSERT_EQ(connect(kernel, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto send = [&](const std::string& bytes) { return write(kernel, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()); };
    ASSERT_TRUE(send(Small(1, 1)));
    char answer[8];
    ASSERT_EQ(read(kernel, answer, sizeof answer), 2);
    EXPECT_TRUE(send("\x08\0\x06\0\0\0\0\0"s + Small(4, 1)));
    EXPECT_TRUE(send("\x0c\0\x06\0\x03\0\0\0more"s + Small(4, 1))) << "a header that grew";
    EXPECT_TRUE(send("\x08\0"s));
    close(kernel);
    sink->Finish();
  }
  EXPECT_EQ(trace.made.size(), 2u);
  EXPECT_EQ(trace.dropped, 3u);
  EXPECT_EQ(trace.not_understood, 1u);
  unlink((std::string(folder) + "/trace").c_str());
  rmdir(folder);
}

TEST(GvisorTrace, ASandboxThatNeverComesIsNotWaitedFor) {
  char folder[] = "/tmp/ravelin-trace.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  GvisorTrace trace;
  {
    auto sink = TraceSink::Make(folder);
    ASSERT_TRUE(sink);
    sink->Start(trace);
    sink->Finish();
  }
  EXPECT_FALSE(trace.began);
  unlink((std::string(folder) + "/trace").c_str());
  rmdir(folder);
}

}  // namespace
}  // namespace ravelin::kernels
