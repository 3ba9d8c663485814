// AppArmor's own acceptance files, kept beside the project: the importer agrees with apparmor_parser's verdicts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "compiler/import/apparmor/check.h"
#include "compiler/import/apparmor/parser.h"

namespace ravelin::import::apparmor {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = fs::path(RAVELIN_SOURCE_DIR) / "../shared/data/apparmor/parser-accept";

// The files name one another relative to a folder that holds the corpus as `simple_tests`.
class Corpus : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    if (!fs::exists(kCorpus)) GTEST_SKIP() << "the acceptance files are not at " << kCorpus;
    folder_ = fs::temp_directory_path() / fmt::format("ravelin-corpus-{}", ::getpid());
    fs::create_directories(folder_ / "tst");
    fs::create_directory_symlink(fs::canonical(kCorpus), folder_ / "tst/simple_tests");
    fs::current_path(folder_ / "tst");
  }
  void TearDown() override {
    fs::current_path(before_);
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  fs::path before_;
  fs::path folder_;
};

struct Verdict {
  bool accepted = false;
  std::string said;
};

Verdict VerdictOn(const fs::path& path) {
  source::SourceManager sources;
  diag::Sink sink;
  const auto file = sources.Load(path);
  if (!file) return {false, file.error().message};
  const auto policy = Parse(sources, *file, {{"simple_tests"}, path.parent_path()}, sink);
  const bool good = policy != nullptr && Check(*policy, sink);
  EXPECT_EQ(good, !sink.HasErrors()) << path;
  Verdict out{good, ""};
  if (sink.HasErrors()) out.said = diag::RenderText(sink, sources, {});
  for (const diag::Diagnostic& d : sink.All()) EXPECT_TRUE(d.span.IsValid()) << path << ": " << d.message;
  return out;
}

TEST_F(Corpus, AgreesWithTheStatedVerdicts) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator("simple_tests", fs::directory_options::follow_directory_symlink)) {
    if (entry.path().extension() == ".sd") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const std::regex stated("#=EXRESULT *(PASS|FAIL)");
  const std::regex excluded("#= ?(TODO|DISABLED)");
  size_t agreed = 0;
  size_t all = 0;
  std::string differences;
  for (const fs::path& path : files) {
    const std::string text = source::ReadFile(path).value_or("");
    std::smatch match;
    if (!std::regex_search(text, match, stated) || std::regex_search(text, excluded)) continue;
    const bool expected = match[1] == "PASS";
    const Verdict verdict = VerdictOn(path);
    ++all;
    agreed += verdict.accepted == expected ? 1 : 0;
    if (verdict.accepted != expected) differences += fmt::format("{}: stated {}\n{}", path.string(), match[1].str(), verdict.said);
  }
  ASSERT_GT(all, 400u) << "the acceptance files are not where they should be";
  RecordProperty("agreed", fmt::format("{} of {}", agreed, all));
  std::printf("%zu of %zu files: the stated verdict\n%s", agreed, all, differences.c_str());
  EXPECT_GE(static_cast<double>(agreed), 0.95 * static_cast<double>(all)) << differences;
}

}  // namespace
}  // namespace ravelin::import::apparmor
