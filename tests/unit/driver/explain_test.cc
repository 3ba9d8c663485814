#include "compiler/driver/explain.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/driver/permitted.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"

namespace ravelin::driver {
namespace {

std::string PolicyWith(const std::string& line) {
  return "language 1\npolicy p {\n" + line + "\n  allow syscall { exit_group }\n  deny syscall acct\n  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n";
}

// Values that flags, commands and identifiers take.
uint64_t SomeValue(std::mt19937_64& random) {
  static const uint64_t values[] = {0, 1, 2, 5, 16, 38, 0x41, 0x802, 0x1000, 0x10000000, 0x5412, 0xffffffff, 0x80000, ~uint64_t{0}};
  return values[random() % std::size(values)];
}

TEST(Explain, EverySuggestionPermitsWhatWasRefused) {
  const auto front = testing::ReadText(PolicyWith(""));
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  std::mt19937_64 random(5);
  size_t suggested = 0;
  for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
    ir::Event event = testing::Call(kernel::Arch::kX86_64, call.name);
    for (uint64_t& arg : event.args) arg = SomeValue(random);
    const ir::Domain& domain = front->policy.domains[0];
    const ir::Decision decision = oracle::DecideCall(domain, event);
    if (decision.permitted()) continue;
    const Suggestion suggestion = SuggestAllow(domain, event, decision, front->sources);
    const std::string shown = ShowCall(kernel::Arch::kX86_64, call, event.args);
    if (call.name == "acct") {
      EXPECT_TRUE(suggestion.line.empty()) << "a deny cannot be outweighed";
      continue;
    }
    ASSERT_FALSE(suggestion.line.empty()) << shown;
    const auto changed = testing::ReadText(PolicyWith("  " + suggestion.line));
    ASSERT_FALSE(changed->sink.HasErrors()) << suggestion.line << "\n" << testing::Messages(*changed);
    EXPECT_TRUE(oracle::DecideCall(changed->policy.domains[0], event).permitted()) << shown << " is not permitted by " << suggestion.line;
    EXPECT_FALSE(oracle::DecideCall(changed->policy.domains[0], testing::Call(kernel::Arch::kX86_64, call.name == "reboot" ? "swapon" : "reboot")).permitted()) << suggestion.line;
    ++suggested;
  }
  EXPECT_GT(suggested, 350u);
}

TEST(Explain, CallsReadAsTheyAreWritten) {
  source::SourceManager sources;
  const auto shown = [&](const std::string& text) {
    diag::Sink sink;
    const auto event = ParseEvent(text, kernel::Arch::kX86_64, sources, sink);
    if (!event) return std::string("?");
    const kernel::Syscall* call = kernel::FindSyscall(kernel::Arch::kX86_64, event->number);
    return ShowCall(kernel::Arch::kX86_64, *call, event->args);
  };
  EXPECT_EQ(shown("socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)"), "socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)");
  EXPECT_EQ(shown("openat(AT_FDCWD, \"/etc/passwd\", O_WRONLY | O_CREAT)"), "openat(AT_FDCWD, 0, O_WRONLY | O_CREAT, 0)");
  EXPECT_EQ(shown("prctl(PR_GET_PDEATHSIG)"), "prctl(PR_GET_PDEATHSIG, 0, 0, 0, 0)");
  EXPECT_EQ(shown("fcntl(3, F_SETFL)"), "fcntl(3, F_SETFL, 0)");
  EXPECT_EQ(shown("clone(CLONE_NEWUSER | 17)"), "clone(CLONE_NEWUSER | 0x11, 0, 0, 0, 0)");
  EXPECT_EQ(shown("nosuchcall()"), "?");
}

}  // namespace
}  // namespace ravelin::driver
