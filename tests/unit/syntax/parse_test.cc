#include "compiler/syntax/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/ast/ast_text.h"

namespace ravelin::syntax {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  source::SourceManager sources;
  diag::Sink sink;
  ast::File file;
  std::string Messages() const { return diag::RenderText(sink, sources, {}); }
};

std::unique_ptr<Parsed> ParseText(std::string text) {
  auto out = std::make_unique<Parsed>();
  const source::FileId file = out->sources.Add("test.rav", std::move(text));
  out->file = Parse(out->sources, file, out->sink);
  return out;
}

size_t Errors(const std::string& text, diag::Kind kind) {
  const auto parsed = ParseText(text);
  return static_cast<size_t>(std::count_if(parsed->sink.All().begin(), parsed->sink.All().end(), [&](const auto& d) { return d.kind == kind; }));
}

TEST(Parse, WordsOfTheLanguageAreNamesElsewhere) {
  const auto parsed = ParseText(
      "language 1\npolicy allow {\n  kill: allow syscall { kill, mount, ptrace, accept, signal, module, policy, when }\n  allow mount { mount, umount }\n  allow ptrace { trace }\n"
      "  allow syscall accept(fd == 3)\n  set use = { kill, tkill }\n  deny syscall use\n  default deny with kill process\n}\n");
  EXPECT_FALSE(parsed->sink.HasErrors()) << parsed->Messages();
  EXPECT_THAT(ast::DumpJson(parsed->file), HasSubstr("\"ptrace\""));
}

TEST(Parse, StatementsGoOnWhereTheyMust) {
  const auto parsed = ParseText(
      "language 1\npolicy p {\n  allow syscall {\n    read,\n    write\n  }\n  allow file { read }\n    on path(\"/a\",\n            \"/b\")\n    because \"both\"\n"
      "  allow syscall ioctl(request == 1 ||\n    request == 2)\n  when target.kernel >= 6.7 {\n    allow syscall read\n  }\n  else {\n    allow syscall write\n  }\n  default deny\n}\n");
  EXPECT_FALSE(parsed->sink.HasErrors()) << parsed->Messages();
}

TEST(Parse, GoesOnAfterEveryMistake) {
  const auto parsed = ParseText("language 1\npolicy p {\n  allow syscall { read,, write }\n  allow file { read on path(\"/a\") }\n  allow syscall socket(domain = )\n  default deny\n}\npolicy q {\n  alow syscall read\n  default deny\n}\n");
  EXPECT_GE(parsed->sink.ErrorCount(), 4u) << parsed->Messages();
  EXPECT_THAT(parsed->Messages(), ::testing::AllOf(HasSubstr("test.rav:3:"), HasSubstr("test.rav:4:"), HasSubstr("test.rav:5:"), HasSubstr("test.rav:9:"), HasSubstr("did you mean `allow`?")));
}

TEST(Prescan, SaysWhatMakesTextUnreadable) {
  EXPECT_EQ(Errors(std::string("language 1\n\0", 12), diag::Kind::kNulByte), 1u);
  EXPECT_EQ(Errors("language 1\n// \xff\xfe\n", diag::Kind::kInvalidUtf8), 1u);
  EXPECT_EQ(Errors("language 1\n// \xc0\xaf overlong\n", diag::Kind::kInvalidUtf8), 1u);
  EXPECT_EQ(Errors("language 1\n// \xed\xa0\x80 surrogate\n", diag::Kind::kInvalidUtf8), 1u);
  EXPECT_EQ(Errors("language 1\n// \xe2\x80\xae reversed\n", diag::Kind::kBidiCharacter), 1u);
  EXPECT_EQ(Errors("language 1\npolicy p\xc3\xa9 {\n}\n", diag::Kind::kNonAsciiText), 1u);
  EXPECT_EQ(Errors("language 1\nlet a = \"/p\xd0\xb0th\"\n", diag::Kind::kConfusableCharacter), 1u) << "a Cyrillic letter";
  EXPECT_EQ(Errors("language 1\nlet a = \"open\n", diag::Kind::kUnterminatedString), 1u);
  EXPECT_EQ(Errors("language 1\n/* open\n", diag::Kind::kUnterminatedComment), 1u);
  EXPECT_EQ(Errors("language 1\n// caf\xc3\xa9 \xe2\x82\xac\n", diag::Kind::kNonAsciiText), 0u) << "comments may hold any letters";
}

TEST(Prescan, NestingIsBounded) {
  const auto nested = [](size_t depth, char open, char close) { return "language 1\npolicy p {\n  allow syscall read(fd == " + std::string(depth, open) + "1" + std::string(depth, close) + ")\n}\n"; };
  EXPECT_EQ(Errors(nested(200, '(', ')'), diag::Kind::kNestingTooDeep), 0u);
  EXPECT_EQ(Errors(nested(300, '(', ')'), diag::Kind::kNestingTooDeep), 1u);
  EXPECT_GE(Errors(nested(100000, '(', ')'), diag::Kind::kNestingTooDeep), 1u);
  EXPECT_GE(Errors("language 1\n" + std::string(100000, '{'), diag::Kind::kNestingTooDeep), 1u);
  // What nests without brackets is bounded as well.
  for (const char* prefix : {"!", "~", "-", "- "}) {
    std::string many;
    for (int i = 0; i < 20000; ++i) many += prefix;
    EXPECT_TRUE(ParseText("language 1\npolicy p {\n  allow syscall read(fd == " + many + "1)\n}\n")->sink.HasErrors()) << prefix;
  }
  std::string sum = "1";
  for (int i = 0; i < 20000; ++i) sum += " | 1";
  ParseText("language 1\npolicy p {\n  allow syscall read(fd == " + sum + ")\n  default deny\n}\n");
}

TEST(Parse, AnyBytesAreSurvived) {
  std::mt19937_64 random(17);
  const std::string good = "language 1\npolicy p {\n  allow file { read } on path(\"/a/**\") // c\n  when target.kernel >= 6.1 { allow syscall socket(domain in { AF_UNIX, 2..5 }) } else { deny syscall read }\n  default deny with errno(EPERM)\n}\n";
  for (int round = 0; round < 400; ++round) {
    std::string text = good;
    for (size_t i = 0; i < 1 + random() % 6; ++i) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 9); break;
        default: text.insert(at, std::string(1 + random() % 3, "{}()\",=|&.\n\\"[random() % 12])); break;
      }
      if (text.empty()) text = " ";
    }
    const auto parsed = ParseText(text);
    EXPECT_LE(parsed->sink.ErrorCount(), 100u);
  }
  std::string junk(200000, '\0');
  for (char& c : junk) c = static_cast<char>(random());
  EXPECT_TRUE(ParseText(junk)->sink.HasErrors());
  EXPECT_TRUE(ParseText("")->sink.HasErrors()) << "an empty file lacks `language 1`";
  EXPECT_FALSE(ParseText("language 1\r\npolicy p {\r\n  default deny\r\n}\r\n")->sink.HasErrors()) << "line ends of other systems";
}

}  // namespace
}  // namespace ravelin::syntax
