// explain: is one attempt permitted, by which rule, and what does each layer do about it.
#include <fmt/format.h>

#include "backends/seccomp/program.h"
#include "compiler/base/check.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/explain_event.h"
#include "compiler/oracle/decide.h"

namespace ravelin::cli {
namespace {

using driver::EventAnswer;
using driver::LayerAnswer;
using driver::LayerVerdict;
using driver::SetAnswer;

std::string_view Effectively(LayerVerdict verdict) {
  if (verdict == LayerVerdict::kPermits) return "permitted";
  return verdict == LayerVerdict::kRefuses ? "refused" : LayerVerdictText(verdict);
}

// What a filter does with calls.
class Filter {
 public:
  Filter(const ir::Domain& domain, const driver::SeccompArtifact& artifact) : domain_(domain), artifact_(artifact) {}

  // RAVELIN_CHECKs that the program decides as the policy does.
  seccomp::Run Of(const ir::Event& event) const {
    seccomp::Run run = seccomp::RunProgram(artifact_.filter.program, event, artifact_.big_endian, true);
    RAVELIN_CHECK(run.value == ir::ToSeccompReturn(oracle::DecideCall(domain_, event).action), "a proven program disagrees with the oracle");
    return run;
  }

  // The listing's lines that were executed.
  std::string Path(const ir::Event& event, const std::string& of) const {
    const seccomp::Run run = Of(event);
    const std::string listing = seccomp::FormatListing(artifact_.filter.program, artifact_.filter.notes);
    std::vector<std::string> lines;
    for (size_t at = 0; at < listing.size();) {
      const size_t end = std::min(listing.find('\n', at), listing.size());
      lines.push_back(listing.substr(at, end - at));
      at = end + 1;
    }
    std::string out = fmt::format("{} instructions decide{}:\n", run.executed, of);
    for (const uint32_t index : run.path) out += lines[index] + "\n";
    return out;
  }

  std::string Indices(const ir::Event& event) const { return fmt::format("[{}]", fmt::join(Of(event).path, ", ")); }

