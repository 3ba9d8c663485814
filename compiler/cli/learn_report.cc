#include "compiler/cli/learn_report.h"

#include <fmt/format.h>

#include "compiler/cli/common.h"
#include "compiler/cli/verify_report.h"

namespace ravelin::cli {
namespace {

std::string CompletenessText(const generalize::Completeness& completeness) {
  std::string out = "completeness  " + completeness.Words() + "\n";
  if (completeness.facets.front().runs < generalize::kFewestRuns) return out;
  for (const generalize::FacetCompleteness& facet : completeness.facets) {
    if (facet.facet != "any") out += fmt::format("  {:<12} {} of {} runs brought something new ({} things); next run: {:.0f}%, at most {:.0f}%\n", facet.facet, facet.surprised, facet.runs, facet.singletons, facet.chance * 100, facet.bound * 100);
  }
  return out;
}

// What the code could do beside what it did.  No policy is made from it.
std::string ReachText(const generalize::Learned& learned) {
  const generalize::Reach& reach = learned.reach;
  if (reach.calls.empty()) return "";
  std::string doubts;
  if (reach.unresolved != 0) doubts += fmt::format("; {} calls whose number was not found", reach.unresolved);
  if (reach.loads_more) doubts += "; code may be loaded that nobody read (dlopen)";
  if (reach.unread) doubts += "; not every library could be read";
  return fmt::format("in reach      {} system calls in the code of {} program{} and their libraries: {}{}\n", reach.calls.size(), learned.read_programs, learned.read_programs == 1 ? "" : "s", doubts.empty() ? "a bound" : "no bound", doubts);
}

template <typename Items, typename Function>
std::string JsonList(const Items& items, const Function& show) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + show(item);
  return "[" + out + "]";
}

}  // namespace

std::string LearnText(const LearnReport& report) {
  const auto& learned = report.policy.learned;
  std::string out = fmt::format("{}: {} rules from {} runs; {} system calls granted, {} seen; {} files of this machine readable, {} writable\n", report.output, learned.rules.size(), learned.runs, learned.granted_calls, learned.observed_calls, report.readable, report.writable);
  out += ReachText(learned);
  for (const std::string& one : learned.incomplete) out += "INCOMPLETE    " + one + "\n";
  for (const std::string& one : learned.withheld) out += "not granted   " + one + "\n";
  for (const std::string& one : learned.sensitive) out += "sensitive     " + one + "\n";
  out += CompletenessText(report.completeness);
  if (!report.until.empty()) out += fmt::format("until         {}\n", report.until);
  if (!report.steady.empty()) out += fmt::format("steady        {}\n", report.steady);
  for (const driver::GapRow& row : report.policy.gaps) out += fmt::format("gap           {}\n                for example {} {}\n", driver::AcceptLine(row), row.witness, row.wider ? "is permitted" : "is refused");
  for (const std::string& one : report.policy.not_judged) out += "not judged    " + one + "\n";
  const std::string gaps_next = "next          the `accept gap` lines that you agree with, each with a reason, go into a file: --accept FILE\n";
  if (!report.loop) return out + (report.policy.gaps.empty() ? "next          the same with --verify enforces it\n" : gaps_next);
  for (size_t i = 0; i < report.loop->refusals.size(); ++i) {
    for (const driver::Refusal& refusal : report.loop->refusals[i]) out += fmt::format("round {}       refused {}   {}   x{}   (layer {})\n", i + 1, refusal.shown, refusal.process, refusal.count, fmt::join(refusal.layers, ", "));
  }
  for (const driver::Refusal& one : report.loop->narrower) out += fmt::format("narrower      refused {}   {}   x{}   (layer {}): {}\n", one.shown, one.process, one.count, fmt::join(one.layers, ", "), one.permitted ? "the policy permits it, and a gap says so" : one.cause);
  if (!report.loop->attacked.empty()) out += "attacks\n";
  for (const driver::AttackedSet& set : report.loop->attacked) out += AttackedText(set);
  for (const std::string& reason : report.loop->reasons) out += fmt::format("because       {}\n", reason);
  out += fmt::format("verdict       {} after {} round{}\n", driver::LoopVerdictText(report.loop->verdict), report.loop->rounds, report.loop->rounds == 1 ? "" : "s");
  if (report.loop->verdict == driver::LoopVerdict::kVerified) out += fmt::format("next          ravelin compile {} -o DIR\n", report.output);
  if (report.loop->verdict == driver::LoopVerdict::kGaps) out += gaps_next;
  return out;
}

