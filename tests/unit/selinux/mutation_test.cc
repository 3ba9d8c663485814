// Wrong artifacts: every statement of a module changed in turn, and one planted bug for each part that the proof reads.
#include <gmock/gmock.h>

#include <sstream>

#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using testing::PolicyOf;
using testing::ProofOf;
using testing::ProvedModule;

constexpr const char* kPolicy =
    "language 1\npolicy web {\n  layers { seccomp + selinux }\n  attach \"/usr/sbin/webd\"\n  default deny\n  allow file { read, getattr } on path(\"/srv/www/**\")\n"
    "  allow file { create, write } on path(\"/var/log/web/*.log\")\n  allow file { list } on path(\"/var/log/web\")\n  allow file { ioctl } on path(\"/dev/tty\") command { 0x5401 }\n"
    "  allow exec \"/usr/bin/helper\" as helper\n  allow network { listen } tcp port 80\n  allow capability { chown }\n  allow signal { send } set { TERM }\n}\n"
    "policy helper {\n  layers { seccomp + selinux }\n  default deny\n}\n";

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

struct Subject {
  ir::Policy policy = PolicyOf(kPolicy);
  selinux::Artifact artifact = ProvedModule(kPolicy);
  std::vector<std::string> lines = Lines(artifact.cil);
  size_t first = 0;  // line of the module
  Subject() {
    while (lines[first].rfind("; SELinux policy", 0) != 0) ++first;
  }
  bool Rejected(const std::vector<std::string>& changed) const {
    const auto proof = ProofOf(policy, Joined(changed), artifact.file_contexts);
    return !proof || !proof->proved;
  }
};

// Statements that grant, label or transform: none of them can be left out.
TEST(SelinuxMutation, EveryStatementIsNeeded) {
  const Subject s;
  size_t tried = 0;
  for (size_t i = s.first; i < s.lines.size(); ++i) {
    const std::string word = s.lines[i].substr(0, s.lines[i].find(' '));
    if (word != "(allow" && word != "(allowx" && word != "(typetransition" && word != "(portcon" && word != "(filecon") continue;
    const bool launcher = s.lines[i].rfind("(allow init_t", 0) == 0;                                        // the launcher of our base may do anything
    const bool other_protocol = word == "(portcon" && s.lines[i].find("portcon tcp") == std::string::npos;  // no rule speaks of these
    if (launcher || other_protocol) continue;
    auto changed = s.lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(s.Rejected(changed)) << "without " << s.lines[i];
    ++tried;
  }
  EXPECT_GT(tried, 40u);
}

// One permission more, for each grant.
TEST(SelinuxMutation, NoGrantMayBeWider) {
  const Subject s;
  size_t tried = 0;
  for (size_t i = s.first; i < s.lines.size(); ++i) {
    if (s.lines[i].rfind("(allow ", 0) != 0 || s.lines[i].rfind("(allow init_t", 0) == 0) continue;
    const size_t at = s.lines[i].find(" (", s.lines[i].find(" (") + 2) + 2;
    const size_t class_at = s.lines[i].find(" (") + 2;
    const std::string object_class = s.lines[i].substr(class_at, s.lines[i].find(' ', class_at) - class_at);
    const std::string more = object_class == "process" ? "getrlimit" : object_class == "capability" || object_class == "cap_userns" ? "sys_admin"
                                                                   : object_class == "fd" || object_class == "process2"             ? ""
                                                                   : object_class == "node"                                         ? ""
                                                                                                                                    : "relabelto";
    if (more.empty()) continue;
    auto changed = s.lines;
    changed[i].insert(at, more + " ");
    EXPECT_TRUE(s.Rejected(changed)) << changed[i];
    ++tried;
  }
  EXPECT_GT(tried, 20u);
}

// Another permission instead of each that is granted.
TEST(SelinuxMutation, EachPermissionCounts) {
  const Subject s;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"(file (getattr map open read))", "(file (getattr map open write))"}, {"(name_bind)", "(name_connect)"}, {"(chown)", "(chown fowner)"}, {"(transition)", "(dyntransition)"}, {"(signal)", "(sigkill)"}}) {
    std::string text = s.artifact.cil;
    const size_t at = text.find(from, text.find("; SELinux policy"));
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    EXPECT_TRUE(s.Rejected(Lines(text))) << from;
  }
}

