// Whatever the bytes are, parsing ends, says why, and goes on where it can.
#include <gtest/gtest.h>

#include "tests/unit/syntax/parsed.h"

namespace ravelin::syntax {
namespace {

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Prescan, RefusesWhatHidesText) {
  const struct {
    std::string text;
    const char* kinds;
  } cases[] = {
      {std::string("language 1\n\0", 12), "nul-byte "},
      {"language 1\n// \xff\n", "invalid-utf8 "},
      {"language 1\n// \xc0\xaf\n", "invalid-utf8 "},      // overlong
      {"language 1\n// \xed\xa0\x80\n", "invalid-utf8 "},  // a surrogate
      {"language 1\n// \xe2\x80\n", "invalid-utf8 "},      // cut short
      {"language 1\n// \xe2\x80\xae\n", "bidi-character "},
      {"language 1\npolicy \xd0\xb0 {\n}\n", "non-ascii-text "},
      {"language 1\nlet a = \"\xd0\xb0\"\n", "confusable-character "},
      {"language 1\nlet a = \"\xc3\xa9\" // \xd0\xb0\n", ""},
      {"\xef\xbb\xbflanguage 1\nlet a = 1\n", ""},
      {"language 1\r\nlet a = 1\r\n", ""},
      {"", "missing-language "},
      {"\n\n", "missing-language "},
      {"language 1\nlet a = \"x\n", "unterminated-string "},
      {"language 1\n/* x", "unterminated-comment "},
  };
  for (const auto& c : cases) EXPECT_EQ(Parsed(c.text).kinds, c.kinds) << c.text;
}

TEST(Prescan, BoundsNesting) {
  for (const char* open : {"(", "{"}) {
    const std::string close = *open == '(' ? ")" : "}";
    for (const size_t depth : {size_t{300}, size_t{100000}}) {
      EXPECT_EQ(Parsed("language 1\nlet a = " + Repeat(open, depth) + "1" + Repeat(close, depth) + "\n").kinds, "nesting-too-deep ") << open << depth;
      EXPECT_EQ(Parsed("language 1\nlet a = " + Repeat(open, depth)).kinds, "nesting-too-deep ") << open << depth;
    }
  }
  EXPECT_EQ(Parsed("language 1\nlet a = " + Repeat("(", 200) + "1" + Repeat(")", 200) + "\n").kinds, "");
}

TEST(Parse, SurvivesJunk) {
  std::string junk = "language 1\n";
  uint32_t state = 1;
  while (junk.size() < (size_t{5} << 20)) {
    state = state * 1664525 + 1013904223;
    junk += static_cast<char>(32 + (state >> 24) % 95);
    if (state >> 26 == 0) junk += '\n';
  }
  EXPECT_NE(Parsed(junk).kinds, "");
  for (char& c : junk) c = static_cast<char>(c * 37);
  EXPECT_NE(Parsed(junk).kinds, "");
}

TEST(Parse, FindsEveryMistakeOfAFile) {
  const Parsed parsed("language 1\nlet = 1\npolicy p {\n  allow\n  allow syscall read\n  allow file { read on path(\"/x\")\n  allow syscall write }\n}\nlet b = = 2\nlet c = 3\n");
  EXPECT_GE(parsed.sink.ErrorCount(), 3u) << parsed.Messages();
  EXPECT_EQ(parsed.file.shared.bindings.size(), 1u) << parsed.Messages();
}

TEST(Parse, TooLarge) { EXPECT_EQ(Parsed("language 1\n" + std::string(kMaxSourceBytes, ' ')).kinds, "file-too-large "); }

}  // namespace
}  // namespace ravelin::syntax
