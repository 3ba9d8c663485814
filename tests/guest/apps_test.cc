// The application policies under real enforcement, each with its scenario.  Everyday some of them; RAVELIN_APPS=all: every one.
#include <cstdlib>
#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

class Apps : public testing::TestWithParam<const char*> {};

std::vector<const char*> Chosen() {
  if (std::getenv("RAVELIN_APPS") == nullptr) return {"bash_runner", "sqlite3"};
  return {"bash_runner", "cron_job", "curl", "gcc", "git", "nginx", "postgresql", "python_web", "redis", "sqlite3"};
}

TEST_P(Apps, WorksUnderItsPolicy) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  const std::string app = GetParam();
  const std::string policy = std::string(RAVELIN_SOURCE_DIR) + "/policies/apps/" + app;
  std::vector<std::string> command = {"env", RAVELIN_BINARY, "verify", policy + ".rav", "--scenario", policy + ".scenario", "--memory", "1024", "--limit", "120"};
  const std::string layer = fs::path(RAVELIN_BINARY).parent_path() / "deps" / "apps";
  if (fs::exists(layer + "/.complete")) command.insert(command.end(), {"--layer", layer});
  const auto run = RunProcess(command, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 600000);
  ASSERT_TRUE(run) << run.error().message;
  if (run->output.find("there is no program") != std::string::npos) GTEST_SKIP() << "this machine has no /usr/bin/" << app << " (tests/fetch_apps.sh unpacks the applications)";
  EXPECT_EQ(run->exit_code, 0) << run->output;
}

INSTANTIATE_TEST_SUITE_P(All, Apps, testing::ValuesIn(Chosen()), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace ravelin::kernels
