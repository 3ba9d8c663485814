// Bodies of profiles, and the rules that are neither about files nor made of conditions.
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <limits>

#include "compiler/import/apparmor/parser.h"
#include "compiler/import/apparmor/variables.h"
#include "compiler/import/apparmor/words.h"
#include "compiler/kernel/facts.h"

namespace ravelin::import::apparmor {
namespace {

constexpr int kMaxDepth = 200;  // of braces in braces

// What apparmor_parser 3.0.8 keeps of a block: file and change_profile rules only.
bool SurvivesBlock(const RuleBody& body) { return std::holds_alternative<FileRule>(body) || std::holds_alternative<ChangeProfileRule>(body); }

// ... and of a conditional: not what it keeps as rules of their own, and no limits.
bool SurvivesConditional(const RuleBody& body) {
  if (const auto* network = std::get_if<NetworkRule>(&body)) return network->family.value != "unix";
  return SurvivesBlock(body) || std::holds_alternative<CapabilityRule>(body);
}

ExecMode* ExecOf(RuleBody& body) {
  auto* file = std::get_if<FileRule>(&body);
  return file != nullptr && file->modes.exec.present ? &file->modes.exec : nullptr;
}

constexpr const char* kQualify = "an exec mode says where it leads: `ix`, `px`, `cx`, `ux` or `x -> name`";

}  // namespace

bool Parser::ParseBody(Body& body) {
  if (++depth_ > kMaxDepth) return Wrong(last_, fmt::format("blocks go deeper than {}", kMaxDepth));
  while (!At(TokenKind::kClose) && !At(TokenKind::kEnd) && !At(TokenKind::kError)) {
    if (!ParseRule(body)) return false;
  }
  --depth_;
  return !At(TokenKind::kError);
}

bool Parser::ParsePrefix(Prefix& prefix, bool& any) {
  const auto take = [&](std::string_view word) {
    if (!TakeKeyword(word)) return false;
    any = true;
    return true;
  };
  prefix.audit = take("audit");
  if (!take("allow")) prefix.deny = take("deny");
  if (take("owner") || take("user")) {
    prefix.owner_named = true;
    prefix.others = false;
  } else if (take("other")) {
    prefix.owner_named = true;
    prefix.owner = false;
  }
  return true;
}

bool Parser::ParseRule(Body& body) {
  if (AtKeyword("abi")) return ParseAbi();
  if (AtKeyword("if")) return ParseConditional(body);
  if (AtKeyword("set")) return ParseRlimit(body);
  if (At(TokenKind::kProfile) || At(TokenKind::kHat) || At(TokenKind::kCaret)) {
    const bool hat = Take().kind != TokenKind::kProfile;
    std::unique_ptr<Profile> child;
    if (!ParseProfile(hat, true, true, child)) return false;
    if (hat && !child->xattrs.empty()) return Wrong(child->name.span, "a hat cannot be chosen by extended attributes");
    return AddChild(body.children, std::move(child), "this profile");
  }
  Rule rule;
  bool prefixed = false;
  if (!ParsePrefix(rule.prefix, prefixed)) return false;
  const Token first = Peek();
  rule.span = first.span;
  const auto start = [&](auto parsed) {
    rule.body = std::move(parsed);
    return Take().text;
  };
  if (first.kind == TokenKind::kOpen) {
    Take();
    return ParseBlock(body, rule.prefix, first);
  }
  bool good = false;
  bool owned = true;
  if (first.kind == TokenKind::kKeyword && (first.text == "mount" || first.text == "remount" || first.text == "umount" || first.text == "unmount")) {
    const std::string word = start(MountRule{});
    good = ParseMount(std::get<MountRule>(rule.body), word);
  } else if (AtKeyword("network")) {
    start(NetworkRule{});
    good = ParseNetwork(std::get<NetworkRule>(rule.body));
  } else if (AtKeyword("capability")) {
    start(CapabilityRule{});
    good = ParseCapability(std::get<CapabilityRule>(rule.body));
  } else if (AtKeyword("pivot_root")) {
    start(MountRule{});
    good = ParsePivotRoot(std::get<MountRule>(rule.body));
  } else if (AtKeyword("dbus")) {
    start(DbusRule{});
    good = ParseDbus(std::get<DbusRule>(rule.body));
  } else if (AtKeyword("unix")) {
    start(UnixRule{});
    good = ParseUnix(std::get<UnixRule>(rule.body));
  } else if (AtKeyword("signal")) {
    start(SignalRule{});
    good = ParseSignal(std::get<SignalRule>(rule.body));
  } else if (AtKeyword("ptrace")) {
    start(PtraceRule{});
    good = ParsePtrace(std::get<PtraceRule>(rule.body));
  } else if (AtKeyword("change_profile")) {
    start(ChangeProfileRule{});
    good = ParseChangeProfile(std::get<ChangeProfileRule>(rule.body));
  } else {
    owned = false;
    rule.body = FileRule{};
    good = ParseFile(rule.prefix, std::get<FileRule>(rule.body));
  }
  if (!good) return false;
  if (owned && rule.prefix.owner_named) return Wrong(rule.span, "`owner` is for file rules only");
  rule.span.end = last_.file == rule.span.file ? last_.end : rule.span.end;
  body.rules.push_back(std::move(rule));
  return true;
}

// The prefix of a block is its file rules' own; a rule in a block has no `deny` from it.
bool Parser::ParseBlock(Body& body, const Prefix& prefix, const Token& open) {
  Body inner;
  if (!ParseBody(inner)) return false;
  if (!Expect(TokenKind::kClose, "a rule or `}`")) return false;
  if (prefix.deny) return Wrong(open.span, "`deny` cannot stand before a block");
  for (Rule& rule : inner.rules) {
    const bool deny = rule.prefix.deny;
    if (const ExecMode* exec = ExecOf(rule.body); exec != nullptr) {
      if (!deny && !exec->IsQualified() && exec->named.empty()) return Wrong(rule.span, kQualify);
      if (!deny && !exec->IsQualified()) return Wrong(rule.span, "in a block an exec mode needs its qualifier even where it names a profile", "write `px -> name`");
    }
    if (const auto* change = std::get_if<ChangeProfileRule>(&rule.body); change != nullptr && change->exec.written) {
      const bool unsafe = change->environment == ChangeProfileRule::Environment::kUnsafe;
      if (deny == unsafe) return Wrong(rule.span, "apparmor_parser takes no such change_profile rule with an exec condition in a block", "put it outside of the block");
    }
    rule.prefix.owner = rule.prefix.owner && prefix.owner;
    rule.prefix.others = rule.prefix.others && prefix.others;
    rule.prefix.audit = rule.prefix.audit || prefix.audit;
    if (rule.forgotten_in.empty() && !SurvivesBlock(rule.body)) rule.forgotten_in = "a block";
    body.rules.push_back(std::move(rule));
  }
  for (auto& child : inner.children) {
    // Forgotten too: said of the profile by one rule that stands for it.
    sink_.Report(diag::Kind::kImportDroppedRule, child->name.span, fmt::format("apparmor_parser 3.0 forgets `{}`, since it stands in a block", child->name.value)).Help("put it outside of the block");
  }
  return true;
}

bool Parser::ParseConditional(Body& body) {
  bool decided = false;
  bool more = true;
  while (more) {
    bool holds = true;
    if (TakeKeyword("if")) {
      if (!ParseExpression(holds)) return false;
    }
    if (!Expect(TokenKind::kOpen, "`{`")) return false;
    Body inner;
    if (!ParseBody(inner) || !Expect(TokenKind::kClose, "a rule or `}`")) return false;
    if (holds && !decided) {
      decided = true;
      for (Rule& rule : inner.rules) {
        if (rule.forgotten_in.empty() && !SurvivesConditional(rule.body)) rule.forgotten_in = "a conditional";
        body.rules.push_back(std::move(rule));
      }
      for (auto& child : inner.children) {
        if (!AddChild(body.children, std::move(child), "this profile")) return false;
      }
    }
    // The last `else` has no condition; `else if` goes on.
    more = false;
    if (AtKeyword("else")) {
      Take();
      more = true;
      if (!AtKeyword("if") && !At(TokenKind::kOpen)) return Unexpected("`if` or `{`");
      if (At(TokenKind::kOpen)) {
        Take();
        Body last;
        if (!ParseBody(last) || !Expect(TokenKind::kClose, "a rule or `}`")) return false;
        if (decided) return true;
        for (Rule& rule : last.rules) {
          if (rule.forgotten_in.empty() && !SurvivesConditional(rule.body)) rule.forgotten_in = "a conditional";
          body.rules.push_back(std::move(rule));
        }
        for (auto& child : last.children) {
          if (!AddChild(body.children, std::move(child), "this profile")) return false;
        }
        return true;
      }
    }
  }
  return true;
}

bool Parser::ParseExpression(bool& value) {
  bool negative = false;
  while (TakeKeyword("not")) negative = !negative;
  const bool defined = TakeKeyword("defined");
  if (!At(TokenKind::kBoolVariable) && !(defined && At(TokenKind::kSetVariable))) return Unexpected(defined ? "a variable" : "a variable that is true or false");
  const Token written = Take();
  const std::string name = VariableName(written.text);
  const auto known = policy_->variables.find(name);
  if (defined && written.kind == TokenKind::kBoolVariable) {
    value = known != policy_->variables.end();
  } else if (defined) {
    value = known != policy_->variables.end() && known->second.is_set;
    std::string why;
    if (value && Expander(policy_->variables, "").Values(name, why) == nullptr) return Wrong(written.span, why);
  } else {
    if (known == policy_->variables.end() || known->second.is_set) return Wrong(written.span, fmt::format("`{}` is not declared as true or false", written.text));
    value = known->second.truth;
  }
  value = value != negative;
  return true;
}

bool Parser::ParseCapability(CapabilityRule& rule) {
  while (At(TokenKind::kId)) {
    const Token name = Take();
    if (!kernel::FindCapability(name.text) || name.text.starts_with("CAP_") || name.text.starts_with("cap_")) {
      const auto& names = kernel::CapabilityNames();
      return Wrong(name.span, fmt::format("`{}` is no capability", name.text), diag::DidYouMean(name.text, {names.begin(), names.end()}));
    }
    rule.names.push_back({name.text, name.span, true});
  }
  return ExpectEnd();
}

bool Parser::ParseNetwork(NetworkRule& rule) {
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", rule.family);
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", rule.type);
  if (At(TokenKind::kId)) {
    sink_.Report(diag::Kind::kApparmorNewer, Peek().span, fmt::format("a network rule of AppArmor 3.0 has a family and a type, not `{}`", Peek().text)).Help("permissions, addresses and ports are of later versions");
    return false;
  }
  if (!ExpectEnd()) return false;
  if (!rule.family.written) return true;
  const std::string& family = rule.family.value;
  const std::string& type = rule.type.value;
  const auto is_protocol = [](const std::string& word, bool icmp) { return word == "tcp" || word == "udp" || (icmp && word == "icmp"); };
  if (!rule.type.written) {
    if (IsFamily(family) || IsSocketType(family) || is_protocol(family, true)) return true;
    return Wrong(rule.family.span, fmt::format("`{}` is no address family and no type of socket", family), diag::DidYouMean(family, WordsOf("family")));
  }
  const bool fits = IsSocketType(type) || ((family == "inet" || family == "inet6") && is_protocol(type, family == "inet"));
  if (IsFamily(family) && fits) return true;
  return Wrong(rule.family.span, fmt::format("`{} {}` is no family and type of socket", family, type));
}

bool Parser::ParseRlimit(Body& body) {
  Rule rule;
  rule.span = Take().span;
  RlimitRule limit;
  if (!TakeKeyword("rlimit")) return Unexpected("`rlimit`");
  if (!TakeText(TokenKind::kId, "a resource", limit.resource) || !Expect(TokenKind::kLessEqual, "`<=`") || !TakeText(TokenKind::kValue, "a number or `infinity`", limit.value)) return false;
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", limit.unit);
  if (!ExpectEnd()) return false;
  if (!SetLimit(limit)) return false;
  rule.body = std::move(limit);
  body.rules.push_back(std::move(rule));
  return true;
}

bool Parser::SetLimit(RlimitRule& rule) {
  const std::string_view measure = RlimitUnit(rule.resource.value);
  if (measure.empty()) return Wrong(rule.resource.span, fmt::format("`{}` is no resource that can be limited", rule.resource.value), diag::DidYouMean(rule.resource.value, WordsOf("rlimit")));
  if (rule.value.value == "infinity") return true;
  const std::string& unit = rule.unit.value;
  const auto bad = [&](const std::string& why) { return Wrong(rule.value.span, fmt::format("limit `{}{}{}` of `{}` {}", rule.value.value, unit.empty() ? "" : " ", unit, rule.resource.value, why)); };
  const long long value = std::strtoll(rule.value.value.c_str(), nullptr, 0);  // leading 0: octal, as apparmor_parser reads it
  if (measure == "nice") {
    if (rule.unit.written) return bad("has no unit");
    if (value < -20 || value > 19) return bad("is not between -20 and 19");
    rule.limit = static_cast<uint64_t>(value + 20);
    return true;
  }
  if (value < 0) return bad("is negative");
  rule.limit = static_cast<uint64_t>(value);
  if (!rule.unit.written) return true;
  if (measure == "count") return bad("has no unit");
  if (measure == "bytes") {
    int shift = 0;
    if (unit == "K" || unit == "KB") shift = 10;
    if (unit == "M" || unit == "MB") shift = 20;
    if (unit == "G" || unit == "GB") shift = 30;
    if (shift == 0) return bad("is in no unit of memory (KB, MB, GB)");
    rule.limit = static_cast<uint64_t>(value) << shift;
    return true;
  }
  const auto micro = MicrosecondsOf(unit);
  const int64_t base = measure == "seconds" ? 1'000'000 : 1;
  if (!micro) return bad("is in no unit of time");
  if (value > std::numeric_limits<int64_t>::max() / *micro) return bad("is too large");
  if (value * *micro < base) return bad("is below the smallest that can be limited");
  rule.limit = static_cast<uint64_t>(value * *micro / base);
  return true;
}

bool Parser::ParseChangeProfile(ChangeProfileRule& rule) {
  const source::Span at = last_;
  if (AtKeyword("safe") || AtKeyword("unsafe")) rule.environment = Take().text == "safe" ? ChangeProfileRule::Environment::kSafe : ChangeProfileRule::Environment::kUnsafe;
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", rule.exec);
  if (At(TokenKind::kArrow)) {
    Take();
    if (!TakePath("the name of a profile", rule.target)) return false;
  }
  if (!ExpectEnd()) return false;
  if (!rule.exec.written && rule.environment != ChangeProfileRule::Environment::kUnstated) return Wrong(at, "`safe` and `unsafe` need the program whose exec changes the profile");
  if (rule.exec.written && !rule.exec.value.starts_with('/') && !rule.exec.value.starts_with("@{")) return Wrong(rule.exec.span, "the program whose exec changes the profile begins with `/` or a variable");
  return true;
}

}  // namespace ravelin::import::apparmor
