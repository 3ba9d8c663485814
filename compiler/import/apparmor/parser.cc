#include "compiler/import/apparmor/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/label.h"
#include "compiler/import/apparmor/variables.h"
#include "compiler/import/apparmor/words.h"

namespace ravelin::import::apparmor {

std::unique_ptr<Policy> Parse(source::SourceManager& sources, source::FileId file, const IncludeOptions& options, diag::Sink& sink) { return Parser(sources, file, options, sink).Run(); }

Parser::Parser(source::SourceManager& sources, source::FileId file, const IncludeOptions& options, diag::Sink& sink)
    : sink_(sink), includes_(sources, options), lexer_(sources, file, includes_, sink), policy_(std::make_unique<Policy>()) {}

std::unique_ptr<Policy> Parser::Run() {
  if (!Preamble()) return nullptr;
  while (!At(TokenKind::kEnd)) {
    bool hat = false;
    bool flagged = false;
    if (At(TokenKind::kProfile) || At(TokenKind::kHat) || At(TokenKind::kCaret)) {
      hat = Take().kind != TokenKind::kProfile;
      flagged = true;
    }
    std::unique_ptr<Profile> profile;
    if (!ParseProfile(hat, false, flagged, profile)) return nullptr;
    if (!AddChild(policy_->profiles, std::move(profile), "")) return nullptr;
  }
  return std::move(policy_);
}

const Token& Parser::Peek() {
  if (!next_) next_ = lexer_.Next();
  return *next_;
}

Token Parser::Take() {
  Token token = Peek();
  next_.reset();
  last_ = token.span;
  return token;
}

bool Parser::TakeKeyword(std::string_view word) {
  if (!AtKeyword(word)) return false;
  Take();
  return true;
}

bool Parser::Wrong(source::Span span, const std::string& message, const std::string& help) {
  diag::Diagnostic& d = sink_.Report(diag::Kind::kApparmorInvalid, span, message);
  if (!help.empty()) d.Help(help);
  return false;
}

bool Parser::IsOld(const std::string& word, source::Span span) {
  const std::string_view newer = NewerWord(word.substr(0, word.find('=')));
  if (newer.empty()) return true;
  sink_.Report(diag::Kind::kApparmorNewer, span, fmt::format("`{}` is not in the language of AppArmor 3.0 ({})", word, newer));
  return false;
}

bool Parser::Unexpected(const char* what) {
  const Token& token = Peek();
  if (token.kind == TokenKind::kError) return false;  // reported where it was read
  if (!IsOld(token.text, token.span)) return false;
  sink_.Report(diag::Kind::kApparmorSyntax, token.span, token.kind == TokenKind::kEnd ? fmt::format("the text ends where {} is expected", what) : fmt::format("`{}` stands where {} is expected", token.text, what));
  return false;
}

bool Parser::Expect(TokenKind kind, const char* what) {
  if (!At(kind)) return Unexpected(what);
  Take();
  return true;
}

bool Parser::TakeText(TokenKind kind, const char* what, Text& out) {
  if (!At(kind)) return Unexpected(what);
  const Token token = Take();
  out = {token.text, token.span, true};
  return true;
}

bool Parser::TakePath(const char* what, Text& out) {
  if (!At(TokenKind::kId) && !At(TokenKind::kSetVariable)) return Unexpected(what);
  const Token token = Take();
  out = {token.text, token.span, true};
  return true;
}

bool Parser::Preamble() {
  while (true) {
    if (AtKeyword("alias") || AtKeyword("rewrite")) {
      if (!ParseAlias()) return false;
    } else if (At(TokenKind::kSetVariable) || At(TokenKind::kBoolVariable)) {
      if (!ParseAssignment()) return false;
    } else if (AtKeyword("abi")) {
      if (!ParseAbi()) return false;
    } else {
      return true;
    }
  }
}

bool Parser::ParseAlias() {
  Take();
  Alias alias;
  if (!TakeText(TokenKind::kId, "a path", alias.from) || !Expect(TokenKind::kArrow, "`->`") || !TakeText(TokenKind::kId, "a path", alias.to) || !ExpectEnd()) return false;
  const auto same = [&](const Alias& other) { return other.from.value == alias.from.value && other.to.value == alias.to.value; };
  if (std::none_of(policy_->aliases.begin(), policy_->aliases.end(), same)) policy_->aliases.push_back(std::move(alias));
  return true;
}

bool Parser::ParseAssignment() {
  const Token written = Take();
  const std::string name = VariableName(written.text);
  const bool adds = At(TokenKind::kAddAssign);
  if (!adds && !At(TokenKind::kEquals)) return Unexpected("`=` or `+=`");
  Take();
  Variable variable;
  variable.span = written.span;
  variable.is_set = written.kind == TokenKind::kSetVariable;
  do {
    Text value;
    if (!TakeText(TokenKind::kValue, "a value", value)) return false;
    variable.values.push_back(std::move(value));
  } while (variable.is_set && At(TokenKind::kValue));
  const auto known = policy_->variables.find(name);
  if (!variable.is_set) {
    if (adds) return Wrong(written.span, fmt::format("`{}` is true or false: nothing can be added to it", written.text));
    std::string value = variable.values[0].value;
    std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (value != "true" && value != "false") return Wrong(variable.values[0].span, fmt::format("`{}` is neither true nor false", variable.values[0].value));
    variable.truth = value == "true";
  }
  if (!adds) {
    if (known != policy_->variables.end()) return Wrong(written.span, fmt::format("variable `{}` is declared twice", written.text), "`+=` adds values to it");
    policy_->variables[name] = std::move(variable);
    return true;
  }
  if (known == policy_->variables.end()) return Wrong(written.span, fmt::format("variable `{}` is not declared yet", written.text), "`=` declares it");
  if (!known->second.is_set) return Wrong(written.span, fmt::format("`{}` is true or false: nothing can be added to it", written.text));
  for (Text& value : variable.values) known->second.values.push_back(std::move(value));
  return true;
}

// The features that an abi file lists decide what the kernel enforces, not what may be written.
bool Parser::ParseAbi() {
  Take();
  if (!At(TokenKind::kPath) && !At(TokenKind::kValue)) return Unexpected("the name of a feature file");
  const Token name = Take();
  if (!ExpectEnd()) return false;
  if (includes_.IsFeatureFile(name.text, name.kind == TokenKind::kPath)) return true;
  sink_.Report(diag::Kind::kApparmorInclude, name.span, fmt::format("there is no feature file `{}`", name.text));
  return false;
}

bool Parser::AddChild(std::vector<std::unique_ptr<Profile>>& children, std::unique_ptr<Profile> child, const std::string& parent) {
  for (const auto& other : children) {
    if (other->plain != child->plain || other->space != child->space) continue;
    Wrong(child->name.span, parent.empty() ? fmt::format("profile `{}` is defined twice", child->name.value) : fmt::format("`{}` is defined twice in this profile", child->name.value));
    return false;
  }
  children.push_back(std::move(child));
  return true;
}

bool Parser::ParseProfile(bool is_hat, bool is_child, bool flagged, std::unique_ptr<Profile>& out) {
  out = std::make_unique<Profile>();
  out->is_hat = is_hat;
  out->is_child = is_child;
  if (!ParseHead(*out)) return false;
  if (!Expect(TokenKind::kOpen, "`{`")) return false;
  includes_.EnterScope();
  Body body;
  if (!ParseBody(body)) return false;
  if (!At(TokenKind::kClose)) return Unexpected("a rule or `}`");
  includes_.LeaveScope();
  Take();
  out->rules = std::move(body.rules);
  out->children = std::move(body.children);
  out->span = out->name.span;

  const Label label = ParseLabel(out->name.value);
  if (!label.error.empty()) return Wrong(out->name.span, fmt::format("{} in the profile name `{}`", label.error, out->name.value));
  if (label.stacks) return Wrong(out->name.span, "a profile's name cannot begin with `&`");
  out->space = label.space;
  out->plain = label.name;
  if (out->attachment.written && !out->attachment.value.starts_with('/') && !out->attachment.value.starts_with("@{")) {
    return Wrong(out->attachment.span, "a profile is attached to a path, which begins with `/` or a variable");
  }
  if (!is_child && !flagged && !out->plain.starts_with('/') && out->space.empty()) {
    return Wrong(out->name.span, fmt::format("`{}` is no path: a profile's name needs `profile` in front", out->name.value));
  }
  return true;
}

bool Parser::ParseHead(Profile& profile) {
  if (!TakeText(TokenKind::kId, "a profile", profile.name)) return false;
  if (At(TokenKind::kId) || At(TokenKind::kSetVariable)) {
    if (!TakePath("a path", profile.attachment)) return false;
  }
  if (At(TokenKind::kConditionListId)) {
    Conditions conditions;
    if (!ParseGroup(conditions)) return false;
    if (conditions.group.value != "xattrs") return Wrong(conditions.group.span, fmt::format("`{}=( )` does not belong to a profile", conditions.group.value));
    profile.xattrs = std::move(conditions.peer);
  }
  return ParseFlags(profile);
}

bool Parser::ParseFlags(Profile& profile) {
  if (At(TokenKind::kConditionId)) {
    const Token word = Take();
    if (!Expect(TokenKind::kEquals, "`=`")) return false;
    if (word.text != "flags") return Wrong(word.span, fmt::format("`{}=` does not belong to a profile", word.text), "write `flags=(...)`");
    if (!At(TokenKind::kOpenParen)) return Unexpected("`(`");
  }
  if (!At(TokenKind::kOpenParen)) return true;
  Take();
  do {
    Text flag;
    if (!TakeText(TokenKind::kValue, "a flag", flag)) return false;
    const auto group = FlagGroup(flag.value);
    if (!group) {
      if (!IsOld(flag.value, flag.span)) return false;
      return Wrong(flag.span, fmt::format("`{}` is no flag of a profile", flag.value), diag::DidYouMean(flag.value, WordsOf("flag")));
    }
    for (const Text& other : profile.flags) {
      if (other.value != flag.value && FlagGroup(other.value) == group) return Wrong(flag.span, fmt::format("flag `{}` is in conflict with `{}`", flag.value, other.value));
    }
    profile.flags.push_back(std::move(flag));
  } while (At(TokenKind::kValue));
  return Expect(TokenKind::kCloseParen, "`)`");
}

}  // namespace ravelin::import::apparmor
