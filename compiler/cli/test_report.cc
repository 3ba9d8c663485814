#include "compiler/cli/test_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/common.h"

namespace ravelin::cli {
namespace {

// The text of an expectation on one line.
std::string LineOf(const TestedFile& file, const ir::Expectation& line) {
  const source::Span span = line.from.span;
  std::string out;
  for (const char c : file.front->sources.Text(span.file).substr(span.begin, span.end - span.begin)) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

}  // namespace

size_t TestedFile::Failed() const {
  return static_cast<size_t>(std::count_if(verdicts.begin(), verdicts.end(), [](const driver::Verdict& v) { return !v.passed; }));
}

std::string TestReportJson(const std::vector<TestedFile>& files) {
  std::string out = "{\"files\": [";
  for (size_t i = 0; i < files.size(); ++i) {
    const TestedFile& file = files[i];
    out += fmt::format("{}\n{{\"file\": {}", i == 0 ? "" : ",", json::Quote(file.file));
    if (!file.failure.empty()) {
      out += fmt::format(", \"failure\": {}}}", json::Quote(file.failure));
      continue;
    }
    out += fmt::format(", \"passed\": {}, \"failed\": {}, \"expectations\": [", file.verdicts.size() - file.Failed(), file.Failed());
    for (size_t k = 0; k < file.verdicts.size(); ++k) {
      const ir::Expectation& line = file.front->tests[k];
      out += fmt::format("{}\n {{\"policy\": {}, \"place\": {}, \"line\": {}, \"passed\": {}", k == 0 ? "" : ",", json::Quote(file.front->policy.domains[line.domain].name), json::Quote(line.from.place), json::Quote(LineOf(file, line)), file.verdicts[k].passed);
      out += file.verdicts[k].passed ? "}" : fmt::format(", \"instead\": {}}}", json::Quote(file.verdicts[k].instead));
    }
    out += fmt::format("], \"diagnostics\": {}}}", file.judged ? "[]" : diag::RenderJson(file.front->sink, file.front->sources));
  }
  return out + "\n]}\n";
}

std::string TestReportJunit(const std::vector<TestedFile>& files) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const TestedFile& file : files) {
    const bool broken = !file.judged;
    out += fmt::format(" <testsuite name={} tests=\"{}\" failures=\"{}\" errors=\"{}\">\n", QuoteXml(file.file), file.verdicts.size() + (broken ? 1 : 0), file.Failed(), broken ? 1 : 0);
    if (broken) {
      const std::string why = !file.failure.empty() ? file.failure : fmt::format("the policy has {} error{}", file.front->sink.ErrorCount(), file.front->sink.ErrorCount() == 1 ? "" : "s");
      out += fmt::format("  <testcase classname={} name=\"policy\"><error message={}/></testcase>\n", QuoteXml(file.file), QuoteXml(why));
    }
    for (size_t k = 0; k < file.verdicts.size(); ++k) {
      const ir::Expectation& line = file.front->tests[k];
      out += fmt::format("  <testcase classname={} name={}", QuoteXml(file.front->policy.domains[line.domain].name), QuoteXml(LineOf(file, line)));
      out += file.verdicts[k].passed ? "/>\n" : fmt::format("><failure message={}>{}</failure></testcase>\n", QuoteXml(file.verdicts[k].instead), line.from.place);
    }
    out += " </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace ravelin::cli
