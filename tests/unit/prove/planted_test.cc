// One planted bug for each stage; the check that catches it has its name here.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "backends/seccomp/lower.h"
#include "backends/seccomp/oci/oci.h"
#include "backends/seccomp/prove/prove.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"

namespace ravelin {
namespace {

using kernel::Arch;
using testing::Call;

const char kRules[] =
    "  allow syscall { read, write, exit_group }\n  allow syscall socket(domain in { AF_UNIX, AF_INET })\n  allow memory\n  default deny memory\n  deny syscall ptrace with errno(EACCES)";

struct Fixture {
  ir::Domain domain = testing::DomainOf(testing::Policy(kRules));
  seccomp::FilterSpec spec = seccomp::Lower(domain);
  bool Proved(const seccomp::FilterSpec& wrong) const { return seccomp::Prove(domain, seccomp::Generate(wrong, {})->program, false).proved; }
  seccomp::CallAnswer& Answer(const std::string& name) {
    for (seccomp::CallAnswer& call : spec.arches[0].calls) {
      if (call.name == name) return call;
    }
    ADD_FAILURE() << name;
    return spec.arches[0].calls[0];
  }
};

// Resolve: a name bound to another value.  Judge: events whose answer the source states, decided by the oracle.
TEST(Planted, ResolveIsCaughtByStatedDecisions) {
  const auto right = [](const ir::Domain& domain) { return oracle::DecideCall(domain, Call(Arch::kX86_64, "socket", {AF_INET})).permitted() && !oracle::DecideCall(domain, Call(Arch::kX86_64, "socket", {AF_INET6})).permitted(); };
  const Fixture f;
  EXPECT_TRUE(right(f.domain));
  EXPECT_FALSE(right(testing::DomainOf(testing::Policy("  allow syscall socket(domain in { AF_UNIX, AF_INET6 })"))));
}

TEST(Planted, LoweringIsCaughtByTheProof) {
  Fixture f;
  ASSERT_TRUE(f.Proved(f.spec));
  Fixture action;
  action.Answer("ptrace").clauses[0].action.data = 1;
  EXPECT_FALSE(action.Proved(action.spec)) << "another error number";
  Fixture dropped;
  auto& clauses = dropped.Answer("socket").clauses;
  clauses.erase(clauses.begin());
  EXPECT_FALSE(dropped.Proved(dropped.spec)) << "a rule left out";
  Fixture wider;
  wider.Answer("socket").clauses[0].when = ir::Predicate::True();
  EXPECT_FALSE(wider.Proved(wider.spec)) << "a condition left out";
  Fixture order;
  order.Answer("mprotect").clauses = order.Answer("read").clauses;
  EXPECT_FALSE(order.Proved(order.spec)) << "another call's answer";
  Fixture range;
  range.spec.arches[0].ranges.back().action = {};
  EXPECT_FALSE(range.Proved(range.spec)) << "unknown numbers permitted";
  Fixture foreign;
  foreign.spec.foreign = {};
  EXPECT_FALSE(foreign.Proved(foreign.spec));
}

// The view table: what lowering, proof and oracle read alike, so none of them can judge it.  Judge: what calls are known to
// ask, stated here by hand from the manual pages (and the kernel in tests/kernel).
TEST(Planted, TheViewTableIsCaughtByStatedNeeds) {
  const auto needs = [](const char* call, const char* facet, const char* operation) {
    for (const kernel::ViewRow& row : kernel::ViewRows(Arch::kX86_64, call)) {
      if (row.mode == kernel::RowMode::kNeeds && row.facet == facet && row.operation == operation) return true;
    }
    return false;
  };
  EXPECT_TRUE(needs("socket", "network", "create"));
  EXPECT_TRUE(needs("execve", "exec", "exec"));
  EXPECT_TRUE(needs("execveat", "exec", "exec"));
  EXPECT_TRUE(needs("openat", "file", "read"));
  EXPECT_TRUE(needs("openat", "file", "write"));
  EXPECT_TRUE(needs("mprotect", "memory", "exec"));
  EXPECT_TRUE(needs("unlinkat", "file", "delete"));
  EXPECT_TRUE(needs("reboot", "system", "reboot"));
  EXPECT_TRUE(needs("init_module", "module", "load"));
  EXPECT_TRUE(needs("finit_module", "module", "load"));
  EXPECT_TRUE(needs("unshare", "namespace", "user"));
  EXPECT_TRUE(needs("clone", "namespace", "net"));
  EXPECT_TRUE(needs("bpf", "bpf", "use"));
  EXPECT_TRUE(needs("perf_event_open", "perf", "open"));
  EXPECT_TRUE(needs("io_uring_setup", "io_uring", "use"));
  EXPECT_TRUE(needs("setuid", "setid", "uid"));
  EXPECT_TRUE(needs("kill", "signal", "send"));
  EXPECT_FALSE(needs("getpid", "file", "read"));
}

TEST(Planted, TheEmitterIsCaughtByTheProof) {
  Fixture f;
  seccomp::Program program = seccomp::Generate(f.spec, {})->program;
  for (seccomp::Instruction& i : program) {
    if (i.code == (BPF_JMP | BPF_JGE | BPF_K)) {
      i.code = BPF_JMP | BPF_JGT | BPF_K;
      break;
    }
  }
  EXPECT_FALSE(seccomp::Prove(f.domain, program, false).proved);
}

// The decoder: a file that is read with the wrong byte order or cut is refused, and what is read back is what was proved.
TEST(Planted, TheDecoderIsCaughtByReadingBack) {
  Fixture f;
  const seccomp::Program program = seccomp::Generate(f.spec, {})->program;
  const std::string bytes = seccomp::EncodeProgram(program, false);
  const auto swapped = seccomp::DecodeProgram(bytes, true);
  EXPECT_TRUE(!swapped || !seccomp::Prove(f.domain, *swapped, false).proved);
  EXPECT_FALSE(seccomp::DecodeProgram(bytes.substr(0, bytes.size() - 1), false).has_value());
  std::string other = bytes;
  other[4] = static_cast<char>(other[4] ^ 4);
  const auto damaged = seccomp::DecodeProgram(other, false);
  EXPECT_TRUE(!damaged || !seccomp::Prove(f.domain, *damaged, false).proved);
}

TEST(Planted, TheProfileIsCaughtByReadingBack) {
  Fixture f;
  const std::string text = *seccomp::WriteOciProfile(f.domain);
  ASSERT_TRUE(seccomp::ProveOciProfile(f.domain, *seccomp::ReadOciProfile(text)).proved);
  const auto proved = [&](const std::string& from, const std::string& to) {
    std::string wrong = text;
    const size_t at = wrong.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    wrong.replace(at, from.size(), to);
    const auto profile = seccomp::ReadOciProfile(wrong);
    return profile.has_value() && seccomp::ProveOciProfile(f.domain, *profile).proved;
  };
  EXPECT_FALSE(proved("\"write\"", "\"writev\""));
  EXPECT_FALSE(proved("\"valueTwo\": 1", "\"valueTwo\": 3"));
  EXPECT_FALSE(proved("SCMP_ACT_ALLOW", "SCMP_ACT_LOG"));
  EXPECT_FALSE(proved("\"errnoRet\": 13", "\"errnoRet\": 1"));
  EXPECT_FALSE(proved("\"defaultErrnoRet\": 1", "\"defaultErrnoRet\": 38"));
}

}  // namespace
}  // namespace ravelin
