#include "compiler/driver/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "compiler/ast/ast_text.h"
#include "compiler/base/check.h"
#include "compiler/base/source.h"
#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_rows.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {

std::string LaidOut(const std::string& text) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("learned", text);
  const ast::File tree = syntax::Parse(sources, file, sink);
  RAVELIN_CHECK(!sink.HasErrors(), "what was learned is no policy");
  return ast::Format(tree, text);
}

namespace {

struct Judged {
  std::vector<GapRow> gaps;
  std::vector<GapRow> narrower;
  std::vector<std::string> not_judged;
};

Result<Judged> GapsOf(const LearnRequest& request) {
  RAVELIN_TRY(front, ReadPolicy(request.output, request.load, request.target));
  if (front->sink.HasErrors()) return Fail(ErrorCode::kMalformed, RenderText(front->sink, front->sources, {}));
  Judged out;
  for (GapRows& domain : GapRowsOf(*front)) {
    for (std::string& why : domain.not_judged) out.not_judged.push_back(std::move(why));
    for (GapRow& row : domain.rows) {
      if (!row.wider) out.narrower.push_back(row);
      if (!row.accepted()) out.gaps.push_back(std::move(row));
    }
  }
  return out;
}

bool SameSet(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

bool Names(const GivenAcceptance& given, const GapRow& row) {
  if (given.wider != row.wider || row.name.empty()) return false;
  if (std::none_of(given.layer_sets.begin(), given.layer_sets.end(), [&](const auto& set) { return SameSet(set, row.layers); })) return false;
  if (given.label.back() == '*') return row.name.rfind(given.label.substr(0, given.label.size() - 1), 0) == 0;
  return given.label == row.name;
}

// Only what the operator's line covers, and only where the gap is.
std::vector<std::string> Statements(const std::vector<GivenAcceptance>& given, const std::vector<GapRow>& gaps) {
  std::vector<std::string> out;
  for (GapRow row : gaps) {
    for (const GivenAcceptance& one : given) {
      if (!Names(one, row)) continue;
      ir::Operations covered;
      for (const auto& [facet, set] : row.operations) {
        const auto& info = kernel::Facets()[facet];
        const auto allowed = one.operations.find(info.name);
        if (!one.operations.empty() && allowed == one.operations.end()) continue;
        for (size_t i = 0; i < info.operations.size(); ++i) {
          const ir::OperationSet bit = ir::OperationSet{1} << i;
          if ((set & bit) != 0 && (one.operations.empty() || allowed->second.empty() || allowed->second.count(info.operations[i]) != 0)) covered[facet] |= bit;
        }
      }
      if (covered.empty()) continue;
      row.operations = covered;
      std::string line = AcceptLine(row);
      const size_t dots = line.rfind("\"...\"");
      if (dots != std::string::npos) line.replace(dots, 5, generalize::QuoteText(one.because));
      out.push_back(std::move(line));
      break;
    }
  }
  return out;
}

}  // namespace

std::string ProgramOf(const observe::Recording& recording) {
  std::set<std::string> programs;
  for (const auto& [id, run] : recording.runs) {
    for (const auto& [fact, seen] : run.facts) {
      const std::string chain = observe::Decode(fact.process)["chain"];
      if ((run.driver == "uml" || run.driver == "selinux") && fact.facet != "syscall") continue;  // the mechanism's chains begin one later
      if (!chain.empty()) programs.insert(chain.substr(0, chain.find(" > ")));
    }
  }
  return programs.size() == 1 ? *programs.begin() : "";
}

std::string PolicyNameOf(const std::string& program, const std::string& file) {
  std::string name = std::filesystem::path(program.empty() ? file : program).stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "p" + name : name;
}

Result<LearnedPolicy> WritePolicy(const LearnRequest& request) {
  LearnedPolicy out;
  generalize::Options options = request.options;
  options.statements.clear();
  // First without acceptances: which gaps there are decides which of those that were given apply.
  for (int pass = 0; pass < 2; ++pass) {
    RAVELIN_TRY(learned, generalize::Generalize(request.recording, options));
    out.learned = std::move(learned);
    out.text = LaidOut(out.learned.text);
    if (auto written = source::WriteFile(request.output, out.text); !written) return tl::make_unexpected(std::move(written.error()));
    RAVELIN_TRY(judged, GapsOf(request));
    out.gaps = std::move(judged.gaps);
    out.narrower = std::move(judged.narrower);
    out.not_judged = std::move(judged.not_judged);
    options.statements = Statements(request.acceptances, out.gaps);
    if (options.statements.empty()) break;
  }
  return out;
}

}  // namespace ravelin::driver
