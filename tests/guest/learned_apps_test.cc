// The application scenarios learned from nothing, with one acceptance file for all, and enforced: by hand and by `./dev test --long`
// (RAVELIN_APPS=all), since each takes minutes.  Lines that begin with `|` are a table.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Case {
  const char* app;
  const char* layers;
};

std::vector<Case> Chosen() {
  std::vector<Case> out;
  if (std::getenv("RAVELIN_APPS") == nullptr) return out;
  for (const char* layers : {"seccomp + apparmor", "seccomp + selinux"}) {
    for (const char* app : {"bash_runner", "cron_job", "curl", "gcc", "git", "nginx", "postgresql", "python_web", "redis", "sqlite3"}) out.push_back({app, layers});
  }
  return out;
}

class LearnedApps : public testing::TestWithParam<Case> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LearnedApps);

TEST_P(LearnedApps, AreVerifiedAndWithstandAttacks) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  const auto [app, layers] = GetParam();
  const std::string source = RAVELIN_SOURCE_DIR;
  const std::string policy = fmt::format("{}/ravelin-learned-{}.rav", testing::TempDir(), app);
  std::vector<std::string> command = {"env", RAVELIN_BINARY, "learn", "--verify", "--format", "json", "--layers", layers, "--accept", source + "/policies/learned.accept", "--scenario", fmt::format("{}/policies/apps/{}.scenario", source, app), "--memory", "1024", "--limit", "300", "-o", policy};
  const std::string layer = fs::path(RAVELIN_BINARY).parent_path() / "deps" / "apps";
  if (fs::exists(layer + "/.complete")) command.insert(command.end(), {"--layer", layer});
  const auto run = RunProcess(command, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 1800000);
  ASSERT_TRUE(run) << run.error().message;
  const size_t begin = run->output.find("\n{\"policy\"");
  ASSERT_NE(begin, std::string::npos) << run->output;
  const Json json = Json::parse(run->output.substr(begin + 1));  // the last that it says
  size_t refused = 0;
  size_t attacks = 0;
  for (const Json& set : json["loop"]["attacks"]) {
    for (const Json& one : set["answers"]) {
      ++attacks;
      refused += one["verdict"] == "refused" ? 1 : 0;
      EXPECT_TRUE(one["verdict"] == "refused" || one["verdict"] == "granted") << one.dump(1);
    }
  }
  std::printf("| %s | %s | %s, rounds %d | %zu | %d/%d | %zu of %zu |\n", app, layers, json["loop"]["verdict"].get<std::string>().c_str(), json["loop"]["rounds"].get<int>(), json["files_readable"].get<size_t>(), json["calls_granted"].get<int>(), json["calls_seen"].get<int>(), refused, attacks);
  EXPECT_EQ(run->exit_code, 0) << run->output;
  EXPECT_EQ(json["loop"]["verdict"], "verified");
  EXPECT_LE(json["loop"]["rounds"].get<int>(), 3);
  EXPECT_TRUE(json["loop"]["refusals"].back().empty()) << json["loop"]["refusals"].dump(1);
  fs::remove(policy);
}

INSTANTIATE_TEST_SUITE_P(All, LearnedApps, testing::ValuesIn(Chosen()), [](const auto& one) {
  std::string name = fmt::format("{}_{}", one.param.app, one.param.layers);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
});

}  // namespace
}  // namespace ravelin::kernels
