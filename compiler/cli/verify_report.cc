#include "compiler/cli/verify_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/cli/common.h"
#include "compiler/kernel/apparmor_features.h"
#include "profiler/kernels/detect.h"

namespace ravelin::cli {
namespace {

using verify::LayerVerdict;
using verify::Verdict;

std::string Layers(const std::vector<std::string>& layers) { return fmt::format("{}", fmt::join(layers, " + ")); }

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
  return fmt::format("{{\"event\": {}, \"layers\": {}, \"seconds\": {:.3f}, \"process\": {}, \"errno\": {}, \"count\": {}, \"by\": {}, \"permitted_by_policy\": {}, \"allow\": {}, \"why_not\": {}, \"forbidden_by\": {}}}", json::Quote(one.shown), json::List(one.layers), one.time, json::Quote(one.process), json::Quote(one.error), one.count, json::Quote(one.cause), one.permitted, json::Quote(one.suggestion), json::Quote(one.why_not), json::Quote(one.forbidden));
}

}  // namespace

std::string AttackedText(const driver::AttackedSet& set) {
  const auto count = [&](driver::AttackVerdict verdict) { return std::count_if(set.answers.begin(), set.answers.end(), [&](const driver::AttackAnswer& one) { return one.verdict == verdict; }); };
  std::string out = fmt::format("  {:<20} {} of {} attacks refused\n", Layers(set.layers), count(driver::AttackVerdict::kRefused), set.answers.size());
  for (const driver::AttackAnswer& one : set.answers) {
    if (one.verdict != driver::AttackVerdict::kRefused) out += fmt::format("    {:<16} {}: {}\n", one.attack, driver::AttackVerdictText(one.verdict), one.cause);
  }
  return out;
}

std::string AttackedJson(const driver::AttackedSet& set) {
  std::string answers;
  for (const driver::AttackAnswer& one : set.answers) {
    answers += fmt::format("{}\n   {{\"attack\": {}, \"verdict\": \"{}\", \"layer\": {}, \"errno\": {}, \"event\": {}, \"by\": {}}}", answers.empty() ? "" : ",", json::Quote(one.attack), driver::AttackVerdictText(one.verdict), json::Quote(one.layer), json::Quote(one.error), json::Quote(one.shown), json::Quote(one.cause));
  }
  return fmt::format("{{\"layers\": {}, \"answers\": [{}]}}", json::List(set.layers), answers);
}

bool Verification::Any(Verdict verdict) const {
  return std::any_of(report.verdicts.begin(), report.verdicts.end(), [&](const LayerVerdict& one) { return one.verdict == verdict; });
}

bool Verification::Any(driver::AttackVerdict verdict) const { return Count(verdict) > 0; }

size_t Verification::Count(driver::AttackVerdict verdict) const {
  size_t out = 0;
  for (const driver::AttackedSet& set : attacked) out += static_cast<size_t>(std::count_if(set.answers.begin(), set.answers.end(), [&](const driver::AttackAnswer& one) { return one.verdict == verdict; }));
  return out;
}

std::string Verification::Overall() const {
  if (!attacked.empty()) {
    if (Any(driver::AttackVerdict::kUnaccounted)) return "failed";
    return Any(driver::AttackVerdict::kInconclusive) || !not_judged.empty() ? "inconclusive" : "passed";
  }
  if (Any(Verdict::kFailed)) return "failed";
  return Any(Verdict::kInconclusive) || !not_judged.empty() || report.verdicts.empty() ? "inconclusive" : "passed";
}

std::string JudgeName(kernels::DriverKind driver, const std::string& kernel) {
  switch (driver) {
    case kernels::DriverKind::kUml: return "User-Mode Linux " + kernel;
    case kernels::DriverKind::kHost: return "this machine's Linux " + kernel;
    case kernels::DriverKind::kGvisor: return "gVisor " + kernel;
    case kernels::DriverKind::kVm: return "a virtual machine's Linux " + kernel;
  }
  return kernel;
}

std::string Verification::Judge() const {
  std::string out = JudgeName(report.driver, report.kernel);
  if (report.features.empty()) return out;
  for (const std::string& set : kernel::ApparmorFeatureSets()) {
    if (report.features == kernel::ApparmorFeaturesText(set)) return out + ", AppArmor's features of " + set;
  }
  return out + ", AppArmor with features of its own";
}

