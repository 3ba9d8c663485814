// Changes of domain, outcomes of execs, links of two names: compiled, proved, and what cannot be kept refused.
#include <gtest/gtest.h>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/compiled.h"

namespace ravelin::apparmor {
namespace {

#define NEEDS_PARSER() \
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message

std::string Web(const std::string& rules) { return "language 1\npolicy web {\n  default deny with errno(EPERM)\n" + rules + "\n}\npolicy helper {\n  default deny with errno(EPERM)\n}\n"; }

Artifact CompileText(const std::string& text) {
  const auto front = testing::ReadText(text);
  EXPECT_EQ(front->sink.ErrorCount(), 0u) << testing::Messages(*front);
  auto artifact = Compile(front->policy, {"6.1"}, {"test"});
  EXPECT_TRUE(artifact.has_value()) << artifact.error().message;
  return artifact ? *artifact : Artifact{};
}

void ExpectProved(const std::string& rules) {
  const Artifact artifact = CompileText(Web(rules));
  EXPECT_FALSE(artifact.profiles.empty());
  for (const ProfileResult& profile : artifact.profiles) {
    for (const Problem& problem : profile.problems) ADD_FAILURE() << rules << ": " << problem.message;
    EXPECT_TRUE(profile.proved) << rules << ": " << profile.why_not << "\n"
                                << artifact.text;
  }
}

// What the proof says of a policy's profile after its text has changed.
std::string After(const std::string& rules, const std::string& old_text, const std::string& new_text) {
  const auto front = testing::ReadText(Web(rules));
  auto artifact = Compile(front->policy, {"6.1"}, {});
  if (!artifact || artifact->text.empty()) return "no profile";
  const size_t at = artifact->text.find(old_text);
  if (at == std::string::npos) return "no such text in " + artifact->text;
  artifact->text.replace(at, old_text.size(), new_text);
  const auto verdict = RunParser(artifact->text, kernel::ApparmorFeaturesText("6.1"));
  if (!verdict || !verdict->accepted) return "not accepted";
  const auto compiled = ReadCompiled(verdict->binary);
  if (!compiled) return compiled.error().message;
  for (const CompiledProfile& profile : *compiled) {
    if (profile.name != "web") continue;
    const auto proof = Prove(front->policy, front->policy.domains[0], profile, "6.1");
    return !proof ? proof.error().message : proof->proved ? "proved"
                                                          : proof->difference;
  }
  return "no profile of that name";
}

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
    const Artifact artifact = CompileText(Web(rules));
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
    const Artifact artifact = CompileText(Web(rules));
    EXPECT_FALSE(artifact.profiles.empty() || artifact.profiles[0].problems.empty()) << rules;
  }
}

// A facet of which nothing is said is open, and its profile is accepted and proved all the same.
TEST(Apparmor, FilesOfWhichNothingIsSaid) {
  NEEDS_PARSER();
  const Artifact artifact = CompileText("language 1\npolicy web {\n  default deny network\n}\n");
  ASSERT_EQ(artifact.profiles.size(), 1u);
  EXPECT_TRUE(artifact.profiles[0].proved) << artifact.profiles[0].why_not;
}

}  // namespace
}  // namespace ravelin::apparmor
