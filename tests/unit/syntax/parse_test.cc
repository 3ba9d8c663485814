#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/ast/ast_text.h"
#include "tests/unit/syntax/parsed.h"

namespace ravelin::syntax {
namespace {

using ::testing::HasSubstr;

TEST(Parse, WordsOfTheLanguageAreNamesElsewhere) {
  const Parsed parsed(
      "language 1\npolicy allow {\n  kill: allow syscall { kill, mount, ptrace, accept, signal, module, policy, when }\n  allow mount { mount, umount }\n  allow ptrace { trace }\n"
      "  allow syscall accept(fd == 3)\n  set use = { kill, tkill }\n  deny syscall use\n  default deny with kill process\n}\n");
  EXPECT_FALSE(parsed.sink.HasErrors()) << parsed.Messages();
  EXPECT_THAT(ast::DumpJson(parsed.file), HasSubstr("\"ptrace\""));
}

TEST(Parse, StatementsGoOnWhereTheyMust) {
  const Parsed parsed(
      "language 1\npolicy p {\n  allow syscall {\n    read,\n    write\n  }\n  allow file { read }\n    on path(\"/a\",\n            \"/b\")\n    because \"both\"\n"
      "  allow syscall ioctl(request == 1 ||\n    request == 2)\n  when target.kernel >= 6.7 {\n    allow syscall read\n  }\n  else {\n    allow syscall write\n  }\n  default deny\n}\n");
  EXPECT_FALSE(parsed.sink.HasErrors()) << parsed.Messages();
}

TEST(Parse, AnElseFollowsItsWhenAtOnce) {
  const std::string head = "language 1\n", when = "when target.kernel >= 6.7 {\n}\n";
  for (const std::string& text : {
           when + "policy p {\n  else {\n  }\n}\n",                                     // in another block than the `when`
           when + "let a = 1\nelse {\n}\n",                                             // after another statement
           when + "else when target.colour >= {\n  when target.kernel >= 1.0 {\n  }\n}\n",  // the condition does not parse
           when + "else policy p {\n}\n", when + "else }\n", when + "else\n", when + "else else {\n}\n", std::string("else {\n}\n")}) {
    const Parsed parsed(head + text);
    EXPECT_TRUE(parsed.sink.HasErrors()) << text;
    EXPECT_LE(parsed.sink.ErrorCount(), 2u) << text << parsed.Messages();
  }
  EXPECT_FALSE(Parsed(head + when + "else when target.kernel >= 6.1 {\n}\n\n// still at once\nelse {\n}\n").sink.HasErrors());
}

TEST(Parse, GoesOnAfterEveryMistake) {
  const Parsed parsed("language 1\npolicy p {\n  allow syscall { read,, write }\n  allow file { read on path(\"/a\") }\n  allow syscall socket(domain = )\n  default deny\n}\npolicy q {\n  alow syscall read\n  default deny\n}\n");
  EXPECT_GE(parsed.sink.ErrorCount(), 4u) << parsed.Messages();
  EXPECT_THAT(parsed.Messages(), ::testing::AllOf(HasSubstr("test.rav:3:"), HasSubstr("test.rav:4:"), HasSubstr("test.rav:5:"), HasSubstr("test.rav:9:"), HasSubstr("did you mean `allow`?")));
}

TEST(Parse, WhatNestsWithoutBracketsIsBounded) {
  for (const char* prefix : {"!", "~", "-", "- "}) {
    std::string many;
    for (int i = 0; i < 20000; ++i) many += prefix;
    EXPECT_TRUE(Parsed("language 1\npolicy p {\n  allow syscall read(fd == " + many + "1)\n}\n").sink.HasErrors()) << prefix;
  }
  std::string sum = "1";
  for (int i = 0; i < 20000; ++i) sum += " | 1";
  Parsed("language 1\npolicy p {\n  allow syscall read(fd == " + sum + ")\n  default deny\n}\n");
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
    const Parsed parsed(text);
    EXPECT_LE(parsed.sink.ErrorCount(), 100u);
  }
}

}  // namespace
}  // namespace ravelin::syntax
