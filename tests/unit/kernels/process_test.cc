// Child processes and their limit of time.
#include "profiler/kernels/process.h"

#include <gtest/gtest.h>

namespace ravelin::kernels {
namespace {

const std::vector<std::string> kEnvironment = {"PATH=/usr/bin:/bin"};

TEST(Process, EndsAtItsLimitWhereverItsOutputGoes) {
  for (const char* line : {"echo said; sleep 60", "exec > /dev/null 2>&1; sleep 60"}) {
    const auto run = RunProcess({"sh", "-c", line}, kEnvironment, 300);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_TRUE(run->timed_out) << line;
    EXPECT_EQ(run->signal, 9) << line;
  }
  const auto good = RunProcess({"sh", "-c", "exec > /dev/null 2>&1; exit 7"}, kEnvironment, 20000);
  ASSERT_TRUE(good);
  EXPECT_FALSE(good->timed_out);
  EXPECT_EQ(good->exit_code, 7);
}

}  // namespace
}  // namespace ravelin::kernels
