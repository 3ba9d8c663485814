#include "compiler/import/apparmor/escapes.h"

#include <cctype>

namespace ravelin::import::apparmor {
namespace {

int DigitOf(char c, int base) {
  int value = -1;
  if (c >= '0' && c <= '9') value = c - '0';
  if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
  if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
  return value < base ? value : -1;
}

// At most `digits` digits, and none that would take the number past 255.
int Number(std::string_view text, size_t& pos, int base, int digits) {
  int value = 0;
  const size_t first = pos;
  for (; digits > 0 && pos < text.size() && DigitOf(text[pos], base) >= 0; --digits, ++pos) {
    const int next = value * base + DigitOf(text[pos], base);
    if (next > 255) break;
    value = next;
  }
  return pos == first ? -1 : value;
}

}  // namespace

int EscapeAt(std::string_view text, size_t& pos, std::string_view also) {
  if (pos >= text.size()) return -1;
  const char c = text[pos];
  if (c >= '0' && c <= '7') return Number(text, pos, 8, 3);
  if (c == 'd' || c == 'x') {
    size_t at = pos + 1;
    const int value = c == 'd' ? Number(text, at, 10, 3) : Number(text, at, 16, 2);
    if (value >= 0) pos = at;
    return value;
  }
  int value = -1;
  switch (c) {
    case '\\': value = '\\'; break;
    case '"': value = '"'; break;
    case 'a': value = '\a'; break;
    case 'e': value = 27; break;
    case 'f': value = '\f'; break;
    case 'n': value = '\n'; break;
    case 'r': value = '\r'; break;
    case 't': value = '\t'; break;
    default:
      if (also.find(c) != std::string_view::npos) value = static_cast<unsigned char>(c);
  }
  if (value >= 0) ++pos;
  return value;
}

std::string Unescape(std::string_view word) {
  if (!word.empty() && word[0] == '"') word = word.size() >= 2 ? word.substr(1, word.size() - 2) : std::string_view();
  std::string out;
  for (size_t i = 0; i < word.size();) {
    size_t end = i + 1;
    const int c = word[i] == '\\' && end < word.size() ? EscapeAt(word, end, "") : -1;
    if (c < 0) {
      out += word[i++];
      continue;
    }
    if (c == 0) {
      out += word.substr(i, end - i);  // NUL cannot stand in a string
    } else {
      if (std::string_view("*?[]{}^,\\").find(static_cast<char>(c)) != std::string_view::npos) out += '\\';
      out += static_cast<char>(c);
    }
    i = end;
  }
  return out;
}

std::string SqueezeSlashes(std::string_view path) {
  if (path.size() < 2) return std::string(path);
  std::string out;
  size_t i = 0;
  if (path[0] == '/' && path[1] == '/' && (path.size() == 2 || path[2] != '/')) {
    out = "//";
    i = 2;
  }
  bool slash = false;
  for (; i < path.size(); ++i) {
    if (path[i] == '/' && slash) continue;
    slash = path[i] == '/';
    out += path[i];
  }
  return out;
}

}  // namespace ravelin::import::apparmor
