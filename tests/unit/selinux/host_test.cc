// Modules beside a host's policy: a small one of our own, and Debian's where tests/fetch_refpolicy.sh has put it.
#include "backends/selinux/host.h"

#include <gmock/gmock.h>

#include <chrono>

#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Granted;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SelinuxSource;

// Our own base with what a distribution's policy has beside: types of ports, entries of file_contexts, grants to every domain.
selinux::Host SmallHost(const std::string& more = "") {
  const auto& capabilities = selinux::TargetFacts().policy_capabilities;
  return {{{"host.cil", selinux::StandaloneBase({capabilities.begin(), capabilities.end()}) +
                            "(type http_port_t)\n(typeattributeset port_type (http_port_t))\n(type unreserved_port_t)\n(typeattributeset port_type (unreserved_port_t))\n"
                            "(portcon tcp 80 (system_u object_r http_port_t ((s0) (s0))))\n(portcon tcp 443 (system_u object_r http_port_t ((s0) (s0))))\n"
                            "(portcon tcp (1024 65535) (system_u object_r unreserved_port_t ((s0) (s0))))\n"
                            "(type etc_t)\n(typeattributeset file_type (etc_t))\n(allow domain etc_t (file (getattr)))\n"
                            "(filecon \"/srv/.*\" any (system_u object_r default_t ((s0) (s0))))\n(filecon \"/etc/.*\" file (system_u object_r etc_t ((s0) (s0))))\n" +
                            more}},
          ""};
}

selinux::Options Beside(const selinux::Host& host) {
  selinux::Options options;
  options.form = selinux::Form::kModule;
  options.host = &host;
  return options;
}

Result<selinux::Artifact> Compiled(const std::string& rules, const selinux::Host& host) { return selinux::Compile(testing::PolicyOf(SelinuxSource(rules)), Beside(host)); }

std::string Why(const Result<selinux::Artifact>& artifact) {
  if (!artifact) return artifact.error().message;
  std::string text;
  for (const auto& conflict : artifact->module.conflicts) text += conflict.text + "; " + conflict.help + "\n";
  for (const auto& d : artifact->proof.differences) text += d.text + "\n";
  for (const auto& i : artifact->proof.inconclusive) text += i + "\n";
  return text;
}

TEST(SelinuxHost, AModuleIsProvedBesideAHost) {
  const selinux::Host host = SmallHost();
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")\n  allow file { create, append } on path(\"/srv/log/web/*.log\")\n  allow network { listen } tcp port 8080", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact);
  EXPECT_EQ(artifact->cil.rfind("; SELinux policy", 0), 0u) << "the module alone";
  EXPECT_TRUE(artifact->binary.empty());
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("/srv/www/**: a new type web_srv_www_t, since a grant on the host's default_t would reach all of its objects")));
}

TEST(SelinuxHost, TypesOfPathsByTheHost) {
  const auto contexts = selinux::ReadContexts("/.*\tsystem_u:object_r:default_t:s0\n/etc/.*\t--\tsystem_u:object_r:etc_t:s0\n# a note\n/etc/x\tsystem_u:object_r:x_t:s0\n/etc/x.*\tsystem_u:object_r:y_t:s0\n/etc/none <<none>>\n");
  ASSERT_TRUE(contexts.has_value()) << contexts.error().message;
  const std::vector<std::string> paths = {"/etc/a", "/etc/x", "/etc/xy", "/srv", "/etc/none"};
  using ::testing::Pair;
  EXPECT_THAT(selinux::HostTypes(*contexts, paths), ElementsAre(Pair("/etc/a", "etc_t"), Pair("/etc/x", "x_t"), Pair("/etc/xy", "y_t"), Pair("/srv", "default_t")));
  EXPECT_THAT(selinux::HostTypes(*contexts, paths, "dir"), Contains(Pair("/etc/a", "default_t")));
  for (const char* wrong : {"/x\n", "/x system_u:object_r\n", "/x -f system_u:object_r:x_t\n", "/x -- system_u:object_r:x_t more\n"}) EXPECT_FALSE(selinux::ReadContexts(wrong).has_value()) << wrong;
}

// What the host grants to every domain is said and is no difference; what it grants to this one is.
TEST(SelinuxHost, GrantsOfTheHostToEveryDomainAreListed) {
  const selinux::Host host = SmallHost();
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact);
  EXPECT_THAT(artifact->host_grants, Contains("(allow web_t etc_t (file (getattr)))"));
  const selinux::Host other = SmallHost("(allow web_t etc_t (file (write)))\n");
  const auto wider = Compiled("  allow file { read } on path(\"/srv/www/**\")", other);
  ASSERT_TRUE(wider.has_value()) << Why(wider);
  EXPECT_FALSE(wider->proof.proved);
  EXPECT_THAT(Why(wider), HasSubstr("web_t etc_t file write: granted"));
}

