#include "compiler/import/apparmor/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/import/apparmor/escapes.h"
#include "compiler/import/apparmor/scan.h"

namespace ravelin::import::apparmor {
namespace {

constexpr size_t kMaxDepth = 100;  // of includes in includes, as apparmor_parser's stack of buffers

// What was matched.  The order in which a state tries them decides between matches of equal length.
enum Rule : int {
  kNothing, kBlanks, kNewLine, kComment, kIncludeWord, kIncludeIfExistsWord, kIncludeName, kConditionListId, kConditionId,
  kIdThenPop, kValueThenPop, kIdStays, kRawIdStays, kValueStays, kConditionName, kCloseThenPop, kPopSilently, kCommaSkipped,
  kEqualsThenValue, kEquals, kOpenList, kOpenConditions, kInWord, kEqualsThenList, kEqualsThenOne, kTrailingComma, kContinued, kLineThenPop,
  kSafeWord, kArrowThenId, kArrowStays, kLessEqual, kPermWord, kOpenPush, kModeWord, kCaretWord, kAssignWord, kAddAssignWord,
  kSetVar, kBoolVar, kOpenBrace, kCloseBrace, kHatWord, kProfileWord, kNameWord, kEndOfRule, kAbiName
};

constexpr std::array<std::string_view, 46> kKeywords = {
    "network", "unix", "capability", "if", "else", "not", "defined", "change_profile", "unsafe", "safe", "link", "owner", "user", "other", "subset", "audit",
    "deny", "allow", "set", "rlimit", "alias", "rewrite", "ptrace", "file", "mount", "remount", "umount", "unmount", "pivot_root", "in", "dbus", "signal",
    "send", "receive", "bind", "read", "write", "eavesdrop", "peer", "trace", "tracedby", "readby", "abi", "", "", ""};

// The state in which the rest of such a rule is read.
LexState StateOf(std::string_view keyword) {
  if (keyword == "rlimit") return LexState::kRlimit;
  if (keyword == "network") return LexState::kNetwork;
  if (keyword == "change_profile") return LexState::kChangeProfile;
  if (keyword == "mount" || keyword == "remount" || keyword == "umount" || keyword == "unmount") return LexState::kMount;
  if (keyword == "dbus") return LexState::kDbus;
  if (keyword == "signal") return LexState::kSignal;
  if (keyword == "ptrace") return LexState::kPtrace;
  if (keyword == "unix") return LexState::kUnix;
  if (keyword == "abi") return LexState::kAbi;
  return LexState::kInitial;
}

// The words of a rule's kind that stand without brackets.
bool IsPermissionOf(LexState state, std::string_view word) {
  const auto in = [&](std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (in({"read", "write"})) return true;
  if (state == LexState::kUnix && in({"create", "listen", "accept", "connect", "getattr", "setattr", "getopt", "setopt", "shutdown"})) return true;
  if ((state == LexState::kDbus || state == LexState::kUnix) && word == "bind") return true;
  if (state == LexState::kDbus && word == "eavesdrop") return true;
  if (state != LexState::kPtrace && in({"send", "receive"})) return true;
  return state == LexState::kPtrace && in({"trace", "readby", "tracedby"});
}

bool HasConditions(LexState state) {
  return state == LexState::kInitial || state == LexState::kMount || state == LexState::kDbus || state == LexState::kSignal || state == LexState::kPtrace || state == LexState::kUnix;
}

// The name in <name>, without the blanks round it.
std::string NameOf(std::string_view word) {
  if (word[0] == '<') {
    word = word.substr(1, word.size() - 2);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
  }
  return Unescape(word);
}

char At(std::string_view text, size_t pos) { return pos < text.size() ? text[pos] : '\0'; }

}  // namespace

Lexer::Lexer(source::SourceManager& sources, source::FileId file, Includes& includes, diag::Sink& sink) : sources_(sources), includes_(includes), sink_(sink), states_{LexState::kInitial}, last_file_(file) {
  frames_.push_back({file, sources.Text(file)});
}

void Lexer::Try(size_t end, int rule) { TryBefore(end, end, rule); }

void Lexer::TryBefore(size_t end, size_t reach, int rule) {
  if (end == kNone || reach == kNone || reach <= best_.reach) return;
  best_ = {reach, end, rule};
}

void Lexer::Fail(const std::string& message, source::Span span) {
  if (!failed_) sink_.Report(diag::Kind::kApparmorSyntax, span, message);
  failed_ = true;
}

Token Lexer::Next() {
  while (!failed_) {
    while (!frames_.empty() && frames_.back().pos >= frames_.back().text.size()) frames_.pop_back();
    if (frames_.empty()) {
      const auto end = static_cast<uint32_t>(sources_.Text(last_file_).size());
      return {TokenKind::kEnd, "", {last_file_, end, end}};
    }
    if (frames_.size() == 1) last_file_ = frames_.back().file;
    const LexState state = State();
    best_ = {Pos(), Pos(), kNothing};
    MatchState(state);
    Token token;
    const auto begin = static_cast<uint32_t>(Pos());
    if (best_.rule == kNothing) {
      Fail(fmt::format("unexpected character `{}`", Text().substr(begin, 1)), {frames_.back().file, begin, begin + 1});
      break;
    }
    token.span = {frames_.back().file, begin, static_cast<uint32_t>(best_.end)};
    if (Act(state, token)) return token;
  }
  return {TokenKind::kError, "", {last_file_, 0, 0}};
}

void Lexer::MatchConditions(LexState state) {
  if (!HasConditions(state)) return;
  const std::string_view text = Text();
  for (const std::string_view word : {"peer", "xattrs"}) {
    const size_t end = MatchWord(text, Pos(), word);
    if (end == kNone) continue;
    const size_t equals = SkipBlanks(text, end);
    if (At(text, equals) != '=') continue;
    const size_t open = SkipBlanks(text, equals + 1);
    if (At(text, open) == '(') TryBefore(end, open + 1, kConditionListId);
  }
  const size_t end = MatchVariableName(text, Pos());
  if (end == kNone) return;
  const size_t next = SkipBlanks(text, end);
  if (At(text, next) == '=') TryBefore(end, next + 1, kConditionId);
  if (next > end && MatchWord(text, next, "in") != kNone) {
    const size_t open = SkipBlanks(text, next + 2);
    if (At(text, open) == '(') TryBefore(end, open + 1, kConditionId);
  }
}

void Lexer::MatchInitial() {
  const std::string_view text = Text();
  const size_t pos = Pos();
  const auto if_exists = [&](size_t end) {
    size_t at = end == kNone ? kNone : SkipBlanks(text, end);
    if (at == kNone || at == end || MatchWord(text, at, "if") == kNone) return kNone;
    const size_t second = SkipBlanks(text, at + 2);
    at = second == at + 2 ? kNone : MatchWord(text, second, "exists");
    return at != kNone && IsBlank(At(text, at)) ? at : kNone;
  };
  const size_t hash_word = MatchWord(text, pos, "#include");
  const size_t bare_word = MatchWord(text, pos, "include");
  if (const size_t end = if_exists(hash_word); end != kNone) TryBefore(end, MatchRestOfLine(text, end), kIncludeIfExistsWord);
  if (const size_t end = if_exists(bare_word); end != kNone) TryBefore(end, end + 1, kIncludeIfExistsWord);
  if (hash_word != kNone) TryBefore(hash_word, MatchRestOfLine(text, hash_word), kIncludeWord);
  if (bare_word != kNone && IsBlank(At(text, bare_word))) TryBefore(bare_word, bare_word + 1, kIncludeWord);
  if (At(text, pos) == '#') Try(MatchRestOfLine(text, pos), kComment);
  Try(MatchWord(text, pos, "^"), kCaretWord);
  Try(MatchWord(text, pos, "->"), kArrowThenId);
  Try(MatchWord(text, pos, "="), kAssignWord);
  Try(MatchWord(text, pos, "+="), kAddAssignWord);
  Try(MatchSetVariable(text, pos), kSetVar);
  Try(MatchBoolVariable(text, pos), kBoolVar);
  Try(MatchWord(text, pos, "{"), kOpenBrace);
  Try(MatchWord(text, pos, "}"), kCloseBrace);
  Try(MatchLabel(text, pos), kIdStays);
  Try(MatchQuotedLabel(text, pos), kIdStays);
  if (const size_t end = MatchModes(text, pos); end != kNone) TryBefore(end, end + 1, kModeWord);
  if (const size_t end = MatchWord(text, pos, "hat"); end != kNone) Try(SkipBlanks(text, end), kHatWord);
  if (const size_t end = MatchWord(text, pos, "profile"); end != kNone) Try(SkipBlanks(text, end), kProfileWord);
  Try(MatchWord(text, pos, "("), kOpenPush);
  Try(MatchVariableName(text, pos), kNameWord);
}

// mount, dbus, signal, ptrace and unix rules.
void Lexer::MatchRuleWords(LexState state) {
  const std::string_view text = Text();
  const size_t pos = Pos();
  if (state == LexState::kMount) {
    Try(MatchWord(text, pos, "->"), kArrowStays);
  } else {
    const size_t word = MatchVariableName(text, pos);
    if (word != kNone && IsPermissionOf(state, text.substr(pos, word - pos))) Try(word, kPermWord);
    Try(MatchWord(text, pos, "("), kOpenPush);
    for (const std::string_view mode : {"r", "w", "rw", "wr"}) {
      const size_t end = MatchWord(text, pos, mode);
      if (end != kNone && end < text.size() && std::string_view(" \t\n\r\v\f,").find(text[end]) != std::string_view::npos) TryBefore(end, end + 1, kModeWord);
    }
  }
  Try(MatchIdsWithoutEquals(text, pos), kIdStays);
  Try(MatchLabel(text, pos), kIdStays);
  Try(MatchQuoted(text, pos, true), kIdStays);
}

void Lexer::MatchLists(LexState state) {
  const std::string_view text = Text();
  const size_t pos = Pos();
  switch (state) {
    case LexState::kListValues:
      Try(MatchWord(text, pos, ")"), kCloseThenPop);
      Try(MatchWord(text, pos, ","), kCommaSkipped);
      Try(MatchListValue(text, pos), kValueStays);
      Try(MatchQuoted(text, pos, true), kValueStays);
      return;
    case LexState::kCondition:
      if (At(text, pos) == '=') {
        const size_t next = SkipBlanks(text, pos + 1);
        if (next < text.size() && text[next] != '(' && text[next] != '\n') TryBefore(next, next + 1, kEqualsThenValue);
        Try(pos + 1, kEquals);
      }
      Try(MatchWord(text, pos, "("), kOpenList);
      Try(MatchWord(text, pos, "in"), kInWord);
      return;
    case LexState::kListConditionValue:
      Try(MatchListValue(text, pos), kValueThenPop);
      Try(MatchQuoted(text, pos, false), kValueThenPop);
      return;
    case LexState::kListConditionValues:
      Try(MatchWord(text, pos, ")"), kPopSilently);
      Try(MatchListValue(text, pos), kValueStays);
      Try(MatchQuoted(text, pos, false), kValueStays);
      return;
    case LexState::kListConditions:
      Try(MatchWord(text, pos, ")"), kCloseThenPop);
      Try(MatchWord(text, pos, ","), kCommaSkipped);
      Try(MatchConditionName(text, pos), kConditionName);
      if (At(text, pos) == '=') {
        const size_t open = SkipBlanks(text, pos + 1);
        if (At(text, open) == '(') Try(open + 1, kEqualsThenList);
        Try(pos + 1, kEqualsThenOne);
      }
      return;
    default:  // kConditionList
      Try(MatchWord(text, pos, "="), kEquals);
      Try(MatchWord(text, pos, "("), kOpenConditions);
  }
}

void Lexer::MatchState(LexState state) {
  const std::string_view text = Text();
  const size_t pos = Pos();
  const bool strict = state == LexState::kSubId || state == LexState::kSubValue;
  if (!strict && IsBlank(At(text, pos))) {
    Try(SkipBlanks(text, pos), kBlanks);
    return;
  }
  MatchConditions(state);
  switch (state) {
    case LexState::kInitial: MatchInitial(); break;
    case LexState::kSubId:
    case LexState::kSubIdSpaced:
    case LexState::kSubValue:
      Try(MatchIds(text, pos), state == LexState::kSubValue ? kValueThenPop : kIdThenPop);
      Try(MatchQuoted(text, pos, true), state == LexState::kSubValue ? kValueThenPop : kIdThenPop);
      break;
    case LexState::kInclude:
    case LexState::kIncludeIfExists: Try(MatchIncludeName(text, pos), kIncludeName); break;
    case LexState::kAbi: Try(MatchIncludeName(text, pos), kAbiName); break;
    case LexState::kAssign:
      Try(MatchIds(text, pos), kValueStays);
      Try(MatchQuoted(text, pos, true), kValueStays);
      Try(MatchWord(text, pos, ","), kTrailingComma);
      Try(MatchWord(text, pos, "\\\n"), kContinued);
      Try(MatchLineEnd(text, pos), kLineThenPop);
      break;
    case LexState::kNetwork: Try(MatchIds(text, pos), kRawIdStays); break;
    case LexState::kChangeProfile:
      Try(MatchWord(text, pos, "safe"), kSafeWord);
      Try(MatchWord(text, pos, "unsafe"), kSafeWord);
      Try(MatchWord(text, pos, "->"), kArrowThenId);
      Try(MatchIds(text, pos), kIdStays);
      Try(MatchQuoted(text, pos, true), kIdStays);
      break;
    case LexState::kRlimit: {
      size_t end = pos + (At(text, pos) == '-' ? 1 : 0);
      const size_t first = end;
      while (At(text, end) >= '0' && At(text, end) <= '9') ++end;
      if (end > first) Try(end, kValueStays);
      end = pos;
      while (std::isalpha(static_cast<unsigned char>(At(text, end))) != 0 || At(text, end) == '_') ++end;
      if (end > pos) Try(end, text.substr(pos, end - pos) == "infinity" ? kValueStays : kRawIdStays);
      Try(MatchWord(text, pos, "<="), kLessEqual);
      break;
    }
    case LexState::kMount:
    case LexState::kDbus:
    case LexState::kSignal:
    case LexState::kPtrace:
    case LexState::kUnix: MatchRuleWords(state); break;
    default: MatchLists(state);
  }
  const bool ends_rules = state == LexState::kNetwork || state == LexState::kRlimit || state == LexState::kChangeProfile || state == LexState::kAbi || HasConditions(state);
  if (ends_rules) Try(MatchWord(text, pos, ","), kEndOfRule);
  if (!strict && state != LexState::kAssign) Try(MatchLineEnd(text, pos), kNewLine);
}

bool Lexer::Act(LexState state, Token& token) {
  const std::string_view word = Text().substr(Pos(), best_.end - Pos());
  frames_.back().pos = best_.end;
  const auto give = [&](TokenKind kind, std::string text) {
    token.kind = kind;
    token.text = std::move(text);
    return true;
  };
  const auto push = [&](LexState next) { states_.push_back(next); };
  switch (best_.rule) {
    case kBlanks: case kNewLine: case kComment: case kContinued: case kCommaSkipped: return false;
    case kIncludeWord: push(LexState::kInclude); return false;
    case kIncludeIfExistsWord: push(LexState::kIncludeIfExists); return false;
    case kIncludeName:
      states_.pop_back();
      Include(token, word, state == LexState::kIncludeIfExists);
      return false;
    case kAbiName: return give(word[0] == '<' ? TokenKind::kPath : TokenKind::kValue, NameOf(word));
    case kConditionListId: push(LexState::kConditionList); return give(TokenKind::kConditionListId, std::string(word));
    case kConditionId: push(LexState::kCondition); return give(TokenKind::kConditionId, std::string(word));
    case kIdStays: return give(TokenKind::kId, Unescape(word));
    case kRawIdStays: return give(TokenKind::kId, std::string(word));
    case kSafeWord: case kPermWord: return give(TokenKind::kKeyword, std::string(word));
    case kArrowThenId: push(LexState::kSubIdSpaced); return give(TokenKind::kArrow, "->");
    case kArrowStays: return give(TokenKind::kArrow, "->");
    case kLessEqual: return give(TokenKind::kLessEqual, "<=");
    case kModeWord: return give(TokenKind::kMode, std::string(word));
    case kCaretWord: push(LexState::kSubId); return give(TokenKind::kCaret, "^");
    case kHatWord: push(LexState::kSubId); return give(TokenKind::kHat, "hat");
    case kProfileWord: push(LexState::kSubId); return give(TokenKind::kProfile, "profile");
    case kAssignWord: push(LexState::kAssign); return give(TokenKind::kEquals, "=");
    case kAddAssignWord: push(LexState::kAssign); return give(TokenKind::kAddAssign, "+=");
    case kSetVar: return give(TokenKind::kSetVariable, std::string(word));
    case kBoolVar: return give(TokenKind::kBoolVariable, std::string(word));
    case kOpenBrace: return give(TokenKind::kOpen, "{");
    case kCloseBrace: return give(TokenKind::kClose, "}");
    case kNameWord:
      token.text = std::string(word);
      Keyword(token);
      return true;
    case kTrailingComma: Fail("the values of a variable end at the end of the line, without a comma", token.span); return false;
    case kLineThenPop: states_.pop_back(); return false;
    case kEndOfRule:
      if (state != LexState::kInitial) states_.pop_back();
      return give(TokenKind::kEndOfRule, ",");
    default: token.text = std::string(word); return ActOnList(token);
  }
}

bool Lexer::ActOnList(Token& token) {
  const auto give = [&](TokenKind kind) {
    token.kind = kind;
    return true;
  };
  switch (best_.rule) {
    case kIdThenPop: states_.pop_back(); token.text = Unescape(token.text); return give(TokenKind::kId);
    case kValueThenPop: states_.pop_back(); token.text = Unescape(token.text); return give(TokenKind::kValue);
    case kValueStays: token.text = Unescape(token.text); return give(TokenKind::kValue);
    case kConditionName: token.text = Unescape(token.text); return give(TokenKind::kConditionId);
    case kCloseThenPop: states_.pop_back(); return give(TokenKind::kCloseParen);
    case kPopSilently: states_.pop_back(); return false;
    case kEqualsThenValue: states_.back() = LexState::kSubValue; return give(TokenKind::kEquals);
    case kEquals: return give(TokenKind::kEquals);
    case kOpenList: states_.back() = LexState::kListValues; return give(TokenKind::kOpenParen);
    case kOpenConditions: states_.back() = LexState::kListConditions; return give(TokenKind::kOpenParen);
    case kOpenPush: states_.push_back(LexState::kListValues); return give(TokenKind::kOpenParen);
    case kEqualsThenList: states_.push_back(LexState::kListConditionValues); return give(TokenKind::kEquals);
    case kEqualsThenOne: states_.push_back(LexState::kListConditionValue); return give(TokenKind::kEquals);
    default: return give(TokenKind::kIn);  // kInWord
  }
}

void Lexer::Keyword(Token& token) {
  if (std::find(kKeywords.begin(), kKeywords.end(), token.text) == kKeywords.end()) {
    token.kind = TokenKind::kId;
    return;
  }
  token.kind = TokenKind::kKeyword;
  const LexState next = StateOf(token.text);
  if (next != LexState::kInitial) states_.push_back(next);
}

void Lexer::Include(const Token& token, std::string_view word, bool if_exists) {
  const bool angled = word[0] == '<';
  const std::string name = NameOf(word);
  const auto found = includes_.Find(name, angled);
  const auto fail = [&](const std::string& message) {
    sink_.Report(diag::Kind::kApparmorInclude, token.span, message).Help("folders are searched in the order of `-I`, then /etc/apparmor.d; `include if exists` leaves it out");
    failed_ = true;
  };
  if (!found) return fail(fmt::format("`{}` cannot be read: {}", name, found.error().message));
  if (!found->exists && !if_exists) return fail(fmt::format("there is no `{}` to include", name));
  if (frames_.size() + found->files.size() > kMaxDepth) return fail(fmt::format("includes go deeper than {}", kMaxDepth));
  for (auto it = found->files.rbegin(); it != found->files.rend(); ++it) frames_.push_back({*it, sources_.Text(*it)});
}

}  // namespace ravelin::import::apparmor
