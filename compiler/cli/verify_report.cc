#include "compiler/cli/verify_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/common.h"
#include "compiler/kernel/apparmor_features.h"

namespace ravelin::cli {
namespace {

using verify::LayerVerdict;
using verify::Verdict;

std::string Layers(const std::vector<std::string>& layers) { return fmt::format("{}", fmt::join(layers, " + ")); }

std::string List(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + QuoteJson(text);
  return "[" + out + "]";
}

std::string Text(const driver::Refusal& one) {
  std::string out = fmt::format("denied  {}{}   {}", one.shown, one.error.empty() ? "" : " = " + one.error, one.process);
  if (one.count > 1) out += fmt::format("   x{}", one.count);
  out += fmt::format("\n  at     {:.3f} s\n", one.time);
  const std::string layers = fmt::format("(layer{} {})", one.layers.size() == 1 ? "" : "s", fmt::join(one.layers, ", "));
  if (one.permitted) return out + fmt::format("  but    the policy permits it: {}   {}\n", one.cause, layers);
  out += fmt::format("  by     {}   {}\n", one.cause, layers);
  if (!one.suggestion.empty()) out += fmt::format("  allow  {}\n", one.suggestion);
  if (one.suggestion.empty() && !one.why_not.empty()) out += fmt::format("  allow  not by adding a line: {}\n", one.why_not);
  if (!one.forbidden.empty()) out += fmt::format("  but    {} forbids it\n", one.forbidden);
  return out;
}

std::string Json(const driver::Refusal& one) {
  return fmt::format("{{\"event\": {}, \"layers\": {}, \"seconds\": {:.3f}, \"process\": {}, \"errno\": {}, \"count\": {}, \"by\": {}, \"permitted_by_policy\": {}, \"allow\": {}, \"why_not\": {}, \"forbidden_by\": {}}}", QuoteJson(one.shown), List(one.layers), one.time, QuoteJson(one.process), QuoteJson(one.error), one.count, QuoteJson(one.cause), one.permitted, QuoteJson(one.suggestion), QuoteJson(one.why_not), QuoteJson(one.forbidden));
}

}  // namespace

bool Verification::Any(Verdict verdict) const {
  return std::any_of(report.verdicts.begin(), report.verdicts.end(), [&](const LayerVerdict& one) { return one.verdict == verdict; });
}

std::string Verification::Overall() const {
  if (Any(Verdict::kFailed)) return "failed";
  return Any(Verdict::kInconclusive) || !not_judged.empty() || report.verdicts.empty() ? "inconclusive" : "passed";
}

std::string Verification::Judge() const {
  std::string out = "User-Mode Linux " + report.kernel;
  if (report.features.empty()) return out;
  for (const std::string& set : kernel::ApparmorFeatureSets()) {
    if (report.features == kernel::ApparmorFeaturesText(set)) return out + ", AppArmor's features of " + set;
  }
  return out + ", AppArmor with features of its own";
}

std::string VerifyReportText(const Verification& one) {
  std::string out = fmt::format("policy {}, judged by {}\n", one.policy, one.Judge());
  if (!one.report.isolated) out += "  the guests were not kept from this machine (--no-host-isolation)\n";
  for (const LayerVerdict& verdict : one.report.verdicts) {
    out += fmt::format("  {:<20} {}\n", Layers(verdict.layers), verify::VerdictText(verdict.verdict));
    for (const std::string& reason : verdict.reasons) out += "    " + reason + "\n";
    for (const std::string& note : verdict.notes) out += "    " + note + "\n";
  }
  for (const driver::Refusal& refusal : one.refusals) out += Text(refusal);
  if (!one.not_judged.empty()) {
    out += fmt::format("this says nothing of target {}, which has\n", one.target);
    for (const std::string& difference : one.not_judged) out += "  " + difference + "\n";
  }
  return out + fmt::format("{} in {:.1f} s\n", one.Overall(), one.report.seconds);
}

std::string VerifyReportJson(const Verification& one) {
  std::string verdicts;
  for (const LayerVerdict& verdict : one.report.verdicts) {
    verdicts += fmt::format("{}\n  {{\"layers\": {}, \"verdict\": \"{}\", \"reasons\": {}, \"notes\": {}, \"refusals\": {}, \"lost\": {}, \"records\": {}, \"seconds\": {:.3f}}}", verdicts.empty() ? "" : ",", List(verdict.layers), verify::VerdictText(verdict.verdict), List(verdict.reasons), List(verdict.notes), verdict.refusals.size(), verdict.outcome.lost, verdict.outcome.records, verdict.outcome.wall_seconds);
  }
  std::string denied;
  for (const driver::Refusal& refusal : one.refusals) denied += (denied.empty() ? "\n  " : ",\n  ") + Json(refusal);
  return fmt::format("{{\"file\": {}, \"policy\": {}, \"target\": {}, \"judge\": {}, \"driver\": \"uml\", \"isolated\": {}, \"verdict\": \"{}\", \"not_judged\": {}, \"layer_sets\": [{}], \"denied\": [{}], \"seconds\": {:.3f}}}\n", QuoteJson(one.file), QuoteJson(one.policy), QuoteJson(one.target), QuoteJson(one.Judge()), one.report.isolated, one.Overall(), List(one.not_judged), verdicts, denied, one.report.seconds);
}

std::string VerifyReportJunit(const Verification& one) {
  const auto count = [&](Verdict verdict) { return std::count_if(one.report.verdicts.begin(), one.report.verdicts.end(), [&](const LayerVerdict& v) { return v.verdict == verdict; }); };
  const bool qualified = !one.not_judged.empty();
  std::string out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite name={} tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", QuoteXml(one.file), one.report.verdicts.size(), count(Verdict::kFailed), count(Verdict::kInconclusive) + (qualified ? count(Verdict::kPassed) : 0));
  for (const LayerVerdict& verdict : one.report.verdicts) {
    const std::string why = fmt::format("{}", fmt::join(verdict.verdict == Verdict::kPassed ? one.not_judged : verdict.reasons, "; "));
    out += fmt::format("  <testcase classname={} name={} time=\"{:.3f}\"", QuoteXml(one.policy), QuoteXml(Layers(verdict.layers)), verdict.outcome.wall_seconds);
    if (verdict.verdict == Verdict::kFailed) out += fmt::format("><failure message={}/></testcase>\n", QuoteXml(why));
    else if (verdict.verdict == Verdict::kInconclusive || qualified) out += fmt::format("><skipped message={}/></testcase>\n", QuoteXml(why));
    else out += "/>\n";
  }
  return out + " </testsuite>\n</testsuites>\n";
}

}  // namespace ravelin::cli