std::string LearnJson(const LearnReport& report) {
  const auto& learned = report.policy.learned;
  const std::string facets = JsonList(report.completeness.facets, [](const auto& f) { return fmt::format("{{\"facet\": {}, \"runs\": {}, \"singletons\": {}, \"surprised\": {}, \"chance\": {:.4f}, \"bound\": {:.4f}}}", json::Quote(f.facet), f.runs, f.singletons, f.surprised, f.chance, f.bound); });
  const std::string gaps = JsonList(report.policy.gaps, [](const auto& row) { return fmt::format("{{\"label\": {}, \"direction\": \"{}\", \"accept\": {}, \"witness\": {}}}", json::Quote(row.name), row.wider ? "wider" : "narrower", json::Quote(driver::AcceptLine(row)), json::Quote(row.witness)); });
  std::string loop = "null";
  if (report.loop) {
    const auto refusals = [](const std::vector<driver::Refusal>& all) { return JsonList(all, [](const auto& refusal) { return fmt::format("{{\"refused\": {}, \"process\": {}, \"count\": {}, \"layers\": {}}}", json::Quote(refusal.shown), json::Quote(refusal.process), refusal.count, JsonList(refusal.layers, json::Quote)); }); };
    const std::string rounds = JsonList(report.loop->refusals, refusals);
    loop = fmt::format("{{\"verdict\": \"{}\", \"rounds\": {}, \"refusals\": {}, \"narrower\": {}, \"reasons\": {}, \"attacks\": {}}}", driver::LoopVerdictText(report.loop->verdict), report.loop->rounds, rounds, refusals(report.loop->narrower), JsonList(report.loop->reasons, json::Quote), JsonList(report.loop->attacked, AttackedJson));
  }
  return fmt::format("{{\"policy\": {}, \"runs\": {}, \"rules\": {}, \"calls_seen\": {}, \"calls_granted\": {}, \"calls_in_reach\": {}, \"reach_unresolved\": {}, \"reach_is_bound\": {}, \"files_readable\": {}, \"files_writable\": {}, \"incomplete\": {}, \"withheld\": {}, \"sensitive\": {}, \"completeness\": {{\"words\": {}, \"replicas\": {}, \"facets\": {}}}, \"until\": {}, \"steady\": {}, \"gaps\": {}, \"not_judged\": {}, \"loop\": {}}}\n", json::Quote(report.output),
                     learned.runs, learned.rules.size(), learned.observed_calls, learned.granted_calls, learned.reach.calls.size(), learned.reach.unresolved, !learned.reach.calls.empty() && learned.reach.unresolved == 0 && !learned.reach.loads_more && !learned.reach.unread, report.readable, report.writable, JsonList(learned.incomplete, json::Quote), JsonList(learned.withheld, json::Quote), JsonList(learned.sensitive, json::Quote), json::Quote(report.completeness.Words()), report.completeness.replicas, facets, report.until.empty() ? "null" : fmt::format("{{\"reached\": {}, \"words\": {}}}", report.reached, json::Quote(report.until)), report.steady.empty() ? "null" : json::Quote(report.steady), gaps, JsonList(report.policy.not_judged, json::Quote), loop);
}

int ExitOf(const LearnReport& report) {
  if (!report.until.empty() && !report.reached) return kEnvironment;
  if (report.loop) return report.loop->verdict == driver::LoopVerdict::kVerified ? kOk : report.loop->verdict == driver::LoopVerdict::kInconclusive ? kEnvironment : kFindings;
  if (!report.policy.learned.incomplete.empty() || !report.policy.not_judged.empty()) return kEnvironment;
  return report.policy.gaps.empty() ? kOk : kFindings;
}

}  // namespace ravelin::cli