// Clause 9.12.  A port has one type in a policy: where the host has one for it, that one is used, and its other ports are named.
TEST(SelinuxHost, PortsOfTheHostKeepTheirTypes) {
  const selinux::Host host = SmallHost();
  const auto artifact = Compiled("  allow network { listen } tcp port 80\n  allow network { connect } tcp port 8080", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact);
  EXPECT_EQ(Granted(*artifact, "web_t", "http_port_t", "tcp_socket"), "name_bind");
  EXPECT_EQ(Granted(*artifact, "web_t", "web_port_8080_t", "tcp_socket"), "name_connect");
  EXPECT_THAT(artifact->cil, Not(HasSubstr("(portcon tcp (80 80)")));
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("tcp port 80: the host's type http_port_t")));
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("(port 443, say)")));
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("tcp port 8080: a new type")));
}

TEST(SelinuxHost, PortsThatCannotHaveOneTypeAreDiagnosed) {
  const selinux::Host host = SmallHost();
  const auto artifact = Compiled("  allow network { listen } tcp port 70..90", host);
  ASSERT_TRUE(artifact.has_value());
  ASSERT_EQ(artifact->module.conflicts.size(), 1u);
  EXPECT_EQ(artifact->module.conflicts[0].rule, 0u);
  EXPECT_THAT(Why(artifact), HasSubstr("the host's policy has http_port_t for port 80; name port 80 in a rule of its own"));
}

TEST(SelinuxHost, EntriesOfTheHostThatWinAreFound) {
  const selinux::Host host = SmallHost("(type secret_t)\n(typeattributeset file_type (secret_t))\n(filecon \"/srv/www/[^/]*/key\" file (system_u object_r secret_t ((s0) (s0))))\n(filecon \"/srv/www/secret/key\" any (system_u object_r secret_t ((s0) (s0))))\n");
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_FALSE(artifact->proof.proved);
  ASSERT_FALSE(artifact->module.conflicts.empty());
  EXPECT_EQ(artifact->module.conflicts[0].kind, selinux::Conflict::Kind::kLabel);
  EXPECT_EQ(artifact->module.conflicts[0].rule, 0u);
  EXPECT_THAT(Why(artifact), HasSubstr("/srv/www/secret/key should have type web_srv_www_t, and the host's entry /srv/www/secret/key secret_t wins"));
}

// The same path twice: a host would refuse to load both.
TEST(SelinuxHost, TheSameEntryTwiceIsRefused) {
  const selinux::Host host = SmallHost("(filecon \"/usr/bin/web\" any (system_u object_r etc_t ((s0) (s0))))\n");
  const auto artifact = Compiled("  allow file { read } on path(\"/usr/bin/web\")", host);
  ASSERT_TRUE(artifact.has_value());
  EXPECT_FALSE(artifact->proof.proved);
  EXPECT_THAT(Why(artifact), HasSubstr("the host labels `/usr/bin/web` already, as etc_t; grant what is needed on `label(\"etc_t\")`"));
}

// A type of the host's of the same name would be one with the module's.
TEST(SelinuxHost, NamesThatTheHostHasAreConflicts) {
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")", SmallHost("(type web_t)\n"));
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_THAT(Why(artifact), HasSubstr("policy `web` needs a type web_t"));
  EXPECT_FALSE(artifact->module.conflicts[0].rule.has_value());
  // Those of paths are ours to choose.
  const auto other = Compiled("  allow file { read } on path(\"/srv/www/**\")", SmallHost("(type web_srv_www_t)\n"));
  ASSERT_TRUE(other.has_value()) << Why(other);
  EXPECT_TRUE(other->proof.proved) << Why(other);
  EXPECT_EQ(other->module.paths[0].type, "web_srv_www_2_t");
  // The module that this one replaces is no conflict.
  selinux::Host host = SmallHost();
  host.policy.push_back({"web.cil", "(type web_t)\n(typeattributeset domain (web_t))\n"});
  const auto again = Compiled("  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(again.has_value()) << Why(again);
  EXPECT_TRUE(again->proof.proved) << Why(again);
}

constexpr const char* kShop = "(type shop_t)\n(roletype object_r shop_t)\n(typeattributeset file_type (shop_t))\n(filecon \"/srv/shop(/.*)?\" any (system_u object_r shop_t ((s0) (s0))))\n";
constexpr const char* kShopRule = "  allow file { read, getattr } on path(\"/srv/shop\", \"/srv/shop/**\")";

