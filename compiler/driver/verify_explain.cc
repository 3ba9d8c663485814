// What a guest refused, in the words of the source.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "compiler/driver/compile.h"
#include "compiler/driver/explain_event.h"
#include "compiler/driver/verify.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using kernels::Observation;
using kernels::Source;

const char* LayerName(Source source) { return source == Source::kSeccomp ? "seccomp" : source == Source::kApparmor ? "apparmor" : "selinux"; }

// The domain whose profile or type was refused; the filter is the launched domain's.
size_t DomainOf(const Frontend& front, size_t launched, const Observation& one) {
  for (size_t i = 0; i < front.policy.domains.size(); ++i) {
    const ir::Domain& domain = front.policy.domains[i];
    if (one.source == Source::kApparmor ? one.subject == ir::QualifiedName(domain) : one.subject == domain.name + "_t") return i;
  }
  return launched;
}

// In some layer set nobody looks at who owns a file.
bool OwnerIsUnseen(const ir::Domain& domain) {
  return std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [](const auto& set) { return std::find(set.begin(), set.end(), "apparmor") == set.end(); });
}

class Explainer {
 public:
  Explainer(const Frontend& front, size_t launched) : front_(front), launched_(launched) {}

  Result<void> Add(const verify::LayerVerdict& verdict, const Observation& one) {
    const double begin = verdict.started;
    if (one.source == Source::kSeccomp) return Put(OfCall(one, one.arguments_known ? std::nullopt : AsMade(verdict, one)), one, begin);
    if (one.checks.empty()) return Put({.shown = one.text, .cause = "the language has no word for it"}, one, begin);
    for (const ir::ObjectCheck& check : one.checks) {
      RAVELIN_TRY(refusal, OfCheck(check, DomainOf(front_, launched_, one)));
      if (auto put = Put(std::move(refusal), one, begin); !put) return put;
    }
    return {};
  }
  std::vector<Refusal> Take() { return std::move(all_); }

 private:
  Result<void> Put(Refusal refusal, const Observation& one, double begin) {
    const std::string layer = LayerName(one.source);
    const auto [at, fresh] = index_.try_emplace(refusal.shown + "|" + one.command, all_.size());
    if (fresh) {
      refusal.time = std::max(0.0, one.time - begin);
      refusal.process = fmt::format("{}[{}]", one.command, one.process);
      refusal.error = std::string(kernel::ErrnoName(one.error));
      all_.push_back(std::move(refusal));
    }
    Refusal& known = all_[at->second];
    if (std::find(known.layers.begin(), known.layers.end(), layer) == known.layers.end()) known.layers.push_back(layer);
    ++known.count;
    return {};
  }

  // What a program made of a call without confinement, from where it was looked at last.
  struct Made {
    size_t next = 0;
    std::optional<Observation> last;
  };

  // Of a kernel that records a refused call by its number and tells of every other all it has: the n-th refusal of a program's call is the
  // n-th of the unconfined run that the policy refuses; whoever tries again has the last.
  std::optional<Observation> AsMade(const verify::LayerVerdict& verdict, const Observation& one) {
    Made& known = made_[{&verdict, one.command, one.call->number}];
    for (; known.next < verdict.made.size(); ++known.next) {
      const kernels::MadeCall& made = verdict.made[known.next];
      if (made.command != one.command || made.number != one.call->number) continue;
      ir::Event call = *one.call;
      call.args = made.args;
      if (oracle::DecideCall(front_.policy.domains[launched_], call).permitted()) continue;
      known.last = one;
      known.last->arguments_known = true;
      known.last->texts = kernels::TextsOf(call, made.paths);
      known.last->call = std::move(call);
      ++known.next;
      break;
    }
    return known.last;
  }

