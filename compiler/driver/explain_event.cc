#include "compiler/driver/explain_event.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/attempts.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/permitted.h"
#include "compiler/oracle/decide.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {
namespace {

using ir::Decision;
using ir::Event;
using ir::ObjectCheck;
using ir::Rule;

class Explainer {
 public:
  Explainer(const Frontend& front, size_t index) : front_(front), domain_(front.policy.domains[index]), attempts_(domain_), layers_(front, index, attempts_) {}

  Result<EventAnswer> Of(ObjectCheck check) {
    EventAnswer answer;
    answer.decision = attempts_.DecideObject(check);
    answer.shown = ShowCheck(domain_.architectures.front(), check);
    answer.cause = Cause(check, answer.decision);
    const bool object = answer.decision.permitted();
    const Carriers calls = attempts_.CarriersOf(domain_.architectures.front(), check);
    if (object && calls.shown && !calls.permitted && calls.refused) {  // 10.7: the calls decide
      answer.decision = oracle::DecideCall(domain_, *calls.refused);
      answer.cause = fmt::format("{}   (no call carries it out: {})", DescribeCause(domain_, *calls.refused, answer.decision, front_.sources), ShowEvent(*calls.refused));
      answer.suggestion = SuggestAllow(domain_, *calls.refused, answer.decision, front_.sources);
      answer.forbidden = ForbiddenBy(domain_, *calls.refused, front_.sources);
    } else if (!object) {
      answer.suggestion = Suggest(check, answer.decision);
      answer.forbidden = Forbidden(check);
    }
    const Rule* open = attempts_.Undetermined(check, object ? ir::Effect::kDeny : ir::Effect::kAllow);
    if (open != nullptr && (object || answer.decision.rules.empty())) answer.open = open->from.place;
    for (const std::vector<std::string>& set : domain_.layer_sets) {
      RAVELIN_TRY(one, layers_.OfSet(set, check, object, answer.decision.permitted()));
      answer.sets.push_back(std::move(one));
    }
    return answer;
  }

 private:
  std::string Cause(const ObjectCheck& check, const Decision& decision) const {
    if (decision.rules.empty() && decision.reason == "default") {
      const ir::FacetDefault& d = domain_.defaults[check.facet];
      return d.stated ? fmt::format("{}  default of {}", d.from.place, kernel::Facets()[check.facet].name) : fmt::format("the policy says nothing of {}", kernel::Facets()[check.facet].name);
    }
    return DescribeCause(domain_, {}, decision, front_.sources);
  }

  // A rule that permits just this.
  Suggestion Suggest(const ObjectCheck& check, const Decision& decision) const {
    const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
    if (decision.reason == "deny rule") return {"", fmt::format("a deny cannot be outweighed; change {}", domain_.rules[decision.rules.front()].from.place)};
    std::string line = facet.name == "exec" ? "allow exec" : fmt::format("allow {} {{ {} }}", facet.name, facet.operations[static_cast<size_t>(check.operation)]);
    return {line + ClausesOf(check), ""};
  }

  std::string ClausesOf(const ObjectCheck& check) const {
    const std::string& facet = kernel::Facets()[check.facet].name;
    std::string out;
    const auto quoted = [](const std::string& text) {
      std::string literal;
      for (const char c : text) literal += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
      return "\"" + literal + "\"";
    };
    for (const auto& [attribute, value] : check.integers) out += fmt::format(" {} {}", ClauseWord(facet, attribute), AttributeText(domain_.architectures.front(), attribute, value));
    if (check.owner) out += " owner";
    for (const auto& [attribute, text] : check.texts) {
      if (attribute == "transition") continue;
      if (attribute == "label") {
        out += fmt::format(" on label({})", quoted(text));
      } else if (attribute == "peer") {
        out += " peer " + (text.rfind("label:", 0) == 0 ? fmt::format("label({})", quoted(text.substr(6))) : text);
      } else if (attribute == "to" && facet == "domain") {
        out += fmt::format(" to label({})", quoted(ir::LiteralPattern(text)));
      } else if (facet == "exec") {
        out += " " + quoted(ir::LiteralPattern(text));
      } else if (facet == "file" || facet == "domain") {
        out += fmt::format(" on path({})", quoted(ir::LiteralPattern(text)));
      } else {
        out += fmt::format(" {} {}", attribute, quoted(ir::IsPatternAttribute(attribute) ? ir::LiteralPattern(text) : text));
      }
    }
    const auto to = check.texts.find("transition");
    return to == check.texts.end() || to->second == "self" ? out : out + " as " + to->second;
  }

  std::string Forbidden(const ObjectCheck& check) const {
    for (const Rule& rule : domain_.rules) {
      if (rule.effect != ir::Effect::kNever || rule.facet != check.facet) continue;
      ir::Domain alone;
      alone.rules = {rule};
      alone.rules[0].id = 0;
      alone.rules[0].effect = ir::Effect::kAllow;
      if (!oracle::DecideObject(alone, check).rules.empty()) return fmt::format("{} `{}`", rule.from.place, OneLine(rule.from.span, front_.sources));
    }
    return "";
  }

