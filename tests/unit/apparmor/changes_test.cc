// Changes of domain, outcomes of execs, links of two names: compiled, proved, and what cannot be kept refused.
#include <gtest/gtest.h>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "tests/support/profiles.h"

namespace ravelin::apparmor {
namespace {

#define NEEDS_PARSER() \
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message

std::string Web(const std::string& rules) { return "language 1\npolicy web {\n  default deny with errno(EPERM)\n" + rules + "\n}\npolicy helper {\n  default deny with errno(EPERM)\n}\n"; }

void ExpectProved(const std::string& rules) { EXPECT_EQ(testing::WhyNotProved(Web(rules)), "") << rules; }
std::string After(const std::string& rules, const std::string& old_text, const std::string& new_text) { return testing::ProofAfter(Web(rules), 0, old_text, new_text); }

TEST(ApparmorChanges, AreProved) {
  NEEDS_PARSER();
  ExpectProved("allow domain { change, change_at_exec } to helper");
  ExpectProved("allow domain { change, change_at_exec }");
  ExpectProved("allow domain { change, change_at_exec } to label(\"libvirt-*\", \":ns:**\", \"&[ab]?x\", \"a{b,c}//d\"), helper on \"/usr/bin/{a,b}*\", \"/opt/**\"");
  ExpectProved("allow domain { change, change_at_exec } to label(\"a\") on \"/usr/bin/x\" unscrubbed_danger\nallow domain { change, change_at_exec } to label(\"b\")");
  ExpectProved("allow domain { change, change_at_exec } to helper unscrubbed_danger");
  ExpectProved("deny domain { change, change_at_exec } to label(\"**\")");
  ExpectProved("default allow domain");
}

// Clause 8.7: what the parser adds by itself is part of what is proved, and a rule's refusal takes it away.
TEST(ApparmorChanges, BringAccessToTheKernelsFiles) {
  NEEDS_PARSER();
  ExpectProved("allow domain { change, change_at_exec } to helper\ndeny file { write } on path(\"/proc/**\")");
  ExpectProved("allow domain { change, change_at_exec } to helper\nallow file { read, write } on path(\"/proc/**\")\nquiet deny file { append } on path(\"/proc/1/attr/*\")\nquiet deny file { write, truncate, create, create_fifo, create_socket, create_char, create_block, create_symlink, delete, rename, setattr } on path(\"/proc/1/attr/*\")");
  EXPECT_NE(After("allow domain { change, change_at_exec } to helper", "change_profile -> helper,", "change_profile -> helper, /proc/*/attr/prev w,").find("/proc/"), std::string::npos);
}

TEST(ApparmorChanges, DifferencesAreFound) {
  NEEDS_PARSER();
  const std::string rules = "allow domain { change, change_at_exec } to helper on \"/usr/bin/a\"";
  EXPECT_EQ(After(rules, "-> helper", "-> helper"), "proved");
  EXPECT_NE(After(rules, "-> helper", "-> {helper,h}").find("changing to h"), std::string::npos);
  EXPECT_NE(After(rules, "/usr/bin/a", "/usr/bin/{a,b}").find("at the exec of /usr/bin/b"), std::string::npos);
  EXPECT_NE(After(rules, "change_profile ", "change_profile unsafe ").find("keeps the environment"), std::string::npos);
  EXPECT_NE(After("", "abi <abi/3.0>,\n\nprofile web {", "abi <abi/3.0>,\n\nprofile web {\n change_profile -> x,").find("a change of profile"), std::string::npos);
}

TEST(ApparmorChanges, WhatCannotBeKeptIsRefused) {
  NEEDS_PARSER();
  for (const char* rules : {"allow domain { change } to helper", "allow domain { change_at_exec } to helper on \"/x\"", "audit allow domain { change, change_at_exec } to helper",
                            "allow domain { change, change_at_exec } to helper\ndeny domain { change, change_at_exec } to label(\"x\")",
                            "allow domain { change, change_at_exec } to helper on \"/x\"\nallow domain { change, change_at_exec } to label(\"h*\") on \"/x\" unscrubbed_danger"}) {
    const Artifact artifact = testing::CompileProfiles(Web(rules));
    EXPECT_FALSE(artifact.profiles.empty() || artifact.profiles[0].problems.empty()) << rules;
    EXPECT_TRUE(artifact.text.empty()) << rules;
  }
}

TEST(ApparmorExec, OutcomesAreProved) {
  NEEDS_PARSER();
  for (const char* as : {"attached", "attached, self", "attached, unconfined_danger", "helper, self", "helper, unconfined_danger", "unconfined_danger", "helper"}) {
    for (const char* environment : {"", " unscrubbed_danger"}) ExpectProved(std::string("allow exec \"/usr/bin/a\" as ") + as + environment);
  }
  EXPECT_NE(After("allow exec \"/usr/bin/a\" as attached", "mPx", "mpx").find("environment"), std::string::npos);
  EXPECT_NE(After("allow exec \"/usr/bin/a\" as attached", "mPx", "mPix").find("/usr/bin/a"), std::string::npos);
  EXPECT_NE(After("allow exec \"/usr/bin/a\" as unconfined_danger unscrubbed_danger", "mux", "mUx").find("environment"), std::string::npos);
}

// Clause 8.4
TEST(ApparmorLinks, AreOfTwoNames) {
  NEEDS_PARSER();
  ExpectProved("allow file { link } on path(\"/a/*\") to path(\"/b/**\", \"/c\")");
  ExpectProved("allow file { link } owner on path(\"/a/*\") to path(\"/b/**\")\nallow file { link } on path(\"/a/x\")");
  ExpectProved("allow file { link } subset on path(\"/a/*\")\nallow file { read } on path(\"/a/*\")");
  ExpectProved("allow file { link } on path(\"/a/*\")\nquiet deny file { link } on path(\"/a/x\") to path(\"/b\")");
  ExpectProved("allow file { link } on path(\"/a/*\")\ndeny file { link } on path(\"/a/x\") to path(\"/b\")");
  ExpectProved("quiet deny file { link } on path(\"/a\") to path(\"/b\")");
  ExpectProved("audit allow file { link } on path(\"/a/*\") to path(\"/b\")");
  EXPECT_NE(After("allow file { link } on path(\"/a\") to path(\"/b\")", "-> /b", "-> /{b,c}").find("links"), std::string::npos);
  EXPECT_NE(After("allow file { link } on path(\"/a\") to path(\"/b\")", "link /a", "link subset /a").find("subset"), std::string::npos);
  EXPECT_NE(After("allow file { link } subset on path(\"/a\") to path(\"/b\")", "link subset /a", "link /a").find("subset"), std::string::npos);
  for (const char* rules : {"allow file { link } on path(\"/a\")\nallow file { link } subset on path(\"/a\")", "allow file { link } on path(\"/a\")\ndeny file { link } subset on path(\"/a\")"}) {
    const Artifact artifact = testing::CompileProfiles(Web(rules));
    EXPECT_FALSE(artifact.profiles.empty() || artifact.profiles[0].problems.empty()) << rules;
  }
}

// A facet of which nothing is said is open, and its profile is accepted and proved all the same.
TEST(Apparmor, FilesOfWhichNothingIsSaid) {
  NEEDS_PARSER();
  const Artifact artifact = testing::CompileProfiles("language 1\npolicy web {\n  default deny network\n}\n");
  ASSERT_EQ(artifact.profiles.size(), 1u);
  EXPECT_TRUE(artifact.profiles[0].proved) << artifact.profiles[0].why_not;
}

}  // namespace
}  // namespace ravelin::apparmor
