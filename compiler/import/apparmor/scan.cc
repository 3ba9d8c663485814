#include "compiler/import/apparmor/scan.h"

#include <algorithm>
#include <cctype>

namespace ravelin::import::apparmor {
namespace {

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNameChar(char c) { return IsAlpha(c) || (c >= '0' && c <= '9') || c == '_'; }
bool In(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

// Characters but those of `stops`; a comma before such a character; a backslash before one of `escaped`.
struct Word {
  std::string_view stops;    // ',' is among them
  std::string_view escaped;  // all of them among `stops`
};
constexpr Word kIds = {" \t\r\n\"!,", " \t\"!,"};
constexpr Word kIncludeIds = {" \t\r\n\"!,<>", " \t\"!,"};
constexpr Word kAfterVariable = {" \t\n\"!,=+", " \t\"!,()"};
constexpr Word kListValues = {" \t\n\"!,()", " \t\"!,()"};

// One unit of such a word.
size_t Unit(std::string_view text, size_t pos, const Word& word, bool comma) {
  if (pos >= text.size()) return kNone;
  const char next = pos + 1 < text.size() ? text[pos + 1] : '\n';
  if (text[pos] == '\\' && In(word.escaped, next)) return pos + 2;
  if (!In(word.stops, text[pos])) return pos + 1;
  if (comma && text[pos] == ',' && pos + 1 < text.size() && !In(word.stops, next)) return pos + 2;
  return kNone;
}

size_t Units(std::string_view text, size_t pos, const Word& word, bool comma) {
  for (size_t end = Unit(text, pos, word, comma); end != kNone; end = Unit(text, pos, word, comma)) pos = end;
  return pos;
}

size_t AtLeastOne(std::string_view text, size_t pos, const Word& word, bool comma) {
  const size_t end = Units(text, pos, word, comma);
  return end == pos ? kNone : end;
}

// A quoted text ends at its last possible quote: a backslash before one may or may not escape it.
size_t Quoted(std::string_view text, size_t pos, size_t least) {
  size_t end = kNone;
  for (size_t i = pos; i < text.size() && text[i] != '\0'; ++i) {
    if (text[i] != '"') continue;
    if (i - pos >= least) end = i + 1;
    if (i == pos || text[i - 1] != '\\') break;
  }
  return end;
}

size_t Variable(std::string_view text, size_t pos, char sigil) {
  if (pos >= text.size() || text[pos] != sigil) return kNone;
  const bool braced = pos + 1 < text.size() && text[pos + 1] == '{';
  const size_t end = MatchVariableName(text, pos + (braced ? 2 : 1));
  if (end == kNone || !braced) return end;
  return end < text.size() && text[end] == '}' ? end + 1 : kNone;
}

}  // namespace

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

size_t SkipBlanks(std::string_view text, size_t pos) {
  while (pos < text.size() && IsBlank(text[pos])) ++pos;
  return pos;
}

size_t MatchIds(std::string_view text, size_t pos) { return AtLeastOne(text, pos, kIds, true); }
size_t MatchListValue(std::string_view text, size_t pos) { return AtLeastOne(text, pos, kListValues, false); }

size_t MatchQuoted(std::string_view text, size_t pos, bool empty_too) {
  if (pos >= text.size() || text[pos] != '"') return kNone;
  return Quoted(text, pos + 1, empty_too ? 0 : 1);
}

size_t MatchIncludeName(std::string_view text, size_t pos) {
  if (pos >= text.size()) return kNone;
  if (text[pos] == '"') return MatchQuoted(text, pos, true);
  if (text[pos] != '<') return AtLeastOne(text, pos, kIncludeIds, true);
  size_t end = pos + 1;
  if (end < text.size() && text[end] == '"') {
    end = MatchQuoted(text, end, true);
    return end != kNone && end < text.size() && text[end] == '>' ? end + 1 : kNone;
  }
  while (end < text.size() && !In("\">\t\r\n", text[end])) ++end;
  return end > pos + 1 && end < text.size() && text[end] == '>' ? end + 1 : kNone;
}

size_t MatchConditionName(std::string_view text, size_t pos) {
  size_t end = pos;
  while (end < text.size() && !In(" \t\n\"!,=)", text[end])) ++end;
  return end == pos ? kNone : end;
}

size_t MatchIdsWithoutEquals(std::string_view text, size_t pos) {
  if (pos >= text.size() || In(" \t\n\"!,=()+&", text[pos])) return kNone;
  constexpr Word kWithoutEquals = {" \t\n\"!,=)", ""};
  return Units(text, pos + 1, kWithoutEquals, true);
}

size_t MatchVariableName(std::string_view text, size_t pos) {
  if (pos >= text.size() || !IsAlpha(text[pos])) return kNone;
  while (pos < text.size() && IsNameChar(text[pos])) ++pos;
  return pos;
}

size_t MatchSetVariable(std::string_view text, size_t pos) { return Variable(text, pos, '@'); }
size_t MatchBoolVariable(std::string_view text, size_t pos) { return Variable(text, pos, '$'); }

size_t MatchLabel(std::string_view text, size_t pos) {
  if (pos >= text.size()) return kNone;
  if (In("/:&", text[pos])) return Units(text, pos + 1, kIds, true);
  const size_t variable = MatchSetVariable(text, pos);
  if (variable == kNone) return kNone;
  size_t end = kNone;
  if (const size_t more = Unit(text, variable, kAfterVariable, true); more != kNone) end = Units(text, more, kIds, true);
  // Without braces the name's last letter may count as what follows a shorter name.
  const bool long_name = text[pos + 1] != '{' && variable - pos > 2;
  if (!long_name) return end;
  const size_t other = Units(text, variable, kIds, true);
  return end == kNone ? other : std::max(end, other);
}

size_t MatchQuotedLabel(std::string_view text, size_t pos) {
  if (pos + 1 >= text.size() || text[pos] != '"' || !In("/@:&", text[pos + 1])) return kNone;
  return Quoted(text, pos + 2, 0);
}

size_t MatchModes(std::string_view text, size_t pos) {
  const size_t first = pos;
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<char>(std::tolower(static_cast<unsigned char>(text[i]))) : '\n'; };
  for (; pos < text.size(); ) {
    const char c = text[pos];
    if (In(" \t\n\r\v\f,", c)) return pos == first ? kNone : pos;
    if (In("RrWwaLlMmkXx", c)) {
      ++pos;
    } else if (In("pcui", at(pos)) && at(pos + 1) == 'x') {
      pos += 2;
    } else if (In("pc", at(pos)) && In("iu", at(pos + 1)) && at(pos + 2) == 'x') {
      pos += 3;
    } else {
      return kNone;
    }
  }
  return kNone;  // the text ended first
}

size_t MatchWord(std::string_view text, size_t pos, std::string_view word) { return text.substr(std::min(pos, text.size())).starts_with(word) ? pos + word.size() : kNone; }

size_t MatchLineEnd(std::string_view text, size_t pos) {
  if (pos < text.size() && text[pos] == '\r') ++pos;
  return pos < text.size() && text[pos] == '\n' ? pos + 1 : kNone;
}

size_t MatchRestOfLine(std::string_view text, size_t pos) {
  const size_t end = text.find('\n', std::min(pos, text.size()));
  return end == std::string_view::npos ? kNone : end + 1;
}

}  // namespace ravelin::import::apparmor
