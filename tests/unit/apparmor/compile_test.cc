// Policies become profiles that apparmor_parser accepts and that are proved.
#include "backends/apparmor/apparmor.h"

#include <gtest/gtest.h>

#include "backends/apparmor/parser.h"
#include "tests/support/compiled.h"
#include "tests/support/profiles.h"

namespace ravelin::apparmor {
namespace {

#define NEEDS_PARSER() \
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message

void ExpectProved(const std::string& text) { EXPECT_EQ(testing::WhyNotProved(text), ""); }

std::string Web(const std::string& rules) { return "language 1\npolicy web {\n  default deny with errno(EPERM)\n" + rules + "\n}\npolicy helper {\n  default deny with errno(EPERM)\n}\n"; }

TEST(Apparmor, FilesAndDirectories) {
  NEEDS_PARSER();
  ExpectProved(Web("allow file { read } on path(\"/srv/**\", \"/etc/passwd\", \"/opt/*/x\")"));
  ExpectProved(Web("allow file { read, list } on path(\"/srv/**\", \"/etc/passwd\", \"/\", \"/a{b,}/*\")"));
  ExpectProved(Web("allow file { list, create_dir } on path(\"/srv/**\", \"/srv\")"));
  ExpectProved(Web("allow file { append, lock, link, map_exec } on path(\"/srv/*.log\")"));
  ExpectProved(Web("allow file { write, delete } on path(\"/srv/*/[a-c]?\", \"/x{y,z/**}\")"));
  ExpectProved(Web("allow file { read } owner on path(\"/home/*/**\")\nallow file { write } on path(\"/home/a/**\")"));
  ExpectProved(Web("allow file { read }"));
  ExpectProved(Web(""));
}

TEST(Apparmor, Denies) {
  NEEDS_PARSER();
  ExpectProved(Web("allow file { read, write } on path(\"/srv/**\")\ndeny file { read } on path(\"/srv/secret/**\")"));
  ExpectProved(Web("allow file { read, write, delete } on path(\"/srv/**\")\ndeny file { write } on path(\"/srv/secret/**\")"));
  ExpectProved(Web("allow file { read } on path(\"/srv/**\")\nquiet deny file { read } on path(\"/srv/secret/*\")"));
  // There is nothing to be silent of.
  ExpectProved(Web("allow exec path(\"/bin/x\")\nquiet exec path(\"/bin/x\")"));
  ExpectProved(Web("complain file { read } on path(\"/a\")\nquiet deny file { read } on path(\"/a\")"));
  ExpectProved(Web("audit allow file { read, list } on path(\"/srv/**\")\nallow file { write } on path(\"/srv/a\")"));
}

TEST(Apparmor, Exec) {
  NEEDS_PARSER();
  ExpectProved(Web("allow exec \"/usr/bin/*\"\nallow exec \"/usr/bin/openssl\" as helper"));
  ExpectProved(Web("allow exec \"/usr/bin/a\" as unconfined_danger"));
  ExpectProved(Web("allow exec path(\"/usr/bin/**\")\ndeny exec path(\"/usr/bin/x*\")"));
}

TEST(Apparmor, Others) {
  NEEDS_PARSER();
  ExpectProved(Web("allow capability { net_bind_service, setuid, bpf }\nquiet deny capability { sys_admin }\naudit allow capability { chown }"));
  ExpectProved(Web("allow network { listen, accept } tcp port 80, 443"));
  ExpectProved(Web("allow network { connect } unix\nallow network { create } netlink\nallow network { create } family AF_ALG type SOCK_SEQPACKET"));
  ExpectProved(Web("allow network { create }"));
  ExpectProved(Web("allow signal { send, receive } set SIGTERM, SIGKILL"));
  ExpectProved(Web("allow signal { send } set 0, SIGUSR1, 34 peer helper, outside\nallow ptrace { read } peer helper"));
  ExpectProved(Web("allow ptrace { trace, readby } peer outside"));
  ExpectProved(Web("allow mount { umount, pivot_root }"));
  ExpectProved(Web("audit allow signal { send } set SIGTERM peer helper\nallow signal { send } set SIGKILL peer helper"));
  ExpectProved(Web("quiet deny ptrace { read } peer outside\nallow ptrace { trace } peer helper"));
  ExpectProved(Web("complain ptrace { read } peer helper"));
  ExpectProved(Web("audit deny signal { send } set SIGTERM\naudit deny file { read } on path(\"/x\")"));
  ExpectProved("language 1\npolicy web {\n  attach \"/usr/sbin/nginx\"\n  attach \"/opt/*/nginx\"\n  default deny syscall, file with errno(EPERM)\n}\n");
}

// Clause 8.5: what AppArmor cannot keep is an error and not dropped.
TEST(Apparmor, WhatCannotBeSaidIsRefused) {
  NEEDS_PARSER();
  for (const char* rules : {"audit allow network { create } family AF_INET", "allow signal { send } set SIGTERM\naudit signal { send } set SIGTERM, SIGKILL", "allow file { read } on path(\"/a/**\")\naudit file { read } on path(\"/**\")",
                            "allow file { read } on path(\"/a/b\")\nquiet file { read } on path(\"/a/**\")", "raw apparmor \"/x r\"", "complain capability { chown }"}) {
    const Artifact artifact = testing::CompileProfiles(Web(rules));
    EXPECT_FALSE(artifact.profiles.empty() || artifact.profiles[0].problems.empty()) << rules;
    EXPECT_TRUE(artifact.text.empty()) << rules;
  }
}

TEST(Apparmor, PatternsThatBeginInBraces) {
  NEEDS_PARSER();
  ExpectProved(Web("allow file { read, list } on path(\"{/a,/b{/c,}}/**\", \"{/x,/y/}*\")\nallow exec \"{/bin,/usr/bin}/p\""));
  ExpectProved("language 1\npolicy web {\n  attach \"{/bin,/usr/bin}/web\"\n  default deny\n}\n");
}

}  // namespace
}  // namespace ravelin::apparmor
