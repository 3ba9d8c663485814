#include "compiler/syntax/prescan.h"

#include <fmt/format.h>

#include "compiler/syntax/parse.h"

namespace ravelin::syntax {
namespace {

// Length of the UTF-8 sequence at `at`, its code point in `*out`; 0 when malformed.
size_t Decode(std::string_view text, size_t at, uint32_t* out) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char c = byte(0);
  const size_t length = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
  if (length == 0 || c >= 0xf5 || at + length > text.size()) return 0;
  uint32_t point = length == 1 ? c : c & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0;
  *out = point;
  return length;
}

bool IsBidi(uint32_t p) { return (p >= 0x202a && p <= 0x202e) || (p >= 0x2066 && p <= 0x2069) || p == 0x200e || p == 0x200f || p == 0x061c; }

// Letters of other scripts that look like ASCII ones, wide forms, and what cannot be seen.
bool IsConfusable(uint32_t p) {
  return (p >= 0x0391 && p <= 0x03c9) || (p >= 0x0400 && p <= 0x04ff) || (p >= 0xff01 && p <= 0xff5e) || (p >= 0x200b && p <= 0x200d) || p == 0x2060 || p == 0xfeff || p == 0x00a0;
}

class Scanner {
 public:
  Scanner(source::FileId file, std::string_view text, diag::Sink& sink) : file_(file), text_(text), sink_(sink) {}

  Scanned Run() {
    Scanned out;
    out.readable = true;
    size_t at = 0;
    bool ascii = true;
    for (const char c : text_) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    while (at < text_.size()) {
      uint32_t point = 0;
      const size_t length = Decode(text_, at, &point);
      if (length == 0) {
        Report(diag::Kind::kInvalidUtf8, at, 1, fmt::format("byte {:#04x} is not valid UTF-8 here", static_cast<unsigned char>(text_[at])));
        out.readable = false;
        return out;
      }
      if (!ascii) out.byte_of.push_back(static_cast<uint32_t>(at));
      if (!Step(at, length, point)) {
        out.readable = false;
        return out;
      }
      at += length;
    }
    if (!ascii) out.byte_of.push_back(static_cast<uint32_t>(text_.size()));
    return out;
  }

 private:
  enum class Place { kCode, kString, kLine, kBlock };

  void Report(diag::Kind kind, size_t at, size_t length, std::string message) {
    sink_.Report(kind, {file_, static_cast<uint32_t>(at), static_cast<uint32_t>(at + length)}, std::move(message));
  }

  bool Step(size_t at, size_t length, uint32_t point) {
    const char c = text_[at];
    const char next = at + 1 < text_.size() ? text_[at + 1] : '\0';
    if (point == 0) {
      Report(diag::Kind::kNulByte, at, 1, "the file holds a NUL byte");
      return false;
    }
    if (IsBidi(point)) {
      Report(diag::Kind::kBidiCharacter, at, length, fmt::format("U+{:04X} reorders the text around it", point));
      return false;
    }
    const bool mark = at == 0 && point == 0xfeff;  // a byte-order mark is read past
    if (length > 1 && place_ == Place::kCode && !mark) {
      Report(diag::Kind::kNonAsciiText, at, length, "letters outside ASCII are allowed in strings and comments only");
      return false;
    }
    if (place_ == Place::kString && IsConfusable(point)) Report(diag::Kind::kConfusableCharacter, at, length, fmt::format("U+{:04X} looks like another character", point));
    switch (place_) {
      case Place::kCode:
        if (c == '"') place_ = Place::kString;
        if (c == '#' || (c == '/' && next == '/')) place_ = Place::kLine;
        if (c == '/' && next == '*') {
          place_ = Place::kBlock;
          opened_ = at;
        }
        if ((c == '(' || c == '{') && ++depth_ > kMaxNesting) {
          Report(diag::Kind::kNestingTooDeep, at, 1, fmt::format("brackets are nested deeper than {} levels", kMaxNesting));
          return false;
        }
        if (c == ')' || c == '}') --depth_;
        break;
      case Place::kString:
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"' || c == '\n') {
          place_ = Place::kCode;
        }
        if (c == '\n') escaped_ = false;
        break;
      case Place::kLine:
        if (c == '\n') place_ = Place::kCode;
        break;
      case Place::kBlock:
        if (c == '*' && next == '/' && at > opened_ + 1) place_ = Place::kCode;
        break;
    }
    return true;
  }

  source::FileId file_;
  std::string_view text_;
  diag::Sink& sink_;
  Place place_ = Place::kCode;
  size_t opened_ = 0;
  int depth_ = 0;
  bool escaped_ = false;
};

}  // namespace

Scanned Prescan(source::FileId file, std::string_view text, diag::Sink& sink) { return Scanner(file, text, sink).Run(); }

}  // namespace ravelin::syntax
