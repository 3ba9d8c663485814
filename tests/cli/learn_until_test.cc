// `learn --until`: recording goes on until the bound is met, is taken up again, and says why it cannot be met.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::RunRavelin;

class LearnUntil : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  // On this machine, by the recorder that needs no guest.
  Output Learn(const std::string& bound, const std::string& line, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"learn", "--driver", "ptrace", "--directory", "/", "--until", bound, "--keep", Path("kept.rec"), "-o", Path("learned.rav")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--", "/bin/sh", "-c", line});
    return RunRavelin(arguments);
  }
};

TEST_F(LearnUntil, GoesOnUntilTheBoundIsMetAndFromWhereItWas) {
  for (const char* name : {"1", "2", "4", "8"}) folder_.Write(name, "x\n");
  // Each run reads another choice of the files; after four runs all of them were read.
  const std::string line = "for b in 1 2 4 8; do if [ $((RAVELIN_RUN & b)) != 0 ]; then read x < " + folder_.path() + "/$b; fi; done";
  const Output cut = Learn("0.5", line, {"--most", "6"});
  if (cut.err.find("forbids tracing") != std::string::npos) GTEST_SKIP() << "this machine forbids tracing (ptrace)";
  EXPECT_EQ(cut.exit_code, 3) << cut.out << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("a bound of 50% needs 6 runs in a row without anything new, 0 of them are there"));
  EXPECT_THAT(cut.out, HasSubstr("is not reached: 6 runs were made (--most)"));
  const Output met = Learn("0.5", line);
  EXPECT_NE(met.exit_code, 3) << met.out << met.err;
  EXPECT_THAT(met.out, HasSubstr("until         at most "));
  EXPECT_THAT(met.out, Not(HasSubstr("is not reached")));
  EXPECT_THAT(met.err, HasSubstr("after 7 runs")) << "the six that were kept count";
  EXPECT_TRUE(source::ReadFile(Path("learned.rav")));
}

TEST_F(LearnUntil, SaysThatTheWorkloadDoesNotVary) {
  const Output same = Learn("0.5", ":");
  if (same.err.find("forbids tracing") != std::string::npos) GTEST_SKIP() << "this machine forbids tracing (ptrace)";
  EXPECT_EQ(same.exit_code, 3) << same.out << same.err;
  EXPECT_THAT(same.out, HasSubstr("the last 12 runs show what earlier ones show"));
  EXPECT_TRUE(source::ReadFile(Path("learned.rav"))) << "the policy is written all the same";
}

TEST_F(LearnUntil, NeedsAWorkloadAndAPlace) {
  EXPECT_EQ(RunRavelin({"learn", "--until", "0.05", "--from", "/dev/null"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"learn", "--until", "0.05", "--", "true"}).exit_code, 2);
}

}  // namespace
}  // namespace ravelin
