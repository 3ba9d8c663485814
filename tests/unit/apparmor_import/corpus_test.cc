// The importer agrees with apparmor_parser's verdicts.
#include "compiler/import/apparmor/check.h"
#include "compiler/import/apparmor/parser.h"
#include "tests/unit/apparmor_import/corpus.h"

namespace ravelin::import::apparmor {
namespace {

struct Verdict {
  bool accepted = false;
  std::string said;
};

Verdict VerdictOn(const std::filesystem::path& path) {
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
  size_t agreed = 0;
  std::string differences;
  for (const File& file : files_) {
    const Verdict verdict = VerdictOn(file.path);
    agreed += verdict.accepted == file.accepted ? 1 : 0;
    if (verdict.accepted != file.accepted) differences += fmt::format("{}: stated {}\n{}", file.path.string(), file.accepted ? "PASS" : "FAIL", verdict.said);
  }
  std::printf("%zu of %zu files: the stated verdict\n%s", agreed, files_.size(), differences.c_str());
  EXPECT_GE(static_cast<double>(agreed), 0.95 * static_cast<double>(files_.size())) << differences;
}

}  // namespace
}  // namespace ravelin::import::apparmor
