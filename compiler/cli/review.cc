#include "compiler/cli/review.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::cli {
namespace {

using generalize::Decision;

class Asking {
 public:
  Asking(std::istream& answers, std::ostream& questions) : answers_(answers), questions_(questions) {}

  // nullopt: the answers have ended.
  std::optional<Decision> Ask(const std::string& what, bool can_narrow) {
    if (accept_rest_) return Decision::kAccept;
    for (;;) {
      questions_ << what << "  [a]ccept" << (can_narrow ? ", [n]arrow to what was used" : "") << ", [d]eny, accept all the [r]est? " << std::flush;
      std::string line;
      if (!std::getline(answers_, line)) {
        questions_ << "\n";
        return std::nullopt;
      }
      if (line == "a" || line == "accept") return Decision::kAccept;
      if (can_narrow && (line == "n" || line == "narrow")) return Decision::kNarrow;
      if (line == "d" || line == "deny") return Decision::kDeny;
      if (line == "r" || line == "rest") {
        accept_rest_ = true;
        return Decision::kAccept;
      }
      questions_ << "  one of the letters\n";
    }
  }

 private:
  std::istream& answers_;
  std::ostream& questions_;
  bool accept_rest_ = false;
};

}  // namespace

Result<generalize::Decisions> Review(const generalize::Learned& learned, std::istream& answers, std::ostream& questions) {
  generalize::Decisions out;
  Asking asking(answers, questions);
  const auto ended = [] { return Fail(ErrorCode::kMalformed, "the review ended before its last question: nothing was written"); };
  const generalize::Sensitive sensitive;
  size_t plain = 0;
  for (const generalize::PathRule& rule : learned.paths) {
    const bool literal = rule.step == "literal";
    const std::string why = literal ? sensitive.Reaches(rule.pattern) : "";
    if (rule.harmless || (literal && why.empty())) {
      ++plain;
      continue;
    }
    std::string what = fmt::format("\nfile {{ {} }} on {}\n  {}; {}\n", generalize::JoinNames(rule.operations), generalize::OneLine(rule.pattern), generalize::OneLine(generalize::EvidenceText(rule.evidence, learned.runs)), rule.step);
    what += why.empty() ? fmt::format("  {} used, {} more on this machine would be open\n", rule.used, rule.beyond) : "  sensitive: " + why + "\n";
    const auto decision = asking.Ask(what, !literal);
    if (!decision) return ended();
    if (*decision != Decision::kAccept) out[rule.pattern] = *decision;
  }
  for (const generalize::Rule& rule : learned.rules) {
    const bool asked = rule.section != "files" && rule.section != "system calls" && rule.statement.find("allow ") != std::string::npos;
    if (!asked) continue;
    std::string what = "\n" + generalize::OneLine(rule.statement) + "\n";
    for (const std::string& comment : rule.comments) what += "  " + generalize::OneLine(comment) + "\n";
    const auto decision = asking.Ask(what, false);
    if (!decision) return ended();
    if (*decision != Decision::kAccept) out[rule.statement] = *decision;
  }
  questions << fmt::format("\n{} paths that stand for themselves, and system calls, were not asked about\n", plain);
  return out;
}

}  // namespace ravelin::cli
