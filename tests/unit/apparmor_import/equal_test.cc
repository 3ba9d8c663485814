// Imported, compiled and read back, a profile permits what it permitted.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/import/apparmor/import.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/compiled.h"
#include "tests/unit/apparmor_import/corpus.h"
#include "tests/unit/apparmor_import/same_profile.h"

namespace ravelin::import::apparmor {
namespace {

namespace fs = std::filesystem;
using ravelin::apparmor::CompiledProfile;

struct Imported {
  std::string text;
  std::string refusal;  // the first error
  std::map<std::string, std::string> renamed;
};

Imported Import(const fs::path& path) {
  source::SourceManager sources;
  diag::Sink sink;
  Imported out;
  const auto file = sources.Load(path);
  if (!file) return out;
  out.text = ImportProfiles(sources, *file, {{{"simple_tests"}, path.parent_path()}, path.filename()}, sink);
  for (const diag::Diagnostic& d : sink.Sorted()) {
    if (d.severity == diag::Severity::kError && out.refusal.empty()) out.refusal = fmt::format("{} [{}]", d.message, diag::KindName(d.kind));
  }
  EXPECT_EQ(out.text.empty(), sink.HasErrors()) << path;
  const std::regex named("// Profile ([^\n]*)\\.\npolicy ([a-zA-Z0-9_]+)");
  for (auto it = std::sregex_iterator(out.text.begin(), out.text.end(), named); it != std::sregex_iterator(); ++it) out.renamed[(*it)[1]] = (*it)[2];
  return out;
}

// apparmor_parser's output for the file, by profile.
std::map<std::string, CompiledProfile> CompileFile(const std::string& path) {
  const std::string features = ravelin::kernel::ApparmorFeaturesText("6.1");
  EXPECT_TRUE(source::WriteFile("../features", features));
  const std::string options = "--config-file=/dev/null -QTK --kernel-features ../features --policy-features ../features --override-policy-abi ../features -I simple_tests -o ../binary ";
  std::map<std::string, CompiledProfile> out;
  if (std::system(fmt::format("PATH=$PATH:/usr/sbin:/sbin apparmor_parser {} '{}' </dev/null >/dev/null 2>&1", options, path).c_str()) != 0) return out;
  const auto binary = source::ReadFile("../binary");
  if (!binary) return out;
  const auto read = ravelin::apparmor::ReadCompiled({reinterpret_cast<const uint8_t*>(binary->data()), binary->size()});
  EXPECT_TRUE(read.has_value()) << path << ": " << read.error().message;
  if (read) {
    for (const CompiledProfile& profile : *read) out[profile.name] = profile;
  }
  return out;
}

// "" where the policy's profiles permit what the file's do.
std::string Compare(const Imported& imported, const std::string& path) {
  const auto front = testing::ReadText(imported.text);
  if (front->sink.HasErrors()) return "the policy is not accepted: " + testing::Messages(*front);
  const auto artifact = ravelin::apparmor::Compile(front->policy, {"6.1"}, {});
  if (!artifact) return "the policy does not compile: " + artifact.error().message;
  for (const auto& result : artifact->profiles) {
    if (!result.problems.empty()) return "the policy does not lower: " + result.problems[0].message;
    if (!result.proved) return "the profile is not proved: " + result.why_not;
  }
  // Under the names that the profiles had, since peers and transitions are names.
  std::string text = artifact->text;
  for (auto it = imported.renamed.rbegin(); it != imported.renamed.rend(); ++it) {  // a name before the one that it begins with
    const auto& [name, policy] = *it;
    const auto quoted = [](const std::string& word) { return "$1\"" + std::regex_replace(word, std::regex("\\$"), "$$$$") + "\""; };
    if (const size_t inner = name.find("//"); inner != std::string::npos && inner != 0) {
      // Written inside of its parent, without the parent's name.
      text = std::regex_replace(text, std::regex("(\\n  (?:profile|hat) )" + policy + "\\b"), quoted(name.substr(inner + 2)));
      text = std::regex_replace(text, std::regex("(-> |peer=)[A-Za-z0-9_]+//" + policy + "\\b"), quoted(name));
    }
    const std::string literal = std::regex_replace(name, std::regex("[\\[\\]{}*?]"), "\\$&");
    text = std::regex_replace(text, std::regex("((?:^|\n)profile |-> )" + policy + "\\b"), quoted(name));
    text = std::regex_replace(text, std::regex("(peer=)" + policy + "\\b"), quoted(literal));
  }
  EXPECT_TRUE(source::WriteFile("../again", text));
  const auto before = CompileFile(path);
  const auto after = CompileFile("../again");
  if (before.empty() || before.size() != after.size()) return fmt::format("{} and {} profiles", before.size(), after.size());
  for (const auto& [name, profile] : before) {
    const auto other = after.find(name);
    if (other == after.end()) return "profile " + name + " is gone";
    const std::string found = Difference(profile, other->second);
    if (!found.empty()) return found;
  }
  return "";
}

// All files are translated; one of so many is compiled again and compared (1 in the long run).
size_t Every() {
  const char* text = std::getenv("RAVELIN_CORPUS_EVERY");
  return text == nullptr ? 6 : std::max<size_t>(1, std::strtoul(text, nullptr, 10));
}

TEST_F(Corpus, ComesBackEqualOrIsRefusedByName) {
  if (!ravelin::apparmor::ParserVersion()) GTEST_SKIP() << ravelin::apparmor::ParserVersion().error().message;
  size_t accepted = 0;
  size_t translated = 0;
  size_t compared = 0;
  size_t equal = 0;
  size_t other_records = 0;  // what is permitted is the same, what is recorded is not: rules on signals and ptrace
  size_t too_large = 0;      // the back end gives up
  std::map<std::string, size_t> refusals;
  std::string differences;
  for (const File& file : files_) {
    if (!file.accepted) continue;
    ++accepted;
    const Imported imported = Import(file.path);
    if (imported.text.empty()) {
      EXPECT_FALSE(imported.refusal.empty()) << file.path;
      ++refusals[std::regex_replace(imported.refusal, std::regex("`[^`]*[/.0-9][^`]*`"), "...")];
      continue;
    }
    if (translated++ % Every() != 0) continue;
    ++compared;
    const std::string found = Compare(imported, file.path.string());
    equal += found.empty() ? 1 : 0;
    other_records += found.find("other records") != std::string::npos || found.find("other silence") != std::string::npos ? 1 : 0;
    too_large += found.find("too large an automaton") != std::string::npos ? 1 : 0;
    if (!found.empty()) differences += fmt::format("{}: {}\n", file.path.string(), found);
  }
  std::printf("%zu accepted files: %zu translated, %zu of them compared, %zu equal, %zu but for records, %zu too large to compile\n%s", accepted, translated, compared, equal, other_records, too_large, differences.c_str());
  for (const auto& [what, count] : refusals) std::printf("%4zu refused: %s\n", count, what.c_str());
  // Parts of a hundred of the accepted files.
  std::printf("%zu%% translated, %zu%% of those compared equal\n", 100 * translated / accepted, 100 * equal / compared);
  EXPECT_GE(100 * translated, 85 * accepted);
  EXPECT_GE(100 * equal, 98 * compared);
  EXPECT_LE(too_large, 1u);
  EXPECT_EQ(equal + other_records + too_large, compared) << differences;
}

}  // namespace
}  // namespace ravelin::import::apparmor
