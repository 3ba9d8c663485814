#include "compiler/driver/judge_tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/open_files.h"
#include "tests/support/compiled.h"

namespace ravelin::driver {
namespace {

using ::testing::HasSubstr;

// "" where the line holds, else what was decided instead.
std::string Outcome(const std::string& rules, const std::string& line, const std::string& more = "") {
  const auto front = testing::ReadText("language 1\npolicy p {\n" + rules + "\n  default deny with errno(EPERM)\n}\n" + more + "test p {\n  " + line + "\n}\n");
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << line;
  if (front->sink.HasErrors()) return "mistake";
  const auto verdicts = JudgeTests(*front);
  EXPECT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].passed, verdicts[0].instead.empty());
  return verdicts[0].instead;
}

#define HOLDS(rules, ...) EXPECT_EQ(Outcome(rules, __VA_ARGS__), "")
#define FAILS(rules, line, why) EXPECT_THAT(Outcome(rules, line), HasSubstr(why)) << (line)

// clause 10.1
TEST(Judge, PermitIsAllAndRefuseIsNone) {
  const char rules[] = "allow syscall clone(flags & CLONE_NEWUSER == 0)";
  FAILS(rules, "permit syscall clone", "is refused");
  FAILS(rules, "refuse syscall clone", "is permitted");
  HOLDS(rules, "permit syscall clone(CLONE_VM)");
  HOLDS(rules, "refuse syscall clone(CLONE_NEWUSER)");
  HOLDS(rules, "refuse syscall clone(CLONE_NEWUSER | CLONE_VM) with errno(EPERM)");
  FAILS(rules, "refuse syscall clone(CLONE_NEWUSER) with errno(EACCES)", "errno(EPERM)");
  HOLDS("allow syscall read with log", "permit syscall read with log");
  FAILS("allow syscall read", "permit syscall read with log", "is permitted");
  HOLDS("complain syscall read", "permit syscall read");
  HOLDS("deny syscall read with notify", "refuse syscall read with notify");
}

// clause 10.2
TEST(Judge, WhatALineLeavesOpenMayHaveAnyValue) {
  const char owner[] = "allow file { read } owner on path(\"/h/*\")";
  HOLDS(owner, "permit file { read } owner on \"/h/a\"");
  FAILS(owner, "permit file { read } on \"/h/a\"", "is refused");
  FAILS(owner, "refuse file { read } on \"/h/a\"", "owner on /h/a` is permitted");
  const char deny_owner[] = "allow file { read } on path(\"/h/*\")\n  deny file { read } owner on path(\"/h/a\")";
  FAILS(deny_owner, "permit file { read } on \"/h/a\"", "owner on /h/a` is refused");
  HOLDS(deny_owner, "refuse file { read } owner on \"/h/a\"");
  const char port[] = "allow network { listen } tcp port 80";
  HOLDS(port, "permit network { listen } tcp port 80");
  HOLDS(port, "refuse network { listen } tcp port 81");
  FAILS(port, "permit network { listen } tcp", "is refused");
  FAILS(port, "refuse network { listen } tcp", "port 80");
  HOLDS(port, "refuse network { create } family AF_ALG");
  HOLDS(port, "refuse network { connect } tcp port 80");
  const char text[] = "allow network { connect } unix abstract \"x\"";
  FAILS(text, "refuse network { connect } unix", "in some of the cases that the line leaves open");
  HOLDS(text, "refuse network { connect } unix abstract \"y\"");
  const char deny_text[] = "allow network { connect } unix\n  deny network { connect } unix abstract \"x\"";
  FAILS(deny_text, "permit network { connect } unix", "leaves open");
  HOLDS("allow signal { send } set TERM", "permit signal { send } set TERM");
  HOLDS("allow signal { send } set TERM", "refuse signal { send } set TERM peer outside");
  FAILS("allow signal { send } set TERM", "permit signal { send }", "is refused");
  const char command[] = "allow file { read, ioctl } command TCGETS on path(\"/dev/tty\")";
  HOLDS(command, "permit file { ioctl } command TCGETS on \"/dev/tty\"");
  HOLDS(command, "refuse file { ioctl } command TIOCSTI on \"/dev/tty\"");
  FAILS(command, "permit file { ioctl } on \"/dev/tty\"", "command 0");
}

TEST(Judge, ALineThatLeavesTooMuchOpenFails) {
  std::string ports;
  for (int i = 1; i < 20000; i += 2) ports += (ports.empty() ? "" : ", ") + std::to_string(i);
  const std::string rule = "allow network { listen } tcp port " + ports;
  EXPECT_THAT(Outcome(rule, "refuse network { bind }"), HasSubstr("name more of its attributes"));
  EXPECT_EQ(Outcome(rule, "refuse network { bind } tcp port 2"), "");
}

// clause 10.3
TEST(Judge, CallsOnEveryArchitecture) {
  const std::string both = "architectures { x86_64, i386 }\n  ";
  HOLDS(both + "allow syscall socket(domain == AF_INET)", "refuse syscall socket(AF_ALG)");
  FAILS(both + "allow syscall { read, socketcall }", "refuse syscall socketcall(1)", "on i386");
  HOLDS(both + "allow syscall waitpid", "permit syscall waitpid");  // x86_64 has no such call
  HOLDS("allow syscall close", "permit syscall close(0xffffffff)");
  HOLDS("", "refuse syscall socket(_, SOCK_STREAM, 0)");
}

