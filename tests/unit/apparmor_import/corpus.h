// AppArmor's own acceptance files, kept beside the project.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "compiler/base/source.h"

namespace ravelin::import::apparmor {

// The files name one another relative to a folder that holds the corpus as `simple_tests`.
class Corpus : public ::testing::Test {
 protected:
  struct File {
    std::filesystem::path path;
    bool accepted;  // the stated verdict
  };

  void SetUp() override {
    namespace fs = std::filesystem;
    const fs::path corpus = fs::path(RAVELIN_SOURCE_DIR) / "../shared/data/apparmor/parser-accept";
    before_ = fs::current_path();
    if (!fs::exists(corpus)) GTEST_SKIP() << "the acceptance files are not at " << corpus;
    folder_ = fs::temp_directory_path() / fmt::format("ravelin-corpus-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "tst");
    fs::create_directory_symlink(fs::canonical(corpus), folder_ / "tst/simple_tests");
    fs::current_path(folder_ / "tst");
    const std::regex stated("#=EXRESULT *(PASS|FAIL)");
    const std::regex excluded("#= ?(TODO|DISABLED)");
    for (const auto& entry : fs::recursive_directory_iterator("simple_tests", fs::directory_options::follow_directory_symlink)) {
      if (entry.path().extension() != ".sd") continue;
      const std::string text = source::ReadFile(entry.path()).value_or("");
      std::smatch match;
      if (std::regex_search(text, match, stated) && !std::regex_search(text, excluded)) files_.push_back({entry.path(), match[1] == "PASS"});
    }
    std::sort(files_.begin(), files_.end(), [](const File& a, const File& b) { return a.path < b.path; });
    ASSERT_GT(files_.size(), 400u) << "the acceptance files are not where they should be";
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::vector<File> files_;
  std::filesystem::path before_;
  std::filesystem::path folder_;
};

}  // namespace ravelin::import::apparmor