 private:
  const ir::Domain& domain_;
  const driver::SeccompArtifact& artifact_;
};

std::string Text(const std::vector<SetAnswer>& sets) {
  std::string out;
  for (const SetAnswer& set : sets) {
    out += fmt::format("  in {}: {}{}{}\n", fmt::join(set.layers, " + "), Effectively(set.effective), set.gap.empty() ? "" : ", " + set.gap, set.accepted.empty() ? "" : "; accepted at " + set.accepted);
    for (const LayerAnswer& one : set.members) {
      out += fmt::format("    {:<9} {}", one.layer, LayerVerdictText(one.verdict));
      if (!one.asks.empty()) out += "  " + one.asks;
      if (!one.because.empty()) out += "   " + one.because;
      out += "\n";
      for (const std::string& line : one.lines) out += "              " + line + "\n";
    }
  }
  return out;
}

std::string Text(const EventAnswer& answer) {
  const bool permitted = answer.decision.permitted();
  std::string out = fmt::format("{} {}", permitted ? answer.decision.action.kind == ir::ActionKind::kLog ? "logged " : "allowed" : "denied ", answer.shown);
  if (!permitted) out += answer.decision.action.kind == ir::ActionKind::kErrno ? " = " + std::string(kernel::ErrnoName(answer.decision.action.data)) : ": " + FormatAction(answer.decision.action);
  if (answer.alike > 1) out += fmt::format("   and {} like it", answer.alike - 1);
  out += fmt::format("\n  by     {}\n", answer.cause);
  if (!answer.open.empty()) out += fmt::format("  open   {} decides otherwise in some of what the event leaves open\n", answer.open);
  if (!permitted) out += answer.suggestion.line.empty() ? fmt::format("  allow  not by adding a line: {}\n", answer.suggestion.why_not) : fmt::format("  allow  {}\n", answer.suggestion.line);
  if (!answer.forbidden.empty()) out += fmt::format("  but    {} forbids it\n", answer.forbidden);
  return out + Text(answer.sets);
}

std::string Json(const std::vector<SetAnswer>& sets, const Filter& filter) {
  std::string out;
  for (const SetAnswer& set : sets) {
    std::string members;
    for (const LayerAnswer& one : set.members) {
      members += fmt::format("{}{{\"layer\": {}, \"verdict\": \"{}\", \"asks\": {}, \"because\": {}, \"lines\": {}{}}}", members.empty() ? "" : ", ", json::Quote(one.layer), LayerVerdictText(one.verdict), json::Quote(one.asks), json::Quote(one.because), json::List(one.lines),
                             one.call ? fmt::format(", \"instructions\": {}", filter.Indices(*one.call)) : "");
    }
    out += fmt::format("{}{{\"layers\": {}, \"effective\": \"{}\", \"gap\": {}, \"accepted\": {}, \"members\": [{}]}}", out.empty() ? "" : ", ", json::List(set.layers), Effectively(set.effective), json::Quote(set.gap), json::Quote(set.accepted), members);
  }
  return "[" + out + "]";
}

std::string Head(const ir::Domain& domain, const std::string& shown, const ir::Decision& decision, const std::string& cause) {
  std::vector<std::string> rules;
  for (const uint32_t rule : decision.rules) rules.push_back(domain.rules[rule].from.place);
  return fmt::format("\"event\": {}, \"permitted\": {}, \"action\": {}, \"reason\": {}, \"by\": {}, \"rules\": {}", json::Quote(shown), decision.permitted(), json::Quote(FormatAction(decision.action)), json::Quote(decision.reason), json::Quote(cause), json::List(rules));
}

// The calls that layers were asked of, each once.
std::string Paths(const std::vector<EventAnswer>& answers, const Filter& filter) {
  std::vector<std::string> seen;
  std::string out;
  for (const EventAnswer& answer : answers) {
    for (const SetAnswer& set : answer.sets) {
      for (const LayerAnswer& one : set.members) {
        if (!one.call || std::find(seen.begin(), seen.end(), one.asks) != seen.end()) continue;
        seen.push_back(one.asks);
        out += filter.Path(*one.call, " on " + one.asks);
      }
    }
  }
  return out;
}

// Exit code of the answers, which are put into `text`.
int ExplainAttempts(const driver::Frontend& front, size_t index, const std::vector<ir::Rule>& attempts, const Filter& filter, const CommonOptions& options, std::string& text) {
  diag::Sink sink;
  const auto answers = driver::ExplainAttempts(front, index, attempts, sink);
  if (!answers) return Complain(answers.error());
  if (!*answers) {
    ShowDiagnostics(sink, front.sources, options);
    return kUsage;
  }
  bool permitted = true;
  for (const EventAnswer& answer : **answers) {
    permitted &= answer.decision.permitted();
    if (options.json()) {
      text += fmt::format("{}{{{}, \"attempts\": {}, \"allow\": {}, \"forbidden_by\": {}, \"open\": {}, \"layer_sets\": {}}}", text.empty() ? "" : ",\n ", Head(front.policy.domains[index], answer.shown, answer.decision, answer.cause), answer.alike, json::Quote(answer.suggestion.line), json::Quote(answer.forbidden), json::Quote(answer.open), Json(answer.sets, filter));
    } else {
      text += Text(answer);
    }
  }
  if (options.json()) {
    text = fmt::format("{{\"permitted\": {}, \"answers\": [{}]}}\n", permitted, text);
  } else {
    text += Paths(**answers, filter);
  }
  return permitted ? kOk : kFindings;
}

int ExplainCall(const driver::Frontend& front, size_t index, const ir::Event& event, const Filter& filter, const CommonOptions& options, std::string& text) {
  const ir::Domain& domain = front.policy.domains[index];
  const ir::Decision decision = oracle::DecideCall(domain, event);
  const auto sets = driver::LayersOfCall(front, index, event);
  if (!sets) return Complain(sets.error());
  const std::string cause = driver::DescribeCause(domain, event, decision, front.sources);
  if (options.json()) {
    text = fmt::format("{{{}, \"instructions\": {}, \"layer_sets\": {}}}\n", Head(domain, driver::ShowEvent(event), decision, cause), filter.Indices(event), Json(*sets, filter));
  } else {
    const bool allowed = decision.permitted() && decision.action.kind == ir::ActionKind::kAllow;
    text = allowed ? fmt::format("allowed {}\n  by     {}\n", driver::ShowEvent(event), cause) : driver::FormatDenial(domain, {event, decision, "", 1, {}}, front.sources);
    text += Text(*sets) + filter.Path(event, "");
  }
  return decision.permitted() ? kOk : kFindings;
}

}  // namespace

int Run(const ExplainCommand& command) {
  if (!command.evidence.empty()) return ExplainEvidence(command);
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const ir::Domain& domain = front->policy.domains[*index];
  kernel::Arch arch = domain.architectures.front();
  if (!command.arch.empty()) {
    const auto named = kernel::ArchFromName(command.arch);
    if (!named) {
      Complain(fmt::format("`{}` is no architecture", command.arch));
      return kUsage;
    }
    arch = *named;
  }
  diag::Sink event_sink;
  const auto event = driver::ReadEvent(command.event, *front, *index, arch, event_sink);
  if (!event) {
    ShowDiagnostics(event_sink, front->sources, command.common);
    return kUsage;
  }
  driver::CompileOptions options;
  options.facts = driver::FactsOf(front->target);
  options.gaps = driver::GapsAre::kNotJudged;
  const auto artifact = driver::CompileSeccomp(front->policy, domain, options, front->sink);
  if (!artifact) {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return kFindings;
  }
  const Filter filter(domain, *artifact);
  std::string text;
  exit_code = event->call ? ExplainCall(*front, *index, *event->call, filter, command.common, text) : ExplainAttempts(*front, *index, event->attempts, filter, command.common, text);
  const auto printed = Print(text);
  return printed ? exit_code : Complain(printed.error());
}

}  // namespace ravelin::cli
