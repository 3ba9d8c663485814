// The applications of policies/apps: what their texts must and must not say, that they compile, and that what they
// expect of themselves holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "backends/apparmor/parser.h"
#include "compiler/ir/path_set.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

const std::string kFolder = std::string(RAVELIN_SOURCE_DIR) + "/policies/apps";

std::vector<std::string> Names() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".rav") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::unique_ptr<driver::Frontend> Read(const std::string& path) {
  auto front = driver::ReadPolicy(path, {}, driver::FindTarget("debian12").value());
  EXPECT_TRUE(front.has_value());
  EXPECT_FALSE((*front)->sink.HasErrors()) << testing::Messages(**front);
  return std::move(*front);
}

TEST(Apps, AllOfThemAreThere) {
  EXPECT_THAT(Names(), ::testing::ElementsAre("bash_runner", "cron_job", "curl", "gcc", "git", "nginx", "postgresql", "python_web", "redis", "sqlite3"));
}

class App : public ::testing::TestWithParam<std::string> {
 protected:
  std::string Path() const { return kFolder + "/" + GetParam() + ".rav"; }
};

TEST_P(App, CompilesAndIsProved) {
  const testing::TemporaryFolder folder;
  const auto compiled = testing::RunRavelin({"compile", Path(), "--backend", "seccomp", "-o", folder.path() + "/out"});
  EXPECT_EQ(compiled.exit_code, 0) << compiled.err;
  EXPECT_THAT(compiled.out, ::testing::HasSubstr("proved for all inputs"));
  EXPECT_EQ(testing::RunRavelin({"fmt", "--check", Path()}).exit_code, 0) << "the layout is not canonical";
}

TEST_P(App, WhatItExpectsOfItselfHolds) {
  const auto front = Read(Path());
  size_t permits = 0;
  size_t refusals = 0;
  for (const ir::Expectation& line : front->tests) (line.permit ? permits : refusals)++;
  EXPECT_GE(permits, 6u);
  EXPECT_GE(refusals, 6u);
  const auto tested = testing::RunRavelin({"test", Path()});
  EXPECT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_EQ(tested.out, std::to_string(permits + refusals) + " passed, 0 failed\n");
}

TEST_P(App, SaysWhatItOpens) {
  const std::string text = source::ReadFile(Path()).value();
  std::smatch match;
  ASSERT_TRUE(std::regex_search(text, match, std::regex("\n// Host files: ([0-9]+) to read, ([0-9]+) to write, of ([0-9]+)\\.  \\(policies/apps/count_files\\.sh\\)\n")));
  EXPECT_GT(std::stoul(match[1]), 0u) << "a dynamic program opens libraries";
  EXPECT_LT(std::stoul(match[1]), std::stoul(match[3]) / 2);
  EXPECT_LT(std::stoul(match[2]), std::stoul(match[3]) / 10);
}

TEST_P(App, HasBothLayerSets) {
  const auto front = Read(Path());
  for (const ir::Domain& domain : front->policy.domains) {
    EXPECT_EQ(domain.layer_sets, (std::vector<std::vector<std::string>>{{"apparmor", "seccomp"}, {"seccomp", "selinux"}}));
    EXPECT_FALSE(domain.attach.empty());
    std::set<uint32_t> acceptances;  // one may be for several layer sets
    for (const ir::GapAcceptance& gap : domain.acceptances) acceptances.insert(gap.from.span.begin);
    EXPECT_LE(acceptances.size(), 8u);
  }
}

// For both layer sets, nothing is left open that the source does not accept by name, and every artifact is proved.
TEST_P(App, CompilesForBothLayerSetsWithWhatItAccepts) {
  if (!apparmor::ParserVersion()) GTEST_SKIP() << apparmor::ParserVersion().error().message;
  const testing::TemporaryFolder folder;
  const auto compiled = testing::RunRavelin({"compile", Path(), "--target", "debian12", "-o", folder.path() + "/out"});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  const auto manifest = nlohmann::json::parse(source::ReadFile(folder.path() + "/out/manifest.json").value());
  ASSERT_EQ(manifest["artifacts"].size(), 2u);
  for (const auto& artifact : manifest["artifacts"]) EXPECT_EQ(artifact["proofs"][0]["result"], "proved") << artifact["file"];
  for (const auto& artifact : manifest["domains"][0]["artifacts"]) EXPECT_EQ(artifact["proofs"][0]["result"], "proved") << artifact["file"];
}

TEST_P(App, NothingRawAndNothingUnconfined) {
  const auto front = Read(Path());
  for (const ir::Domain& domain : front->policy.domains) {
    EXPECT_TRUE(domain.raw.empty());
    for (const ir::Rule& rule : domain.rules) {
      const auto to = rule.texts.find("transition");
      EXPECT_TRUE(to == rule.texts.end() || to->second.front().rfind("unconfined", 0) != 0) << rule.from.place;
      const bool allows = rule.effect == ir::Effect::kAllow;
      EXPECT_FALSE(allows && rule.facet == ir::FacetOf("exec") && rule.texts.count("path") == 0) << rule.from.place << " starts anything";
      EXPECT_FALSE(allows && rule.facet == ir::FacetOf("memory")) << rule.from.place;
    }
    for (size_t i = 0; i < kernel::Facets().size(); ++i) EXPECT_TRUE(domain.defaults[i].stated && !Permits(domain.defaults[i].action)) << kernel::Facets()[i].name;
  }
}

// A rule writes recursively below a folder if it may write two unlikely names there, one below the other.
TEST_P(App, NoRecursiveWriteOnARoot) {
  const auto front = Read(Path());
  const auto& operations = kernel::Facets()[ir::FacetOf("file")].operations;
  ir::OperationSet changing = 0;
  for (const char* name : {"write", "append", "truncate", "create", "create_dir", "create_fifo", "create_socket", "create_char", "create_block", "create_symlink", "delete", "rename_from", "rename_to", "link", "setattr"}) {
    changing |= ir::OperationSet{1} << (std::find(operations.begin(), operations.end(), name) - operations.begin());
  }
  size_t seen = 0;
  for (const ir::Rule& rule : front->policy.domains.at(0).rules) {
    if (rule.facet != ir::FacetOf("file") || rule.effect != ir::Effect::kAllow || (rule.operations & changing) == 0) continue;
    ++seen;
    ASSERT_EQ(rule.texts.count("path"), 1u) << rule.from.place << " changes any file";
    for (const std::string& pattern : rule.texts.at("path")) {
      const auto set = ir::PathSet::Parse(pattern);
      ASSERT_TRUE(set.has_value());
      for (const char* root : {"", "/etc", "/usr", "/var", "/home", "/root", "/usr/lib", "/var/lib", "/proc", "/sys", "/dev", "/run", "/tmp"}) {
        EXPECT_FALSE(set->Contains(std::string(root) + "/zq/zq2")) << rule.from.place << ": " << pattern;
        EXPECT_FALSE(set->Contains(std::string(root) + "/zq")) << rule.from.place << ": " << pattern;
      }
    }
  }
  EXPECT_GT(seen, 0u);
}

INSTANTIATE_TEST_SUITE_P(Files, App, ::testing::ValuesIn(Names()), [](const auto& app) { return app.param; });

}  // namespace
}  // namespace ravelin