// A type whose objects are exactly the rules' paths permits what a new one would.
TEST(SelinuxHost, ATypeForExactlyThesePathsIsReused) {
  const auto artifact = Compiled(kShopRule, SmallHost(kShop));
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact);
  EXPECT_EQ(Granted(*artifact, "web_t", "shop_t", "file"), "getattr map open read");
  EXPECT_THAT(artifact->cil, Not(HasSubstr("(type shop_t)")));
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("/srv/shop/**: the host's type shop_t, whose objects are exactly those of the rules")));
  for (const auto& path : artifact->module.paths) EXPECT_TRUE(path.host) << path.type;
}

// Each of these makes the type wider than the rules, or the rules tell its objects apart.
TEST(SelinuxHost, ATypeThatHoldsMoreIsNot) {
  const struct {
    const char* rules;
    std::string host;
    const char* why;
  } cases[] = {
      {"  allow file { read } on path(\"/srv/shop/**\")", kShop, "would reach all of its objects"},
      {kShopRule, std::string(kShop) + "(filecon \"/var/shop\" any (system_u object_r shop_t ((s0) (s0))))\n", "would reach all of its objects"},
      {kShopRule, std::string(kShop) + "(filecon \"/srv/shop/pipes/.*\" pipe (system_u object_r etc_t ((s0) (s0))))\n", "would reach all of its objects"},
      {kShopRule, std::string(kShop) + "(typetransition init_t etc_t file shop_t)\n", "init_t creates such objects in etc_t"},
      {kShopRule, std::string(kShop) + "(genfscon shopfs \"/\" (system_u object_r shop_t ((s0) (s0))))\n", "file system shopfs labels with it"},
      {"  allow file { read, getattr } on path(\"/srv/shop\", \"/srv/shop/**\")\n  allow file { write } on path(\"/srv/shop/**\")", kShop, "the rules grant different things"},
  };
  for (const auto& one : cases) {
    const auto artifact = Compiled(one.rules, SmallHost(one.host));
    ASSERT_TRUE(artifact.has_value()) << Why(artifact) << one.host;
    EXPECT_THAT(artifact->module.choices, Contains(HasSubstr(one.why))) << one.host;
    for (const auto& path : artifact->module.paths) EXPECT_FALSE(path.host) << path.type << one.host;
    // An entry of the host's for one kind of file wins there.
    EXPECT_EQ(artifact->proof.proved, artifact->module.conflicts.empty()) << Why(artifact) << one.host;
  }
}

// The proof finds out by itself where a type that is said to hold the rules' paths only holds others.
TEST(SelinuxHost, TheProofRefusesATypeThatHoldsMore) {
  for (const std::string more : {"(filecon \"/var/shop\" any (system_u object_r shop_t ((s0) (s0))))\n", "(filecon \"/var/shop\" pipe (system_u object_r shop_t ((s0) (s0))))\n", "(typetransition init_t etc_t file shop_t)\n",
                                 "(genfscon shopfs \"/\" (system_u object_r shop_t ((s0) (s0))))\n"}) {
    const auto artifact = Compiled(kShopRule, SmallHost(kShop));
    ASSERT_TRUE(artifact.has_value()) << Why(artifact);
    std::vector<selinux::CilFile> files = SmallHost(kShop + more).policy;
    files.push_back({"probe.cil", "(type probe_t)\n(typeattributeset domain (probe_t))\n(roletype system_r probe_t)\n"});
    files.push_back({"module.cil", artifact->cil});
    const auto compiled = selinux::CompileCil(files, true);
    ASSERT_TRUE(compiled.has_value() && compiled->compiled) << more;
    const auto proof = selinux::Prove(testing::PolicyOf(SelinuxSource(kShopRule)), {artifact->cil, compiled->binary, compiled->decompiled, artifact->file_contexts, compiled->file_contexts, {"shop_t"}, "probe_t"}, {});
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_FALSE(proof->proved) << more;
    EXPECT_FALSE(proof->differences.empty()) << more;
  }
}

// All that is known of the host may be its file_contexts.
TEST(SelinuxHost, FileContextsAlone) {
  const selinux::Host host{{}, "/srv/.*\tsystem_u:object_r:var_t:s0\n/srv/shop(/.*)?\tsystem_u:object_r:shop_t:s0\n/etc/.*\t--\tsystem_u:object_r:etc_t:s0\n"};
  const auto artifact = Compiled(std::string(kShopRule) + "\n  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact);
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("the host's type shop_t")));
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("a grant on the host's var_t would reach all of its objects")));
  const auto taken = Compiled("  allow file { read } on path(\"/srv/shop\")", {{}, "/srv/shop\tsystem_u:object_r:shop_t:s0\n/srv/.*\tsystem_u:object_r:shop_t:s0\n"});
  EXPECT_THAT(Why(taken), HasSubstr("the host labels `/srv/shop` already, as shop_t"));
}

