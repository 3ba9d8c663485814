#include "profiler/observe/text_call.h"

#include <charconv>

namespace ravelin::observe {
namespace {

// Past a quoted string that begins at `at`.
size_t PastString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// "<" opens what a descriptor is only right behind one: "3</etc/passwd>", "AT_FDCWD</tmp>".
bool OpensDescriptor(std::string_view text, size_t at) { return at > 0 && (std::isdigit(static_cast<unsigned char>(text[at - 1])) != 0 || (at >= 8 && text.substr(at - 8, 8) == "AT_FDCWD")); }

int HexDigit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<TextCall> ParseTextCall(std::string_view text) {
  const size_t open = text.find('(');
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  TextCall call;
  call.name = text.substr(0, open);
  for (const char c : call.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return std::nullopt;
  }
  int depth = 0;
  size_t begin = open + 1;
  size_t at = open + 1;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      at = PastString(text, at) - 1;
    } else if (c == '<' && OpensDescriptor(text, at)) {
      const size_t close = text.find('>', at);
      if (close == std::string_view::npos) return std::nullopt;
      at = close;
    } else if (c == '(' || c == '{' || c == '[') {
      ++depth;
    } else if ((c == ')' && depth > 0) || c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      call.args.emplace_back(Trim(text.substr(begin, at - begin)));
      begin = at + 1;
    } else if (c == ')' && depth <= 0) {
      break;
    }
  }
  if (at >= text.size()) return std::nullopt;
  if (const std::string_view last = Trim(text.substr(begin, at - begin)); !last.empty() || !call.args.empty()) call.args.emplace_back(last);
  const size_t equals = text.find('=', at);
  if (equals == std::string_view::npos) return std::nullopt;
  call.result = Trim(text.substr(equals + 1));
  return call;
}

std::optional<uint64_t> ValueOf(kernel::Arch arch, std::string_view text) {
  uint64_t value = 0;
  text = Trim(text);
  if (text == "NULL") return 0;
  if (text.empty()) return std::nullopt;
  for (size_t at = 0; at <= text.size();) {
    const size_t bar = std::min(text.find('|', at), text.size());
    std::string_view part = Trim(text.substr(at, bar - at));
    at = bar + 1;
    // What a descriptor is, and a comment, are not part of the value.
    part = Trim(part.substr(0, std::min(part.find('<'), part.find(" /*"))));
    if (part.empty()) return std::nullopt;
    const bool negative = part.front() == '-';
    const bool hex = part.size() > 2 && part[0] == '0' && part[1] == 'x';
    const bool octal = part.size() > 1 && part[0] == '0' && !hex;
    const std::string_view digits = part.substr(negative ? 1 : hex ? 2 : octal && part[1] == 'o' ? 2 : 0);
    uint64_t one = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), one, hex ? 16 : octal ? 8 : 10);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      value |= negative ? ~one + 1 : one;
      continue;
    }
    if (const auto known = kernel::FindConstant(arch, part)) {
      value |= *known;
    } else if (const auto signal = kernel::FindSignal(arch, part); signal && part.rfind("SIG", 0) == 0) {
      value |= static_cast<uint64_t>(*signal);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

std::optional<std::string> StringOf(std::string_view text, bool* whole) {
  text = Trim(text);
  if (text.empty() || text.front() != '"') return std::nullopt;
  std::string out;
  size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] != '\\' || at + 1 >= text.size()) {
      out += text[at];
      continue;
    }
    const char c = text[++at];
    if (c == 'x' && at + 2 < text.size() && HexDigit(text[at + 1]) >= 0 && HexDigit(text[at + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[at + 1]) * 16 + HexDigit(text[at + 2]));
      at += 2;
    } else if (c >= '0' && c <= '7') {
      int value = 0;
      size_t digits = 0;
      for (; digits < 3 && at + digits < text.size() && text[at + digits] >= '0' && text[at + digits] <= '7'; ++digits) value = value * 8 + (text[at + digits] - '0');
      out += static_cast<char>(value);
      at += digits - 1;
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'v' ? '\v' : c == 'f' ? '\f' : c;
    }
  }
  if (at >= text.size()) return std::nullopt;
  if (whole != nullptr) *whole = text.substr(at + 1).rfind("...", 0) != 0;
  return out;
}

std::string Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string_view::npos) return "";
  const size_t end = text.find(after, begin + before.size());
  if (end == std::string_view::npos) return "";
  return std::string(text.substr(begin + before.size(), end - begin - before.size()));
}

}  // namespace ravelin::observe
