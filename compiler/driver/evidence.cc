#include "compiler/driver/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "compiler/ir/boxes.h"
#include "compiler/kernel/facts.h"
#include "compiler/kernel/view.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using generalize::Seen;
using ir::Effect;

bool IsText(const std::string& attribute) {
  static const std::set<std::string> texts = {"path", "label", "transition", "address", "abstract", "peer", "fstype", "from", "on", "bus", "name", "interface", "member", "target", "to"};
  return texts.count(attribute) != 0;
}

std::optional<uint64_t> NumberOf(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// The numbers of processes stand in observations as a pattern: one name that it matches.
std::string Example(std::string path) {
  constexpr std::string_view kNumber = "[1-9]*";
  for (size_t at = path.find(kNumber); at != std::string::npos; at = path.find(kNumber)) path.replace(at, kNumber.size(), "1");
  return path;
}

std::optional<ir::Event> CallOf(const Seen& seen) {
  const auto name = seen.attributes.find("arch");
  const auto arch = kernel::ArchFromName(name == seen.attributes.end() ? "x86_64" : name->second);
  const kernel::Syscall* call = arch ? kernel::FindSyscall(*arch, seen.operation) : nullptr;
  if (call == nullptr) return std::nullopt;
  ir::Event event;
  event.audit_arch = kernel::AuditArch(*arch);
  event.number = call->number;
  for (size_t i = 0; i < call->params.size() && i < event.args.size(); ++i) {
    const auto value = seen.attributes.find(call->params[i].name);
    if (value != seen.attributes.end()) event.args[i] = NumberOf(value->second).value_or(0);
  }
  return event;
}

class Judge {
 public:
  explicit Judge(const ir::Domain& domain) : domain_(domain) {}

  // Which rules permit it, as far as it was recorded: what was not recorded is not held against a rule, and no deny is taken to match it.
  Result<void> Object(const ir::ObjectCheck& check, EvidenceLine& line) {
    const ir::FacetDefault& fallback = domain_.defaults[check.facet];
    bool allowed = !fallback.stated || ir::Permits(fallback.action);
    bool denied = false;
    bool complained = false;
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.facet != check.facet || (rule.operations >> check.operation & 1) == 0) continue;
      if (rule.effect != Effect::kAllow && rule.effect != Effect::kDeny && rule.effect != Effect::kComplain) continue;
      RAVELIN_TRY(matches, Matches(rule, check));
      if (!matches) continue;
      if (rule.effect != Effect::kDeny) line.rules.push_back(rule.id);
      allowed |= rule.effect == Effect::kAllow;
      denied |= rule.effect == Effect::kDeny;
      complained |= rule.effect == Effect::kComplain;
    }
    line.permitted = complained || (allowed && !denied);
    if (!line.permitted) line.rules.clear();
    return {};
  }

 private:
  Result<bool> Matches(const ir::Rule& rule, const ir::ObjectCheck& check) {
    const bool refuses = rule.effect == Effect::kDeny;
    const std::pair<uint32_t, int> key(rule.id, check.operation);
    auto known = boxes_.find(key);
    if (known == boxes_.end()) {
      RAVELIN_TRY(box, ir::BoxOf(rule, check.operation));
      known = boxes_.emplace(key, std::move(box)).first;
    }
    for (const auto& [attribute, set] : known->second.integers) {
      const auto value = check.integers.find(attribute);
      if (attribute == "owner" ? !check.owner && !set.Contains(0) : value == check.integers.end() ? refuses : !set.Contains(value->second)) return false;
    }
    return std::all_of(known->second.texts.begin(), known->second.texts.end(), [&](const auto& text) {
      const auto value = check.texts.find(text.first);
      // No recorder sees labels, and what was seen has a path.
      if (value == check.texts.end()) return !refuses && text.first != "label";
      return text.second.Contains(value->second);
    });
  }

  const ir::Domain& domain_;
  std::map<std::pair<uint32_t, int>, ir::Box> boxes_;  // by rule and operation
};

}  // namespace

std::optional<ir::ObjectCheck> CheckOf(const Seen& seen) {
  const kernel::FacetInfo* facet = kernel::FindFacet(seen.facet);
  if (facet == nullptr || facet->name == "syscall") return std::nullopt;
  const auto operation = std::find(facet->operations.begin(), facet->operations.end(), seen.operation);
  if (operation == facet->operations.end()) return std::nullopt;
  const bool named = facet->name == "file" || facet->name == "exec";
  if (named && seen.attributes.count("path") == 0) return std::nullopt;
  ir::ObjectCheck check;
  check.facet = ir::FacetOf(facet->name);
  check.operation = static_cast<int>(operation - facet->operations.begin());
  check.owner = true;
  for (const auto& [attribute, text] : seen.attributes) {
    if (std::find(facet->attributes.begin(), facet->attributes.end(), attribute) == facet->attributes.end()) continue;
    if (IsText(attribute)) {
      check.texts[attribute] = named ? Example(text) : text;
    } else if (const auto value = NumberOf(text)) {
      // Flags of the call stand in the same argument as the type (include/linux/net.h, SOCK_TYPE_MASK).
      check.integers[attribute] = attribute == "type" ? *value & 0xf : *value;
    }
  }
  if ((facet->name == "signal" || facet->name == "ptrace") && check.texts.count("peer") == 0) check.texts["peer"] = "self";
  return check;
}

Result<Evidence> EvidenceOf(const ir::Domain& domain, const observe::Recording& recording) {
  Evidence out;
  out.runs = recording.runs.size();
  out.of_rule.resize(domain.rules.size());
  Judge judge(domain);
  for (const Seen& seen : generalize::SeenIn(recording, {})) {
    EvidenceLine line{observe::Show({seen.facet, seen.operation, observe::Encode(seen.attributes), ""}), seen.evidence.runs.size(), seen.evidence.count, seen.evidence.example, {}, false, seen};
    if (seen.facet == "syscall") {
      const auto call = CallOf(seen);
      if (!call) {
        ++out.not_judged;
        continue;
      }
      const ir::Decision decision = oracle::DecideCall(domain, *call);
      line.permitted = decision.permitted();
      if (line.permitted) line.rules = decision.rules;
    } else {
      const auto check = CheckOf(seen);
      if (!check) {
        ++out.not_judged;
        continue;
      }
      if (const auto judged = judge.Object(*check, line); !judged) return tl::make_unexpected(judged.error());
    }
    for (const uint32_t rule : line.rules) {
      // A rule about objects lets calls through that reach none of its own: only what was done with an object speaks for it.
      if (seen.facet == "syscall" && domain.rules[rule].calls.empty()) continue;
      out.of_rule[rule].push_back(out.lines.size());
    }
    out.lines.push_back(std::move(line));
  }
  return out;
}

std::vector<uint32_t> RulesNamed(const ir::Domain& domain, const std::string& name) {
  std::vector<uint32_t> out;
  const bool line = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  for (const ir::Rule& rule : domain.rules) {
    const std::string& place = rule.from.place;  // "web.rav:15:3"
    const size_t column = place.rfind(':');
    const std::string without = place.substr(0, column);
    const size_t number = without.rfind(':');
    if (rule.label == name || without == name || place == name || (line && number != std::string::npos && without.substr(number + 1) == name)) out.push_back(rule.id);
  }
  return out;
}

}  // namespace ravelin::driver
