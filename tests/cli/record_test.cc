// ravelin record: drivers together, containers, and what is no good use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "profiler/kernels/process.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using testing::Output;
using testing::RunRavelin;

class RecordCommandLine : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(RecordCommandLine, DriversRecordOneAfterAnother) {
  const Output out = RunRavelin({"record", "--driver", "ptrace,notify", "-o", Path("both.rec"), "--", "true"});
  if (out.exit_code != 0 && (out.err.find("install a filter") != std::string::npos || out.err.find("forbids tracing") != std::string::npos)) GTEST_SKIP() << out.err;
  ASSERT_EQ(out.exit_code, 0) << out.err;
  const Output listed = RunRavelin({"recording", "ls", Path("both.rec")});
  EXPECT_THAT(listed.out, HasSubstr("2 runs"));
  EXPECT_THAT(listed.out, HasSubstr("  ptrace  "));
  EXPECT_THAT(listed.out, HasSubstr("  notify  "));
  EXPECT_THAT(listed.out, HasSubstr("does not see: what comes of a call"));
}

TEST_F(RecordCommandLine, MistakesOfUse) {
  EXPECT_EQ(RunRavelin({"record", "--driver", "nothing", "-o", Path("x"), "--", "true"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"record", "--listen", Path("socket"), "-o", Path("x")}).exit_code, 2) << "of the driver notify alone";
  EXPECT_EQ(RunRavelin({"record", "--driver", "notify", "--listen", Path("socket"), "-o", Path("x"), "--", "true"}).exit_code, 2) << "a runtime starts the workload";
  EXPECT_EQ(RunRavelin({"record", "--driver", "notify", "--runtime-profile", Path("p"), "-o", Path("x"), "--", "true"}).exit_code, 2);
}

TEST_F(RecordCommandLine, TheRuntimesProfileTellsEveryCallButItsOwn) {
  const Output out = RunRavelin({"record", "--driver", "notify", "--listen", Path("socket"), "--runtime-profile", Path("p.json"), "--limit", "1", "-o", Path("x")});
  EXPECT_EQ(out.exit_code, 3) << "nobody came";
  EXPECT_THAT(out.err, HasSubstr("no container came in time"));
  const auto profile = nlohmann::json::parse(*source::ReadFile(Path("p.json")));
  EXPECT_EQ(profile["listenerPath"], Path("socket"));
  const auto names = profile["syscalls"][0]["names"].get<std::set<std::string>>();
  for (const char* told : {"openat", "execve", "connect", "mmap"}) EXPECT_EQ(names.count(told), 1u) << told;
  for (const char* own : {"write", "futex"}) EXPECT_EQ(names.count(own), 0u) << own;
  for (const auto& row : profile["syscalls"]) EXPECT_EQ(row["action"], "SCMP_ACT_NOTIFY");
}

// Where the kernel refuses, why and what to do.
TEST_F(RecordCommandLine, WhoMayNotLoadProgramsIsToldSo) {
  const auto out = kernels::RunProcess({"setpriv", "--bounding-set=-all", "--inh-caps=-all", RAVELIN_BINARY, "record", "--driver", "bpf", "-o", Path("x"), "--", "true"}, {"PATH=/usr/bin:/bin"}, 60000);
  if (!out || geteuid() != 0) GTEST_SKIP() << "this machine has no /usr/bin/setpriv, or no root to drop";
  EXPECT_EQ(out->exit_code, 3);
  EXPECT_THAT(out->output, ::testing::AnyOf(HasSubstr("CAP_BPF and CAP_PERFMON"), HasSubstr("/sys/kernel/btf/vmlinux"), HasSubstr("built without the driver bpf")));
}

}  // namespace
}  // namespace ravelin
