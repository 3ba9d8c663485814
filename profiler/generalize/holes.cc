// Names that change from run to run: what of them stays, and of what kind the rest is.
#include <fmt/format.h>

#include <algorithm>

#include "profiler/generalize/paths.h"

namespace ravelin::generalize {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsWord(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

template <typename Predicate>
bool All(const std::vector<std::string>& texts, const Predicate& good) {
  return std::all_of(texts.begin(), texts.end(), [&](const std::string& text) { return std::all_of(text.begin(), text.end(), good); });
}

std::string Times(const std::string& what, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += what;
  return out;
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool Separates(char c) { return c == '.' || c == '-' || c == '_' || c == '@' || c == '#' || c == ':' || c == '+'; }

// "1.2.3", "2.36-9": digits first, more of them behind a point or a dash, and no word in it.
bool IsVersion(const std::string& text) {
  if (text.empty() || !IsDigit(text.front())) return false;
  size_t letters = 0;
  bool parts = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    parts = parts || (i > 1 && IsDigit(c) && (text[i - 1] == '.' || text[i - 1] == '-') && IsDigit(text[i - 2]));
    letters = IsLower(c) ? letters + 1 : 0;
    if (letters > 3 || (!IsDigit(c) && !IsLower(c) && c != '.' && c != '-' && c != '+' && c != '~')) return false;
  }
  return parts;
}

// "de_DE.UTF-8@euro" (setlocale(3)): a language of two letters or three, a territory, a character set, a modifier; or C, POSIX.
struct LocaleName {
  bool is = false;
  bool territory = false;
  bool charset = false;
  bool modifier = false;
};
LocaleName ReadLocale(const std::string& name) {
  LocaleName out;
  size_t at = 0;
  if (name.compare(0, 5, "POSIX") == 0) {
    at = 5;
  } else if (name.front() == 'C' && (name.size() == 1 || !IsWord(name[1]))) {
    at = 1;
  } else {
    while (at < name.size() && IsLower(name[at])) ++at;
    if (at != 2 && at != 3) return out;
    out.territory = at + 2 < name.size() && name[at] == '_' && IsUpper(name[at + 1]) && IsUpper(name[at + 2]);
    at += out.territory ? 3 : 0;
  }
  const auto word = [&](char first, bool& there) {
    if (at >= name.size() || name[at] != first) return;
    const size_t begin = ++at;
    while (at < name.size() && (IsWord(name[at]) || name[at] == '-')) ++at;
    there = at > begin;
  };
  word('.', out.charset);
  word('@', out.modifier);
  out.is = at == name.size();
  return out;
}

// Words of two letters are many: a territory says that they are languages, and behind a dot only what character sets are called.
Hole LocaleHole(const std::vector<std::string>& names) {
  LocaleName any;
  bool all_have_territory = true;
  for (const std::string& name : names) {
    const LocaleName one = ReadLocale(name);
    if (!one.is || (one.charset && !one.territory && IsLower(name.front()))) return {};
    any.territory = any.territory || one.territory;
    all_have_territory = all_have_territory && (one.territory || !IsLower(name.front()));
    any.charset = any.charset || one.charset;
    any.modifier = any.modifier || one.modifier;
  }
  if (!any.territory) return {};
  const std::string charset = any.charset ? "{,.[A-Z]*,.utf8}" : "";
  const std::string territory = "_[A-Z][A-Z]" + charset;
  const std::string none = charset.empty() ? "C,POSIX," : "{C,POSIX}" + charset + ",";
  return {"{" + none + "[a-z][a-z]{,[a-z]}" + (all_have_territory ? territory : "{," + territory + "}") + "}" + (any.modifier ? "{,@*}" : ""), "a locale", true};
}

}  // namespace

std::string Literal(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '{' || c == '}' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

Hole HoleOf(const std::vector<std::string>& names) {
  if (names.size() < 2) return {};
  if (Hole locale = LocaleHole(names); !locale.pattern.empty()) return locale;
  size_t prefix = names[0].size();
  size_t suffix = names[0].size();
  for (const std::string& name : names) {
    size_t p = 0;
    while (p < prefix && p < name.size() && name[p] == names[0][p]) ++p;
    prefix = p;
    size_t s = 0;
    while (s < suffix && s < name.size() && name[name.size() - 1 - s] == names[0][names[0].size() - 1 - s]) ++s;
    suffix = s;
  }
  // What a separator does not end may be equal by chance.
  size_t stem = prefix;
  while (stem > 0 && !Separates(names[0][stem - 1])) --stem;
  // What is in front of the rest ("tmp" of Python's "tmpab12cd", gcc's "cc") is kept where so many names would not agree in it by chance: 62 letters and digits to the power of
  // the letters that agree.
  if (stem == 0) {
    size_t letters = 0;
    while (letters < prefix && !IsDigit(names[0][letters]) && IsWord(names[0][letters])) ++letters;
    stem = std::min<size_t>(letters, 3);
    if (stem * (names.size() - 1) < 3) stem = 0;
  }
  size_t shortest = names[0].size();
  for (const std::string& name : names) shortest = std::min(shortest, name.size());
  size_t tail = std::min(suffix, shortest - std::min(shortest, stem));
  while (tail > 0 && !Separates(names[0][names[0].size() - tail])) --tail;
  std::vector<std::string> middles;
  for (const std::string& name : names) {
    if (stem + tail > name.size()) return {};
    middles.push_back(name.substr(stem, name.size() - stem - tail));
  }
  const std::string before = Literal(names[0].substr(0, stem));
  const std::string after = Literal(names[0].substr(names[0].size() - tail));
  const bool same_size = std::all_of(middles.begin(), middles.end(), [&](const std::string& one) { return one.size() == middles[0].size(); });
  const size_t n = middles[0].size();
  if (std::all_of(middles.begin(), middles.end(), IsUuid)) {
    const std::string hex = "[0-9a-fA-F]";
    return {before + Times(hex, 8) + "-" + Times(hex, 4) + "-" + Times(hex, 4) + "-" + Times(hex, 4) + "-" + Times(hex, 12) + after, "a UUID"};
  }
  if (std::any_of(middles.begin(), middles.end(), [](const std::string& one) { return one.empty(); })) return {};
  if (All(middles, IsDigit)) {
    // Times and counters with leading zeros begin alike; of numbers that begin otherwise a smaller one will be shorter.
    const bool alike = std::all_of(middles.begin(), middles.end(), [&](const std::string& one) { return one[0] == middles[0][0]; });
    if (same_size && alike && n >= 8 && n <= 20) return {before + Times("[0-9]", n) + after, fmt::format("{} digits, a time or a number", n)};
    // Behind ".so." it is the version of a library.
    const bool library = before.ends_with(".so.");
    return {before + "[0-9]*" + after, library ? "a version" : "a number", library};
  }
  if (std::all_of(middles.begin(), middles.end(), IsVersion)) return {before + "[0-9]*" + after, "a version", true};
  if (same_size && n >= 8 && All(middles, IsHex)) return {before + Times("[0-9a-fA-F]", n) + after, fmt::format("{} hexadecimal digits", n)};
  if (same_size && n >= 6 && n <= 16 && All(middles, IsWord)) return {before + Times("[0-9a-zA-Z_]", n) + after, fmt::format("{} characters, as mktemp chooses them", n)};
  return {};
}

Hole HoleOfRandom(const std::string& name) {
  // Words between separators; the last that looks like chance.
  Hole out;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = begin;
    while (end < name.size() && !Separates(name[end])) ++end;
    const std::string word = name.substr(begin, end - begin);
    size_t digits = 0;
    size_t upper = 0;
    size_t lower = 0;
    bool plain = true;
    for (size_t i = 0; i < word.size(); ++i) {
      plain = plain && IsWord(word[i]);
      digits += IsDigit(word[i]) ? 1 : 0;
      upper += i > 0 && word[i] >= 'A' && word[i] <= 'Z' ? 1 : 0;
      lower += word[i] >= 'a' && word[i] <= 'z' ? 1 : 0;
    }
    // Digits at the end alone count something.
    const bool counted = digits > 0 && word.find_first_of("0123456789") + digits == word.size();
    const bool mixed = (digits > 0 && !counted && lower + upper > 0) || (upper > 0 && lower > 0);
    if (plain && mixed && word.size() >= 6 && word.size() <= 16) {
      out = {Literal(name.substr(0, begin)) + Times("[0-9a-zA-Z_]", word.size()) + Literal(name.substr(end)), fmt::format("{} characters, as mktemp chooses them", word.size())};
    }
    begin = end + 1;
  }
  return out;
}

}  // namespace ravelin::generalize