namespace {

std::string TextOf(const Verification& one) {
  std::string out = fmt::format("policy {}{}, judged by {}\n", one.policy, one.attacked.empty() ? "" : " under attack", one.Judge());
  if (!one.report.isolated) out += "  the guests were not kept from this machine (--no-host-isolation)\n";
  for (const driver::AttackedSet& set : one.attacked) out += AttackedText(set);
  for (const LayerVerdict& verdict : one.report.verdicts) {
    if (!one.attacked.empty()) break;
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

std::string JsonOf(const Verification& one) {
  std::string verdicts;
  for (const LayerVerdict& verdict : one.report.verdicts) {
    verdicts += fmt::format("{}\n  {{\"layers\": {}, \"verdict\": \"{}\", \"reasons\": {}, \"notes\": {}, \"refusals\": {}, \"lost\": {}, \"records\": {}, \"seconds\": {:.3f}}}", verdicts.empty() ? "" : ",", json::List(verdict.layers), verify::VerdictText(verdict.verdict), json::List(verdict.reasons), json::List(verdict.notes), verdict.refusals.size(), verdict.outcome.lost, verdict.outcome.records, verdict.outcome.wall_seconds);
  }
  std::string denied;
  for (const driver::Refusal& refusal : one.refusals) denied += (denied.empty() ? "\n  " : ",\n  ") + Json(refusal);
  std::string attacks;
  for (const driver::AttackedSet& set : one.attacked) attacks += (attacks.empty() ? "\n  " : ",\n  ") + AttackedJson(set);
  return fmt::format("{{\"file\": {}, \"policy\": {}, \"target\": {}, \"judge\": {}, \"driver\": {}, \"isolated\": {}, \"verdict\": \"{}\", \"not_judged\": {}, \"layer_sets\": [{}], \"denied\": [{}], \"attacks\": [{}], \"seconds\": {:.3f}}}", json::Quote(one.file), json::Quote(one.policy), json::Quote(one.target), json::Quote(one.Judge()), json::Quote(kernels::DriverName(one.report.driver)), one.report.isolated, one.Overall(), json::List(one.not_judged), verdicts, denied, attacks, one.report.seconds);
}

std::string JunitOfAttacks(const Verification& one) {
  using driver::AttackVerdict;
  size_t tests = 0;
  for (const driver::AttackedSet& set : one.attacked) tests += set.answers.size();
  std::string out = fmt::format(" <testsuite name={} tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", QuoteXml(one.file), tests, one.Count(AttackVerdict::kUnaccounted), one.Count(AttackVerdict::kInconclusive));
  for (const driver::AttackedSet& set : one.attacked) {
    for (const driver::AttackAnswer& answer : set.answers) {
      out += fmt::format("  <testcase classname={} name={}", QuoteXml(one.policy + ": " + Layers(set.layers)), QuoteXml(answer.attack));
      if (answer.verdict == AttackVerdict::kUnaccounted) out += fmt::format("><failure message={}/></testcase>\n", QuoteXml(answer.cause));
      else if (answer.verdict == AttackVerdict::kInconclusive) out += fmt::format("><skipped message={}/></testcase>\n", QuoteXml(answer.cause));
      else out += "/>\n";
    }
  }
  return out + " </testsuite>\n";
}

std::string JunitOf(const Verification& one) {
  const auto count = [&](Verdict verdict) { return std::count_if(one.report.verdicts.begin(), one.report.verdicts.end(), [&](const LayerVerdict& v) { return v.verdict == verdict; }); };
  const bool qualified = !one.not_judged.empty();
  if (!one.attacked.empty()) return JunitOfAttacks(one);
  std::string out = fmt::format(" <testsuite name={} tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", QuoteXml(one.file), one.report.verdicts.size(), count(Verdict::kFailed), count(Verdict::kInconclusive) + (qualified ? count(Verdict::kPassed) : 0));
  for (const LayerVerdict& verdict : one.report.verdicts) {
    const std::string why = fmt::format("{}", fmt::join(verdict.verdict == Verdict::kPassed ? one.not_judged : verdict.reasons, "; "));
    out += fmt::format("  <testcase classname={} name={} time=\"{:.3f}\"", QuoteXml(one.policy), QuoteXml(Layers(verdict.layers)), verdict.outcome.wall_seconds);
    if (verdict.verdict == Verdict::kFailed) out += fmt::format("><failure message={}/></testcase>\n", QuoteXml(why));
    else if (verdict.verdict == Verdict::kInconclusive || qualified) out += fmt::format("><skipped message={}/></testcase>\n", QuoteXml(why));
    else out += "/>\n";
  }
  return out + " </testsuite>\n";
}

}  // namespace

std::string VerifyReportText(const std::vector<Verified>& all) {
  std::string out;
  std::map<std::string, size_t> counts;
  for (const Verified& one : all) {
    ++counts[one.Overall()];
    if (one.verification) out += TextOf(*one.verification);
  }
  if (all.size() < 2) return out;
  std::string summary;
  for (const auto& [verdict, count] : counts) summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", count, verdict);
  return out + fmt::format("{} policies: {}\n", all.size(), summary);
}

std::string VerifyReportJson(const std::vector<Verified>& all) {
  std::string out;
  for (const Verified& one : all) {
    out += out.empty() ? "" : ",\n";
    out += one.verification ? JsonOf(*one.verification) : fmt::format("{{\"file\": {}, \"verdict\": \"not judged\", \"failure\": {}}}", json::Quote(one.file), json::Quote(one.failure));
  }
  return all.size() == 1 ? out + "\n" : "[" + out + "]\n";
}

std::string VerifyReportJunit(const std::vector<Verified>& all) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const Verified& one : all) {
    out += one.verification ? JunitOf(*one.verification) : fmt::format(" <testsuite name={} tests=\"1\" errors=\"1\">\n  <testcase classname={} name=\"judged\"><error message={}/></testcase>\n </testsuite>\n", QuoteXml(one.file), QuoteXml(one.file), QuoteXml(one.failure));
  }
  return out + "</testsuites>\n";
}

}  // namespace ravelin::cli
