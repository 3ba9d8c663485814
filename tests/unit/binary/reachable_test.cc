// What programs of this machine need and can reach, against what they do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/facts.h"
#include "profiler/binary/elf.h"
#include "profiler/binary/reachable.h"
#include "profiler/binary/x86.h"
#include "profiler/record/record.h"

namespace ravelin::binary {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

std::set<std::string> NamesOf(const Reachable& reachable) {
  std::set<std::string> out;
  for (const uint32_t number : reachable.numbers) {
    if (const auto* call = kernel::FindSyscall(kernel::Arch::kX86_64, number)) out.insert(call->name);
  }
  return out;
}

TEST(Elf, SaysWhatIsWrong) {
  EXPECT_EQ(ParseElf("").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(ParseElf("#!/bin/sh\n").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(ParseElf(std::string("\x7f" "ELF", 4) + std::string(60, '\1')).error().code, ErrorCode::kUnsupported);
  // Cut anywhere: an error or less, never more than there is.
  const std::string whole(record::RecorderImage());
  for (const size_t size : {size_t{64}, size_t{100}, size_t{500}, size_t{5000}, whole.size() / 2}) {
    const auto elf = ParseElf(whole.substr(0, size));
    if (elf) EXPECT_LE(elf->data.size(), size);
  }
}

TEST(Needs, AreTheLibrariesThatTheLoaderOpens) {
  const auto needs = NeedsOf("/bin/sh", FindIn({"/"}));
  EXPECT_THAT(needs, AllOf(Contains(HasSubstr("/ld-linux-x86-64.so.2")), Contains(HasSubstr("/libc.so.6"))));
  for (const std::string& one : needs) EXPECT_EQ(one.rfind("/usr/", 0), 0u) << one << ": links are followed";
  EXPECT_TRUE(NeedsOf("/no/such/program", FindIn({"/"})).empty());
}

// Every call that a program was seen to make has to be among those that it can reach; of programs that load nothing by themselves.
TEST(Reachable, HoldsWhatProgramsDo) {
  if (!HasDisassembler()) GTEST_SKIP() << "built without a disassembler";
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"/usr/bin/true"}, {"/usr/bin/sort", "/etc/passwd"}, {"/usr/bin/ls", "-l", "/"}, {"/usr/bin/dash", "-c", "read x < /etc/passwd; kill -0 $$; ulimit -n"}, {"/usr/bin/sleep", "0.01"}}) {
    const auto reachable = ReachableCalls(command.front(), FindIn({"/"}));
    ASSERT_TRUE(reachable) << reachable.error().message;
    EXPECT_TRUE(reachable->unread.empty());
    const std::set<std::string> names = NamesOf(*reachable);
    EXPECT_LT(names.size(), 200u) << command.front();
    record::Request request;
    request.driver = "ptrace";
    request.command = command;
    const auto run = record::RecordOnHost(request, record::VariationOf(request, 0));
    if (!run) GTEST_SKIP() << run.error().message;
    for (const auto& [fact, sighting] : run->facts) {
      if (fact.facet == "syscall" && fact.operation != "execve") EXPECT_EQ(names.count(fact.operation), 1u) << command.front() << " makes " << fact.operation;
    }
  }
}

TEST(Reachable, SaysWhatItCannotRead) {
  if (!HasDisassembler()) GTEST_SKIP() << "built without a disassembler";
  EXPECT_FALSE(ReachableCalls("/etc/passwd", FindIn({"/"})));
}

}  // namespace
}  // namespace ravelin::binary