TEST(SelinuxMutation, MoreStatementsAreSeen) {
  const Subject s;
  for (const char* more : {"(allow web_t default_t (file (read)))", "(allow helper_t web_srv_www_t (file (read)))", "(allow web_t unconfined_t (process (signal)))", "(typepermissive web_t)",
                           "(typetransition web_t default_t file web_srv_www_t)", "(typetransition web_t web_usr_bin_helper_t process \"x\" web_t)", "(allowx web_t web_dev_tty_t (ioctl chr_file (0x5402)))",
                           "(typeattributeset unconfined_base (helper_t))", "(portcon tcp 81 (system_u object_r web_port_80_t ((s0) (s0))))", "(boolean b true) (booleanif b (true (allow web_t default_t (file (read)))))"}) {
    auto changed = s.lines;
    changed.push_back(more);
    EXPECT_TRUE(s.Rejected(changed)) << more;
  }
}

TEST(SelinuxMutation, FileContexts) {
  const Subject s;
  const auto rejected = [&](const std::string& contexts) {
    const auto proof = ProofOf(s.policy, s.artifact.cil, contexts);
    return !proof || !proof->proved;
  };
  EXPECT_FALSE(rejected(s.artifact.file_contexts));
  const auto lines = Lines(s.artifact.file_contexts);
  for (size_t i = 0; i < lines.size(); ++i) {
    auto changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(rejected(Joined(changed))) << "without " << lines[i];
    changed = lines;
    changed[i].insert(changed[i].find('\t'), "x");
    EXPECT_TRUE(rejected(Joined(changed))) << changed[i];
  }
  // In another order, where both have metacharacters or neither has: libselinux moves what has none behind all others.
  for (const auto& [a, b] : std::vector<std::pair<size_t, size_t>>{{0, 1}, {2, 3}, {lines.size() - 2, lines.size() - 1}}) {
    auto changed = lines;
    std::swap(changed[a], changed[b]);
    EXPECT_TRUE(rejected(Joined(changed))) << lines[a] << " and " << lines[b];
  }
  EXPECT_TRUE(rejected(s.artifact.file_contexts + "/etc/shadow\tsystem_u:object_r:web_srv_www_t:s0\n"));
  EXPECT_TRUE(rejected(s.artifact.file_contexts + "/srv/www/(x{2})\tsystem_u:object_r:web_srv_www_t:s0\n")) << "what is not understood is no pass";
}

// A difference names a path, a class and a permission.
TEST(SelinuxMutation, WitnessesAreConcrete) {
  const Subject s;
  auto changed = s.lines;
  changed.push_back("(allow web_t web_srv_www_t (file (write)))");
  const auto proof = ProofOf(s.policy, Joined(changed), s.artifact.file_contexts);
  ASSERT_TRUE(proof.has_value());
  ASSERT_EQ(proof->differences.size(), 1u);
  EXPECT_EQ(proof->differences[0].domain, "web_t");
  EXPECT_EQ(proof->differences[0].object, "web_srv_www_t");
  EXPECT_EQ(proof->differences[0].object_class, "file");
  EXPECT_EQ(proof->differences[0].permission, "write");
  EXPECT_FALSE(proof->differences[0].missing);
}

// The policy that was proved is this one: another policy's artifact is refused.
TEST(SelinuxMutation, AnotherPolicyIsRefused) {
  const Subject s;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"port 80", "port 81"}, {"{ read, getattr }", "{ read }"}, {"0x5401", "0x5402"}, {"{ chown }", "{ fowner }"}, {"{ TERM }", "{ KILL }"}, {"/srv/www/**", "/srv/www/*"}, {" as helper", ""}, {"*.log", "*.lo"}}) {
    std::string text = kPolicy;
    text.replace(text.find(from), from.size(), to);
    const auto proof = ProofOf(PolicyOf(text), s.artifact.cil, s.artifact.file_contexts);
    EXPECT_TRUE(!proof || !proof->proved) << to;
  }
}

}  // namespace
}  // namespace ravelin
