// Modules beside a host's policy: a small one of our own, and Debian's where tests/fetch_refpolicy.sh has put it.
#include "backends/selinux/host.h"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

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
                            more}}};
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
  const auto types = selinux::HostTypes("/.*\tsystem_u:object_r:default_t:s0\n/etc/.*\t--\tsystem_u:object_r:etc_t:s0\n/etc/x\tsystem_u:object_r:x_t:s0\n/etc/x.*\tsystem_u:object_r:y_t:s0\n", {"/etc/a", "/etc/x", "/etc/xy", "/srv"});
  EXPECT_THAT(types, ElementsAre(::testing::Pair("/etc/a", "etc_t"), ::testing::Pair("/etc/x", "x_t"), ::testing::Pair("/etc/xy", "y_t"), ::testing::Pair("/srv", "default_t")));
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
  ASSERT_FALSE(artifact.has_value());
  EXPECT_THAT(artifact.error().message, HasSubstr("the host's policy has http_port_t for port 80"));
}

TEST(SelinuxHost, EntriesOfTheHostThatWinAreFound) {
  const selinux::Host host = SmallHost("(type secret_t)\n(typeattributeset file_type (secret_t))\n(filecon \"/srv/www/[^/]*/key\" file (system_u object_r secret_t ((s0) (s0))))\n(filecon \"/srv/www/secret/key\" any (system_u object_r secret_t ((s0) (s0))))\n");
  const auto artifact = Compiled("  allow file { read } on path(\"/srv/www/**\")", host);
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_FALSE(artifact->proof.proved);
  EXPECT_THAT(Why(artifact), HasSubstr("/srv/www/secret/key should have type web_srv_www_t, and the host's entry /srv/www/secret/key secret_t wins"));
}

// The same path twice: a host would refuse to load both.
TEST(SelinuxHost, TheSameEntryTwiceIsRefused) {
  const selinux::Host host = SmallHost("(filecon \"/usr/bin/web\" any (system_u object_r etc_t ((s0) (s0))))\n");
  const auto artifact = Compiled("  allow file { read } on path(\"/usr/bin/web\")", host);
  EXPECT_FALSE(artifact.has_value() && artifact->proof.proved);
  EXPECT_THAT(Why(artifact), HasSubstr("/usr/bin/web"));
}

TEST(SelinuxHost, PortStatementsAreRead) {
  const auto ports = selinux::HostPorts("(portcon tcp 80 (system_u object_r http_port_t ((s0) (s0))))\n(portcon udp (1 2) (system_u object_r other_port_t ((s0) (s0))))\n(type x)\n");
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0].protocol + ports[0].type, "tcphttp_port_t");
  EXPECT_EQ(ports[0].hi, 80u);
  EXPECT_EQ(ports[1].protocol + ports[1].type, "udpother_port_t");
  EXPECT_EQ(ports[1].hi, 2u);
}

TEST(SelinuxHost, BesideDebiansReferencePolicy) {
  const std::string folder = RAVELIN_SOURCE_DIR "/build/deps/refpolicy/cil";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "Debian's reference policy is not here (tests/fetch_refpolicy.sh puts it under build/deps)";
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path().string());
  selinux::Host host;
  for (const std::string& file : files) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    host.policy.push_back({std::filesystem::path(file).filename().string(), text.str()});
  }
  ASSERT_GT(host.policy.size(), 300u);
  const auto begin = std::chrono::steady_clock::now();
  const clock_t cpu = clock();
  const auto artifact = Compiled(
      "  allow file { read, getattr } on path(\"/srv/portal/**\")\n  allow file { create, append } on path(\"/srv/portal-log/*.log\")\n  allow network { listen, accept } tcp port 80\n  allow network { listen } tcp port 8123\n"
      "  allow capability { net_bind_service }\n  allow file { read } on label(\"etc_t\")",
      host);
  const double used = static_cast<double>(clock() - cpu) / CLOCKS_PER_SEC;
  printf("%.1f s, %.1f s of processor time\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), used);
  EXPECT_LT(used, 15) << "of processor time";
  ASSERT_TRUE(artifact.has_value()) << Why(artifact);
  EXPECT_TRUE(artifact->proof.proved) << Why(artifact).substr(0, 5000);
  printf("%zu quadruples, %zu grants of the host to every domain\n", artifact->proof.quadruples, artifact->host_grants.size());
  EXPECT_GT(artifact->host_grants.size(), 0u);
  EXPECT_THAT(artifact->choices, Contains(HasSubstr("http_port_t")));
}

}  // namespace
}  // namespace ravelin