  Refusal OfCall(const Observation& refused, const std::optional<Observation>& made) const {
    const Observation& one = made ? *made : refused;
    const ir::Domain& domain = front_.policy.domains[launched_];
    const ir::Decision decision = oracle::DecideCall(domain, *one.call);
    Denial denial{*one.call, decision, "", 1, one.texts};
    // Addresses differ from run to run and say nothing; where a call may have something else there (prctl) they are known by their size.
    constexpr uint64_t kNoAddress = uint64_t{1} << 32, kUserSpace = uint64_t{1} << 47;
    const kernel::Syscall* call = kernel::FindSyscall(kernel::Arch::kX86_64, one.call->number);
    for (size_t i = 0; call != nullptr && i < call->params.size() && i < denial.event.args.size(); ++i) {
      const uint64_t value = denial.event.args[i];
      if (call->params[i].type == kernel::ArgType::kPtr || (call->params[i].name.rfind("arg", 0) == 0 && value >= kNoAddress && value < kUserSpace)) denial.event.args[i] = 0;
    }
    Refusal out;
    out.shown = ShowDeniedCall(domain, denial) + (made ? " (arguments of the unconfined run)" : "");
    out.cause = DescribeCause(domain, *one.call, decision, front_.sources);
    out.permitted = decision.permitted() && one.arguments_known;
    if (!one.arguments_known) {
      out.shown = (call == nullptr ? fmt::format("call {}", one.call->number) : call->name) + " (arguments not recorded)";
      if (decision.permitted()) out.cause = "a rule that looks at the arguments";
      out.why_not = "this kernel does not record the arguments of a call that a filter refuses: `--driver uml` does";
      return out;
    }
    if (out.permitted) return out;
    const Suggestion suggestion = SuggestAllow(domain, *one.call, decision, front_.sources);
    out.suggestion = suggestion.line;
    out.why_not = suggestion.why_not;
    out.forbidden = ForbiddenBy(domain, *one.call, front_.sources);
    return out;
  }

  Result<Refusal> OfCheck(const ir::ObjectCheck& check, size_t domain) const {
    RAVELIN_TRY(answer, ExplainCheck(front_, domain, check));
    Refusal out;
    out.shown = answer.shown;
    out.cause = answer.cause;
    out.permitted = answer.decision.permitted();
    if (out.permitted) return out;
    out.suggestion = answer.suggestion.line;
    out.why_not = answer.suggestion.why_not;
    out.forbidden = answer.forbidden;
    if (!check.owner || !OwnerIsUnseen(front_.policy.domains[domain])) return out;
    // A line with `owner` would need its gap accepted: the larger one says what is enforced.
    ir::ObjectCheck anyone = check;
    anyone.owner = false;
    RAVELIN_TRY(larger, ExplainCheck(front_, domain, anyone));
    if (!larger.decision.permitted()) out.suggestion = larger.suggestion.line;
    return out;
  }

  const Frontend& front_;
  const size_t launched_;
  std::map<std::string, size_t> index_;
  std::map<std::tuple<const verify::LayerVerdict*, std::string, uint32_t>, Made> made_;  // by run, program and number
  std::vector<Refusal> all_;
};

}  // namespace

Result<std::vector<Refusal>> ExplainRefusals(const Frontend& front, size_t domain, const verify::Report& report) {
  Explainer explainer(front, domain);
  for (const verify::LayerVerdict& verdict : report.verdicts) {
    for (const Observation& one : verdict.refusals) {
      if (auto added = explainer.Add(verdict, one); !added) return tl::make_unexpected(std::move(added.error()));
    }
  }
  return explainer.Take();
}

std::string SuggestedPatch(const Frontend& front, size_t domain, const std::vector<Refusal>& refusals) {
  const ir::Domain& policy = front.policy.domains[domain];
  const source::FileId file = policy.from.span.file;
  std::vector<std::string> lines;
  for (const Refusal& one : refusals) {
    if (!one.suggestion.empty() && one.forbidden.empty() && std::find(lines.begin(), lines.end(), one.suggestion) == lines.end()) lines.push_back(one.suggestion);
  }
  // In front of the policy's first default, with that line's indentation.
  source::Span before;
  for (const ir::FacetDefault& d : policy.defaults) {
    if (d.stated && d.from.span.file == file && (!before.IsValid() || d.from.span.begin < before.begin)) before = d.from.span;
  }
  if (lines.empty() || !before.IsValid()) return "";
  const uint32_t at = front.sources.PositionOf(file, before.begin).line;
  const std::string anchor(front.sources.LineOf(file, at));
  const std::string indentation = anchor.substr(0, anchor.find_first_not_of(" \t"));
  const std::string name(front.sources.Name(file));
  std::string out = fmt::format("--- {}\n+++ {}\n@@ -{},1 +{},{} @@\n", name, name, at, at, lines.size() + 1);
  for (const std::string& line : lines) out += "+" + indentation + line + "\n";
  return out + " " + anchor + "\n";
}

}  // namespace ravelin::driver
