// Every rule of an application is needed: without it, something that the application expects of itself fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "compiler/driver/judge_tests.h"
#include "compiler/syntax/parse.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

struct Statement {
  source::Span span;
  std::string text;
};

// Rules that grant or refuse, and modules that bring such.  Assertions and acceptances are about rules and grant nothing.
std::vector<Statement> StatementsOf(const ast::Block& block, const std::string& text) {
  std::vector<Statement> out;
  const auto add = [&](source::Span span) { out.push_back({span, text.substr(span.begin, span.end - span.begin)}); };
  for (const ast::Rule& rule : block.rules) {
    if (rule.verbs.front() != ast::Verb::kNever) add(rule.span);
  }
  for (const ast::Use& use : block.uses) add(use.span);
  return out;
}

std::string Without(std::string text, source::Span span) { return text.replace(span.begin, span.end - span.begin, span.end - span.begin, ' '); }

// How many of the tests fail; all of them where the text is no policy any more.
size_t Failures(const testing::TemporaryFolder& folder, const std::string& text) {
  const auto front = driver::ReadPolicy(folder.Write("policy.rav", text), {}, driver::FindTarget("debian12").value());
  EXPECT_TRUE(front.has_value());
  EXPECT_FALSE((*front)->sink.HasErrors()) << testing::Messages(**front);
  const auto verdicts = driver::JudgeTests(**front);
  return static_cast<size_t>(std::count_if(verdicts.begin(), verdicts.end(), [](const driver::Verdict& one) { return !one.passed; }));
}

TEST(Deletion, EveryRuleIsNeededByATest) {
  size_t rules = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(RAVELIN_SOURCE_DIR) + "/policies/apps")) {
    if (entry.path().extension() != ".rav") continue;
    const testing::TemporaryFolder folder;
    source::SourceManager sources;
    diag::Sink sink;
    const auto id = sources.Load(entry.path().string());
    ASSERT_TRUE(id.has_value());
    std::string text(sources.Text(*id));
    const ast::File file = syntax::Parse(sources, *id, sink);
    ASSERT_EQ(file.policies.size(), 1u) << entry.path();
    // An acceptance of a rule that has gone is a mistake of its own; that alone is not to be what is noticed.
    for (const ast::AcceptGap& gap : file.policies[0].body.gaps) text = Without(text, gap.span);
    ASSERT_EQ(Failures(folder, text), 0u) << entry.path();
    for (const Statement& one : StatementsOf(file.policies[0].body, text)) {
      ++rules;
      EXPECT_GT(Failures(folder, Without(text, one.span)), 0u) << entry.path().filename() << ": nothing fails without `" << one.text << "`";
    }
  }
  EXPECT_GT(rules, 150u);
}

}  // namespace
}  // namespace ravelin