// clauses 10.4 and 10.5
TEST(Judge, AnOperationNeedsACallThatCarriesItOut) {
  const char rules[] = "allow network { listen } tcp port 80\n  deny syscall listen with errno(ENOSYS)";
  FAILS(rules, "permit network { listen } tcp port 80", "no call carries");
  HOLDS(rules, "refuse network { listen } tcp port 80");
  HOLDS(rules, "refuse network { listen } tcp port 80 with errno(ENOSYS)");
  FAILS(rules, "refuse network { listen } tcp port 80 with errno(EPERM)", "errno(ENOSYS)");
  // Naming an operation asks for those that it brings; refusing it does not excuse the others.
  const char half[] = "allow file { write } on path(\"/x\")\n  deny file { truncate } on path(\"/x\")";
  FAILS(half, "permit file { write } on \"/x\"", "truncate");
  FAILS(half, "refuse file { write } on \"/x\"", "is permitted");
  // The registers that a row binds have the line's values.
  HOLDS("allow network { create }\n  deny syscall { socket(domain == AF_ALG), socketpair(domain == AF_ALG) }", "refuse network { create } family AF_ALG");
  HOLDS("allow network { create }\n  deny syscall { socket(domain == AF_ALG), socketpair(domain == AF_ALG) }", "permit network { create } family AF_INET");
  // A call whose arguments are in memory may carry out whatever they say.
  FAILS("architectures { i386 }\n  allow network { create }\n  allow syscall socketcall\n  deny syscall { socket, socketpair }", "refuse network { create } family AF_ALG", "is permitted");
  // No call shows a capability.
  HOLDS("allow capability { net_bind_service }", "permit capability { CAP_NET_BIND_SERVICE }");
  HOLDS("", "refuse capability { sys_admin } with errno(EPERM)");
}

// clause 10.6
TEST(Judge, WhatAnExecLeadsTo) {
  const std::string helper = "policy helper {\n  default deny\n}\n";
  const char rules[] = "allow exec \"/bin/h\" as helper\n  allow exec \"/bin/s\"";
  for (const char* line : {"permit exec \"/bin/h\"", "permit exec \"/bin/h\" as helper", "refuse exec \"/bin/h\" as self", "permit exec \"/bin/s\"", "permit exec \"/bin/s\" as self",
                           "refuse exec \"/bin/s\" as helper", "refuse exec \"/bin/x\"", "refuse exec \"/bin/s\" as unconfined_danger", "refuse exec \"/bin/x\" with errno(EPERM)"}) {
    EXPECT_EQ(Outcome(rules, line, helper), "") << line;
  }
  EXPECT_THAT(Outcome(rules, "refuse exec \"/bin/h\"", helper), HasSubstr("as helper` is permitted"));
  EXPECT_THAT(Outcome(rules, "permit exec \"/bin/h\" as self", helper), HasSubstr("is refused"));
}

// clause 10.7
TEST(Judge, TheObjectsActionComesFirst) {
  HOLDS("allow file { read } on path(\"/a\")\n  deny file { read } on path(\"/a\") with errno(ENOENT)", "refuse file { read } on \"/a\" with errno(ENOENT)");
  HOLDS("allow file { delete } on path(\"/a\")\n  deny file { delete } on path(\"/a\") with errno(ENOENT)\n  deny syscall { unlink, unlinkat, rmdir } with errno(EACCES)", "refuse file { delete } on \"/a\" with errno(ENOENT)");
  HOLDS("audit allow file { read } on path(\"/a\")", "permit file { read } on \"/a\" with log");
}

TEST(Judge, APathIsNamedAsItIs) {
  HOLDS("allow file { read } on path(\"/usr/bin/?\")", "permit file { read } on \"/usr/bin/\\\\[\"");
  HOLDS("let root = \"/srv\"\n  allow file { read } on path(\"/srv/*\")", "permit file { read } on \"${root}/x\"");
  HOLDS("resource one = path(\"/srv/x\")\n  allow file { read } on one", "permit file { read } on one");
}

TEST(OpenFiles, CountsWhatRulesMatch) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"etc/passwd", "etc/shadow", "srv/a", "srv/b/c", "var/log/x"}) folder.Write(name, "");
  const ir::Domain domain = testing::DomainOf(
      "language 1\npolicy p {\n  allow file { read } on path(\"/etc/*\")\n  deny file { read } on path(\"/etc/shadow\")\n  allow file { map_exec } on path(\"/srv/b/**\")\n"
      "  allow file { getattr } on path(\"/**\")\n  allow file { append } on path(\"/var/**\")\n  default deny\n}\n");
  const auto count = CountOpenFiles(domain, folder.path());
  ASSERT_TRUE(count.has_value()) << count.error().message;
  EXPECT_EQ(count->files, 5u);
  EXPECT_EQ(count->read, 2u);
  EXPECT_EQ(count->written, 1u);
  EXPECT_FALSE(CountOpenFiles(domain, folder.path() + "/none").has_value());
}

}  // namespace
}  // namespace ravelin::driver