  const Frontend& front_;
  const ir::Domain& domain_;
  Attempts attempts_;
  Layers layers_;
};

// What tells two answers apart, but for the attempt itself.
std::string Outcome(const EventAnswer& answer) {
  std::string out = FormatAction(answer.decision.action) + "|" + answer.cause + "|" + answer.open;
  for (const SetAnswer& set : answer.sets) {
    out += fmt::format("|{}/{}/{}", static_cast<int>(set.effective), set.gap, set.accepted);
    for (const LayerAnswer& one : set.members) out += fmt::format("/{}/{}", static_cast<int>(one.verdict), fmt::join(one.lines, ";"));
  }
  return out;
}

constexpr size_t kMostAttempts = 200;

}  // namespace

Result<std::optional<std::vector<EventAnswer>>> ExplainAttempts(const Frontend& front, size_t domain, const std::vector<Rule>& attempts, diag::Sink& sink) {
  Explainer explainer(front, domain);
  const Attempts all(front.policy.domains[domain]);
  std::vector<ObjectCheck> checks;
  for (const Rule& box : attempts) {
    const kernel::FacetInfo& facet = kernel::Facets()[box.facet];
    for (size_t i = 0; i < facet.operations.size(); ++i) {
      if ((box.operations >> i & 1) == 0) continue;
      auto some = all.Checks(box, static_cast<int>(i));
      if (!some || checks.size() + some->size() > kMostAttempts) {
        sink.Report(diag::Kind::kTestNotConcrete, box.from.span, fmt::format("the event leaves more than {} attempts open", kMostAttempts)).Help("name more of its attributes, such as `family AF_INET` or `owner`");
        return std::optional<std::vector<EventAnswer>>();
      }
      checks.insert(checks.end(), some->begin(), some->end());
    }
  }
  std::vector<EventAnswer> out;
  std::vector<std::string> outcomes;
  for (const ObjectCheck& check : checks) {
    RAVELIN_TRY(answer, explainer.Of(check));
    std::string outcome = Outcome(answer);
    const auto at = std::find(outcomes.begin(), outcomes.end(), outcome);
    if (at != outcomes.end()) {
      ++out[static_cast<size_t>(at - outcomes.begin())].alike;
      continue;
    }
    outcomes.push_back(std::move(outcome));
    out.push_back(std::move(answer));
  }
  return std::optional(std::move(out));
}

Result<EventAnswer> ExplainCheck(const Frontend& front, size_t domain, const ObjectCheck& check) { return Explainer(front, domain).Of(check); }

Result<std::vector<SetAnswer>> LayersOfCall(const Frontend& front, size_t domain, const Event& call) {
  std::vector<SetAnswer> out;
  for (const kernel::Arch arch : kernel::kFilterArches) {
    const kernel::Syscall* found = kernel::AuditArch(arch) == call.audit_arch ? kernel::FindSyscall(arch, call.number) : nullptr;
    if (found == nullptr) continue;
    Attempts attempts(front.policy.domains[domain]);
    Layers layers(front, domain, attempts);
    for (const std::vector<std::string>& set : front.policy.domains[domain].layer_sets) {
      if (set.size() == 1 && set.front() == "seccomp") continue;
      RAVELIN_TRY(one, layers.OfCall(set, call, arch, *found));
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::optional<WrittenEvent> ReadEvent(const std::string& text, Frontend& front, size_t domain, kernel::Arch arch, diag::Sink& sink) {
  // `socket(...)` and `read` are calls; what has a rule kind in front of something else is a line of a test.
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t end = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", begin), text.size());
  const std::string word = text.substr(begin, end - begin);
  const size_t next = text.find_first_not_of(" \t", end);
  const bool alone = next == std::string::npos || text[next] == '(';
  const bool kind = word == "permit" || word == "refuse" || kernel::FindFacet(word) != nullptr;
  WrittenEvent out;
  if (word.empty()) {
    const source::FileId file = front.sources.Add("event", text);
    sink.Report(diag::Kind::kSyntaxError, {file, static_cast<uint32_t>(begin), static_cast<uint32_t>(text.size())}, "this is no event").Help("write a call, `socket(AF_ALG, SOCK_STREAM, 0)`, or a line of a test, `file read \"/etc/shadow\"`");
    return std::nullopt;
  }
  if (alone && (!kind || kernel::IsSyscallName(word))) {
    out.call = ParseEvent(text, arch, front.sources, sink);
    return out.call ? std::optional(std::move(out)) : std::nullopt;
  }
  const source::FileId file = front.sources.Add("event", text);
  const auto line = syntax::ParseExpectation(front.sources, file, sink);
  if (!line) return std::nullopt;
  if (line->event.action) {
    sink.Report(diag::Kind::kUnknownClause, line->event.action->span, "an event has no action: what is done about it is the answer").Help("leave `with` out");
    return std::nullopt;
  }
  if (line->event.kind.text == "syscall" && line->event.subjects.size() == 1 && line->event.clauses.empty()) {
    const source::Span span = line->event.subjects[0].span;
    out.call = ParseEvent(text.substr(span.begin, span.end - span.begin), arch, front.sources, sink);
    return out.call ? std::optional(std::move(out)) : std::nullopt;
  }
  if (kernel::FindFacet(line->event.kind.text) == nullptr && kernel::IsSyscallName(line->event.kind.text)) {
    sink.Report(diag::Kind::kSyntaxError, line->event.kind.span, "a call's arguments stand in parentheses").Help(fmt::format("write `{}(...)`", line->event.kind.text));
    return std::nullopt;
  }
  out.attempts = resolve::BuildAttempts(line->event, front.policy, domain, front.sources, sink);
  return sink.HasErrors() || out.attempts.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace ravelin::driver
