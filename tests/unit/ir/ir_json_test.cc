#include "compiler/ir/ir_json.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/compiled.h"

namespace ravelin::ir {
namespace {

const char kPolicy[] = R"(language 1
policy a {
  attach "/bin/a"
  architectures { x86_64, i386 }
  layers { seccomp + apparmor }
  logs: allow file { append } on path("/var/log/*") because "logs"
  allow network { listen } tcp port 80
  allow exec "/bin/b" as b
  deny syscall { ptrace } with errno(EACCES)
  allow syscall socket(domain in { AF_UNIX, AF_INET } && !(type == SOCK_RAW))
  never syscall reboot
  when boolean("web_mail") { allow file { read } on path("/var/mail/**") }
  accept gap logs wider on seccomp of file { write, create } bpf because "noted"
  raw apparmor "deny /x w,"
  default deny with errno(EPERM)
  unknown syscall with errno(ENOSYS)
}
policy b {
  layers { seccomp + apparmor }
  default deny with kill process
}
)";

TEST(IrJson, ReadsBackWhatItPrints) {
  const auto front = testing::ReadText(kPolicy);
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  const std::string text = DumpJson(front->policy);
  const auto again = ReadJson(text);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(DumpJson(*again), text);
  EXPECT_EQ(again->domains.size(), 2u);
  EXPECT_EQ(again->domains[0].rules.size(), front->policy.domains[0].rules.size());
}

TEST(IrJson, SurvivesDamage) {
  const auto front = testing::ReadText(kPolicy);
  const std::string text = DumpJson(front->policy);
  std::mt19937_64 random(5);
  size_t read = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string damaged = text;
    for (size_t i = 0; i < 1 + random() % 3; ++i) {
      const size_t at = random() % damaged.size();
      switch (random() % 4) {
        case 0: damaged[at] = static_cast<char>(random()); break;
        case 1: damaged.erase(at, 1 + random() % 40); break;
        case 2: damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 60)); break;
        default: damaged[at] = "0123456789{}[],:\"-"[random() % 18];
      }
    }
    const auto result = ReadJson(damaged);
    read += result.has_value() ? 1 : 0;
    if (!result) {
      EXPECT_FALSE(result.error().message.empty());
    }
  }
  EXPECT_LT(read, 1500u);
  EXPECT_FALSE(ReadJson(std::string(100000, '[')).has_value());
  EXPECT_FALSE(ReadJson("").has_value());
  EXPECT_FALSE(ReadJson(std::string(3, '\0')).has_value());
}

}  // namespace
}  // namespace ravelin::ir
