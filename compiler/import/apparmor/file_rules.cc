// Rules about files: path and permissions in either order, transitions, links.
#include <fmt/format.h>

#include "compiler/import/apparmor/label.h"
#include "compiler/import/apparmor/modes.h"
#include "compiler/import/apparmor/parser.h"

namespace ravelin::import::apparmor {
namespace {

bool HasSpace(const Text& label) {
  const Label parsed = ParseLabel(label.value);
  return parsed.error.empty() && !parsed.space.empty();
}

}  // namespace

bool Parser::ParseFile(const Prefix& prefix, FileRule& rule) {
  const source::Span at = Peek().span;
  if (AtKeyword("link")) {
    Take();
    return ParseLink(rule);
  }
  rule.keyword = TakeKeyword("file");
  if (rule.keyword && At(TokenKind::kEndOfRule)) {
    Take();
    // `file,`: every file, with every permission.
    rule.path = {"/{**,}", at, true};
    rule.modes = {true, true, true, true, true, true, {true, ExecTo::kInherit, ExecElse::kNone, false, ""}};
  } else {
    std::optional<bool> safe;
    if (AtKeyword("safe") || AtKeyword("unsafe")) safe = Take().text == "safe";
    if (!ParseFileTail(rule, safe)) return false;
  }
  const ExecMode& exec = rule.modes.exec;
  if (exec.present && prefix.deny && exec.IsQualified()) return Wrong(at, "a `deny` rule has `x` alone: it does not matter where the exec would have led");
  if (exec.present && !prefix.deny && !exec.IsQualified() && !rule.target.written) return Wrong(at, "an exec mode says where it leads: `ix`, `px`, `cx`, `ux` or `x -> name`");
  return true;
}

bool Parser::ParseFileTail(FileRule& rule, std::optional<bool> safe) {
  const source::Span at = Peek().span;
  Token modes;
  const bool modes_first = At(TokenKind::kMode);
  if (modes_first) {
    modes = Take();
    rule.subset = TakeKeyword("subset");
  } else if (!At(TokenKind::kId) && !At(TokenKind::kSetVariable)) {
    return Unexpected("a rule or `}`");
  }
  if (modes_first && At(TokenKind::kEndOfRule) && !IsOld(modes.text, modes.span)) return false;
  if (!TakePath("a path", rule.path)) return false;
  if (!modes_first) {
    if (!At(TokenKind::kMode)) {
      if (!IsOld(rule.path.value, rule.path.span)) return false;
      return Unexpected("the permissions of a file rule");
    }
    modes = Take();
  }
  if (At(TokenKind::kArrow)) {
    Take();
    if (!TakePath("a name or path", rule.target)) return false;
  }
  if (!modes_first && (At(TokenKind::kId) || At(TokenKind::kSetVariable))) return IsOld(rule.path.value, rule.path.span) && Wrong(Peek().span, fmt::format("the rule for `{}` has no `,` at its end", rule.path.value));
  if (!ExpectEnd()) return false;
  std::string why;
  if (!ParseModes(modes.text, rule.modes, why)) return Wrong(modes.span, why);
  ExecMode& exec = rule.modes.exec;
  if (modes_first) {
    const FileModes& m = rule.modes;
    if (rule.subset && (m.read || m.write || m.append || m.lock || m.mmap || exec.present)) return Wrong(modes.span, "`subset` is for link rules only");
    if (rule.target.written && m.link && exec.present) return Wrong(modes.span, "`->` cannot be of a link and of an exec at once");
    if (rule.target.written && m.link && HasSpace(rule.target)) return Wrong(rule.target.span, "a link's target has no namespace");
    rule.target_is_link = rule.target.written && m.link;
  }
  if (rule.target.written && !rule.target_is_link && exec.present) exec.named = rule.target.value;
  if (!safe) return true;
  if (!exec.present) return Wrong(at, "`safe` and `unsafe` are for exec permissions only");
  exec.keeps_environment = !*safe;
  return true;
}

bool Parser::ParseLink(FileRule& rule) {
  rule.subset = TakeKeyword("subset");
  rule.modes.link = true;
  rule.target_is_link = true;
  return TakePath("a path", rule.path) && Expect(TokenKind::kArrow, "`->`") && TakePath("the link's target", rule.target) && ExpectEnd();
}

}  // namespace ravelin::import::apparmor