// What stands beside the modules' own entries (file_contexts.local) comes after them.
TEST(SelinuxHost, LocalEntriesWin) {
  selinux::Host host = SmallHost();
  host.file_contexts = "/srv/www/upload/.*\tsystem_u:object_r:etc_t:s0\n";
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_THAT(Why(artifact), HasSubstr("the host's entry /srv/www/upload/.* etc_t wins"));
}

TEST(SelinuxHost, WhatTheHostSaysIsRead) {
  const auto facts = selinux::ReadHost({{{"a.cil",
                                          "(portcon tcp 80 (system_u object_r http_port_t ((s0) (s0))))\n(portcon udp (1 2) (system_u object_r other_port_t ((s0) (s0))))\n(type x_t)\n"
                                          "(block b (type y_t) (context c (system_u object_r y_t ((s0) (s0)))) (filecon \"/y\" any c) (optional o (filecon \"/a.*\" dir (system_u object_r x_t ((s0) (s0)))))) ; note\n"
                                          "(typealias z_t)\n(typealiasactual z_t x_t)\n(filecon \"/z.*\" any (system_u object_r z_t ((s0) (s0))))\n(typetransition a_t dir_t file x_t)\n(filecon \"/n\" file ())\n"}},
                                        ""});
  ASSERT_TRUE(facts.has_value()) << facts.error().message;
  ASSERT_EQ(facts->ports.size(), 2u);
  EXPECT_EQ(facts->ports[0].protocol + facts->ports[0].type, "tcphttp_port_t");
  EXPECT_EQ(facts->ports[1].protocol + facts->ports[1].type, "udpother_port_t");
  EXPECT_EQ(facts->ports[1].hi, 2u);
  EXPECT_THAT(facts->types, ElementsAre("b.y_t", "x_t", "z_t"));
  std::string text;
  for (const auto& context : facts->contexts) text += context.regex + " " + context.kind + " " + context.type + "\n";
  EXPECT_EQ(text, "/a.* dir x_t\n/z.* any x_t\n/n file \n/y any b.y_t\n");
  EXPECT_THAT(facts->made, ElementsAre(::testing::Pair("x_t", "a_t creates such objects in dir_t")));
  // What is passed over is read as far as brackets go.
  const auto passed = selinux::ReadHost({{{"a.cil", "(allow a_t b_t (file (read ; )\n)))(typeattributeset x (and (y) (not (\")\"))))\n(type z_t)"}}, ""});
  ASSERT_TRUE(passed.has_value()) << passed.error().message;
  EXPECT_THAT(passed->types, ElementsAre("z_t"));
  EXPECT_EQ(selinux::ReadHost({{{"a.cil", "(type x)\n (allow a b (c"}}, ""}).error().message, "a.cil:2:2: `(` is not closed");
  const auto broken = selinux::ReadHost({{{"a.cil", "(type x)\n  (type y"}}, ""});
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().message, "a.cil:2:3: `(` is not closed");
}

TEST(SelinuxHost, BesideDebiansReferencePolicy) {
  const auto host = testing::DebiansReferencePolicy();
  if (!host) GTEST_SKIP() << "Debian's reference policy is not here (tests/fetch_refpolicy.sh puts it under build/deps)";
  ASSERT_GT(host->policy.size(), 300u);
  const auto begin = std::chrono::steady_clock::now();
  const clock_t cpu = clock();
  const auto artifact = Compiled(
      "  allow file { read, getattr } on path(\"/srv/portal/**\")\n  allow file { create, append } on path(\"/srv/portal-log/*.log\")\n  allow network { listen, accept } tcp port 80\n  allow network { listen } tcp port 8123\n"
      "  allow capability { net_bind_service }\n  allow file { read } on label(\"etc_t\")",
      *host);
  const double used = static_cast<double>(clock() - cpu) / CLOCKS_PER_SEC;
  printf("%.1f s, %.1f s of processor time\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), used);
#ifndef __SANITIZE_ADDRESS__  // which takes its own time
  EXPECT_LT(used, 15) << "of processor time";
#endif
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact).substr(0, 5000);
  printf("%zu quadruples, %zu grants of the host to every domain\n", artifact->proof.quadruples, artifact->host_grants.size());
  EXPECT_GT(artifact->host_grants.size(), 0u);
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("http_port_t")));
}

}  // namespace
}  // namespace ravelin
