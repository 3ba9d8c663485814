// Learned from half of the cases of a program, asked about the other half.  Everyday a small part; RAVELIN_LEARNING=all: all eight programs, 24 cases
// each, 20 splits (=nobounds: without the bounds, which take most of the time; =fresh: four
// programs that nothing was tried out with).  Recordings are kept below build/learning and made anew where the cases change.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "profiler/observe/store.h"
#include "profiler/record/record.h"
#include "tests/learning/cases.h"
#include "tests/learning/evaluate.h"
#include "tests/learning/play.h"
#include "tests/support/guests.h"

namespace ravelin::learning {
namespace {

namespace fs = std::filesystem;

bool All() { return std::getenv("RAVELIN_LEARNING") != nullptr; }
bool WithBounds() { return All() && std::getenv("RAVELIN_LEARNING") != std::string_view("nobounds"); }

std::vector<std::string> Layers() {
  const fs::path layer = fs::path(RAVELIN_BINARY).parent_path() / "deps" / "apps";
  return fs::exists(layer / ".complete") ? std::vector<std::string>{layer} : std::vector<std::string>();
}

bool IsThere(const std::string& workload) {
  const std::string program = workload == "redis" ? "redis-server" : workload;
  for (const char* folder : {"/usr/bin/", "/usr/sbin/"}) {
    if (fs::exists(folder + program)) return true;
    for (const std::string& layer : Layers()) {
      if (fs::exists(layer + folder + program)) return true;
    }
  }
  return false;
}

// One run for each case.  What was recorded before is taken up, and kept after each run.
Result<observe::Recording> Recorded(const std::string& workload, unsigned cases) {
  std::string text;
  for (unsigned i = 0; i < cases; ++i) text += CaseOf(workload, i);
  const fs::path folder = fs::path(RAVELIN_BINARY).parent_path() / "learning";
  fs::create_directories(folder);
  const std::string file = folder / (workload + "-" + observe::RunIdentity("cases", text).substr(0, 12) + ".rec");
  observe::Recording all;
  if (fs::exists(file)) {
    RAVELIN_TRY(before, observe::LoadRecording(file));
    all = std::move(before);
  }
  std::set<std::string> have;
  for (const auto& [id, run] : all.runs) have.insert(run.variation.at("case"));
  for (unsigned i = 0; i < cases; ++i) {
    if (have.count(std::to_string(i)) != 0) continue;
    RAVELIN_TRY(scenario, verify::ParseScenario(CaseOf(workload, i), fmt::format("case {} of {}", i, workload)));
    observe::Recording one;
    if (PlaysHere(scenario, WorkFolder(workload, i))) {
      RAVELIN_TRY(run, PlayHere(scenario, WorkFolder(workload, i), i));
      one.runs.emplace(observe::FreshRunIdentity(), std::move(run));
    } else {
      record::Request request;
      request.scenario = std::move(scenario);
      request.layers = Layers();
      request.runs = 1;
      request.first_variation = i;
      request.limit_ms = 300000;
      request.memory_mb = 1024;
      RAVELIN_TRY(recorded, record::Record(request, [](const std::string&) {}));
      one = std::move(recorded);
    }
    for (auto& [id, run] : one.runs) {
      run.variation["case"] = std::to_string(i);
      for (const std::string& why : run.completeness.WhyNotWhole()) std::printf("case %u of %s is INCOMPLETE: %s\n", i, workload.c_str(), why.c_str());
    }
    all = observe::Merge(std::move(all), one);
    if (auto saved = observe::SaveRecording(all, file); !saved) return tl::make_unexpected(std::move(saved.error()));
  }
  return all;
}

const System& TheSystem() {
  static const System system("/", Layers());
  return system;
}

class HeldOut : public testing::TestWithParam<std::string> {};

TEST_P(HeldOut, RunsAreCovered) {
  const std::string workload = GetParam();
  const auto first = verify::ParseScenario(CaseOf(workload, 0), workload);
  ASSERT_TRUE(first) << first.error().message;
  if (const std::string why = kernels::WhyNoGuest(); !why.empty() && !PlaysHere(*first, WorkFolder(workload, 0))) GTEST_SKIP() << "no guest kernel: " << why;
  if (!IsThere(workload)) GTEST_SKIP() << "this machine has no " << workload << " (tests/fetch_apps.sh unpacks the applications)";
  const unsigned cases = All() ? 24 : 8;
  const size_t splits = All() ? 20 : 4;
  const auto recording = Recorded(workload, cases);
  ASSERT_TRUE(recording) << recording.error().message;
  ASSERT_EQ(recording->runs.size(), cases);
  for (const auto& [id, run] : recording->runs) EXPECT_TRUE(run.completeness.Whole()) << "case " << run.variation.at("case") << ": " << run.completeness.WhyNotWhole().front();
  const Figures fixed = Evaluate(InOneFolder(*recording, workload), TheSystem(), splits, false);
  const Figures changing = Evaluate(*recording, TheSystem(), splits, WithBounds());
  std::printf("| %s | %.2f (%.2f) | %.2f (%.2f) | %zu (%zu) | %.2f | %.2f | %.2f | %.2f (%.2f) | %zu of %zu |\n", workload.c_str(), fixed.files_denied, fixed.files_denied_most, changing.files_denied, changing.files_denied_most, fixed.readable[splits / 2], fixed.readable.back(), fixed.calls_denied, fixed.arguments_denied, fixed.other_denied, fixed.granted_over_seen, fixed.granted_over_seen_most, changing.bounds_held, changing.bounds);
  std::vector<std::pair<size_t, std::string>> missed;
  for (const auto& [what, count] : fixed.missed) missed.emplace_back(count, what);
  std::sort(missed.rbegin(), missed.rend());
  for (size_t i = 0; i < missed.size() && i < 40; ++i) std::printf("    %zu %s\n", missed[i].first, missed[i].second.c_str());
  // What must hold of every program, however few its cases.
  EXPECT_LE(fixed.granted_over_seen_most, 1.25);
  EXPECT_EQ(fixed.sensitive_unused + changing.sensitive_unused, 0u);
}

std::vector<std::string> Chosen() {
  if (!All()) return {"bash", "sqlite3"};
  return std::getenv("RAVELIN_LEARNING") == std::string_view("fresh") ? FreshWorkloads() : Workloads();
}

INSTANTIATE_TEST_SUITE_P(Programs, HeldOut, testing::ValuesIn(Chosen()), [](const auto& one) { return one.param; });

}  // namespace
}  // namespace ravelin::learning
