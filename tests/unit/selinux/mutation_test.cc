// Wrong artifacts: each statement of a module left out, widened and changed in turn must be caught by the proof.
#include <gmock/gmock.h>

#include <sstream>

#include "compiler/kernel/selinux_facts.h"
#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using testing::PolicyOf;
using testing::ProofOf;
using testing::ProvedModule;

constexpr const char* kPolicy =
    "language 1\npolicy web {\n  layers { seccomp + selinux }\n  attach \"/usr/sbin/webd\"\n  default deny\n  allow file { read, getattr } on path(\"/srv/www/**\")\n  deny file { read, write } on path(\"/srv/www/private/**\")\n"
    "  allow file { create, write } on path(\"/var/log/web/*.log\", \"/var/log/web/pid\")\n  allow file { list } on path(\"/var/log/web\")\n  allow file { write } on path(\"/srv/**.db\")\n"
    "  allow file { ioctl } on path(\"/dev/tty\") command { 0x5401, 0x5413..0x5415 }\n  allow exec \"/usr/bin/helper\" as helper\n  allow network { listen } tcp port 80, 8000..8010\n  allow network { bind } udp port 53\n  deny network { bind } tcp port 8005\n"
    "  allow capability { chown }\n  allow signal { send } set { TERM }\n  never network { create } family AF_ALG\n  never file { write } on path(\"/srv/www/private/**\")\n  never capability { sys_admin }\n  never file { ioctl } command 0x5412 on path(\"/dev/tty\")\n}\n"
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

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// "(allow a b (file (read open)))  ; ..." taken apart: the words before the class, the class, the permissions.
struct Rule {
  std::string head, object_class;
  std::vector<std::string> permissions;
  explicit Rule(const std::string& line) {
    const size_t first = line.find(" (");
    const size_t second = line.find(" (", first + 2);
    head = line.substr(0, first);
    object_class = line.substr(first + 2, second - first - 2);
    permissions = Words(line.substr(second + 2, line.find(')', second) - second - 2));
  }
  std::string Text() const {
    std::string all;
    for (const std::string& permission : permissions) all += (all.empty() ? "" : " ") + permission;
    return head + " (" + object_class + " (" + all + ")))";
  }
};

class SelinuxMutation : public ::testing::Test {
 protected:
  ir::Policy policy = PolicyOf(kPolicy);
  selinux::Artifact artifact = ProvedModule(kPolicy);
  std::vector<std::string> lines = Lines(artifact.cil);
  size_t tried = 0;

  // Lines of the module that begin with the word.  What the launcher is granted is equivalent without: in our own base it may
  // do anything.
  std::vector<size_t> Of(const std::string& word) const {
    std::vector<size_t> found;
    bool inside = false;
    for (size_t i = 0; i < lines.size(); ++i) {
      inside = inside || lines[i].rfind("; SELinux policy", 0) == 0;
      if (inside && lines[i].rfind("(" + word + " ", 0) == 0 && lines[i].rfind("(allow init_t", 0) != 0) found.push_back(i);
    }
    return found;
  }
  bool Rejected(const std::vector<std::string>& changed) const {
    const auto proof = ProofOf(policy, Joined(changed), artifact.file_contexts);
    return !proof || !proof->proved;
  }
  // `text` instead of line i; "" takes it away.
  void Expect(size_t i, const std::string& text, const std::string& how) {
    auto changed = lines;
    changed[i] = text;
    EXPECT_TRUE(Rejected(changed)) << how << ": " << lines[i] << "\n  -> " << text;
    ++tried;
  }
  void ExpectMore(size_t after, const std::string& text) {
    auto changed = lines;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(after), text);
    EXPECT_TRUE(Rejected(changed)) << "beside " << lines[after] << ": " << text;
    ++tried;
  }
  void Done(size_t at_least) const {
    printf("%zu mutants rejected\n", tried);
    EXPECT_GE(tried, at_least);
  }
};

TEST_F(SelinuxMutation, TheUnchangedModuleIsProved) { EXPECT_FALSE(Rejected(lines)); }

TEST_F(SelinuxMutation, EachAllow) {
  std::map<std::string, std::set<std::string>> granted;
  for (const size_t i : Of("allow")) {
    const Rule rule(lines[i]);
    granted[rule.head + " " + rule.object_class].insert(rule.permissions.begin(), rule.permissions.end());
  }
  for (const size_t i : Of("allow")) {
    const Rule rule(lines[i]);
    Expect(i, "", "left out");
    const auto& all = kernel::FindSelinuxClass(rule.object_class)->all;
    const auto other = std::find_if(all.begin(), all.end(), [&](const std::string& one) { return granted.at(rule.head + " " + rule.object_class).count(one) == 0; });
    if (other == all.end()) continue;  // the class has no other permission
    Rule more = rule;
    more.permissions.push_back(*other);
    Expect(i, more.Text(), "one permission more");
    Rule changed = rule;
    changed.permissions.front() = *other;
    Expect(i, changed.Text(), "another permission");
  }
  Done(100);
}

TEST_F(SelinuxMutation, EachListOfCommands) {
  for (const size_t i : Of("allowx")) {
    Expect(i, "", "left out");
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"0x5401", "0x5402"}, {"0x5401", "0x5401 0x7777"}, {"0x5401 ", ""}, {"0x5415", "0x5414"}, {"0x5413", "0x5412"}}) {
      std::string text = lines[i];
      text.replace(text.find(from), from.size(), to);
      Expect(i, text, "changed");
    }
  }
  Done(30);
}

TEST_F(SelinuxMutation, EachTransition) {
  for (const size_t i : Of("typetransition")) {
    Expect(i, "", "left out");
    auto words = Words(lines[i].substr(0, lines[i].find(')')));
    const auto with = [&](size_t at, const std::string& word) {
      auto changed = words;
      changed[at] = word;
      std::string text;
      for (const std::string& one : changed) text += (text.empty() ? "" : " ") + one;
      return text + ")";
    };
    Expect(i, with(words.size() - 1, words[3] == "process" ? "unconfined_t" : "web_srv_t"), "another result");
    if (words[1] != "init_t") ExpectMore(i, with(2, "default_t"));
    if (words[3] != "process") ExpectMore(i, with(3, "lnk_file"));
  }
  Done(12);
}

TEST_F(SelinuxMutation, EachPortcon) {
  for (const size_t i : Of("portcon")) {
    Expect(i, "", "left out");
    std::string text = lines[i];
    text.replace(text.find('(', 1), text.find(')') - text.find('(', 1) + 1, "(9000 9001)");
    Expect(i, text, "other ports");
    ExpectMore(i, text);
    text = lines[i];
    text.replace(text.find("object_r ") + 9, text.find(" ((s0") - text.find("object_r ") - 9, "port_t");
    Expect(i, text, "another type");
    text = lines[i];
    text.replace(9, text.find(" (") - 9, "sctp");
    ExpectMore(i, text);
  }
  Done(20);
}

TEST_F(SelinuxMutation, EachNeverallow) {
  for (const size_t i : Of("neverallow")) {
    Expect(i, "", "left out");
    Rule rule(lines[i]);
    rule.permissions.push_back("nothing_of_the_kind");
    Expect(i, rule.Text(), "one permission more");
    rule = Rule(lines[i]);
    rule.head = "(neverallow helper_t " + Words(rule.head)[2];
    Expect(i, rule.Text(), "another domain");
  }
  Done(15);
}

TEST_F(SelinuxMutation, EachNeverallowOfCommands) {
  for (const size_t i : Of("neverallowx")) {
    Expect(i, "", "left out");
    for (const char* to : {"0x5401", "0x5411", "0x5412 0x7777", "(range 0x5412 0x5416)"}) {
      std::string text = lines[i];
      text.replace(text.find("0x5412"), 6, to);
      Expect(i, text, "changed");
    }
  }
  Done(20);
}

TEST_F(SelinuxMutation, EachFileContext) {
  const auto rejected = [&](const std::string& contexts) {
    const auto proof = ProofOf(policy, artifact.cil, contexts);
    ++tried;
    return !proof || !proof->proved;
  };
  EXPECT_FALSE(rejected(artifact.file_contexts));
  const auto entries = Lines(artifact.file_contexts);
  const auto meta = [](const std::string& entry) { return entry.find_first_of("*+[(") != std::string::npos; };
  for (size_t i = 0; i < entries.size(); ++i) {
    auto changed = entries;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(rejected(Joined(changed))) << "without " << entries[i];
    changed = entries;
    changed[i].insert(changed[i].find('\t'), "x");
    EXPECT_TRUE(rejected(Joined(changed))) << changed[i];
    changed = entries;
    changed[i] = entries[i].substr(0, entries[i].find('\t')) + "\tsystem_u:object_r:default_t:s0";
    EXPECT_TRUE(rejected(Joined(changed))) << changed[i];
    const size_t look = entries[i].find("(?");
    if (look != std::string::npos) {
      changed = entries;
      changed[i][look + 2] = entries[i][look + 2] == '!' ? '=' : '!';
      EXPECT_TRUE(rejected(Joined(changed))) << changed[i];
    }
    // In another order.  Equivalent where one of the two has no metacharacter: libselinux moves those behind all others.
    if (i + 1 == entries.size() || meta(entries[i]) != meta(entries[i + 1])) continue;
    changed = entries;
    std::swap(changed[i], changed[i + 1]);
    EXPECT_TRUE(rejected(Joined(changed))) << entries[i] << " behind " << entries[i + 1];
  }
  EXPECT_TRUE(rejected(artifact.file_contexts + "/etc/shadow\tsystem_u:object_r:web_srv_www_t:s0\n"));
  EXPECT_TRUE(rejected(artifact.file_contexts + "/srv/www/(x{2})\tsystem_u:object_r:web_srv_www_t:s0\n")) << "what is not understood is no pass";
  for (const size_t i : Of("filecon")) Expect(i, "", "no entry for the policy store");
  Done(30);
}

TEST_F(SelinuxMutation, MoreStatementsAreSeen) {
  for (const char* more : {"(allow web_t default_t (file (read)))", "(allow helper_t web_srv_www_t (file (read)))", "(allow web_t unconfined_t (process (signal)))", "(typepermissive web_t)",
                           "(typetransition web_t default_t file web_srv_www_t)", "(typetransition web_t web_usr_bin_helper_t process \"x\" web_t)", "(allowx web_t web_dev_tty_t (ioctl chr_file (0x5402)))",
                           "(typeattributeset unconfined_base (helper_t))", "(boolean b true) (booleanif b (true (allow web_t default_t (file (read)))))", "(neverallow web_t default_t (file (write)))"}) {
    ExpectMore(lines.size() - 1, more);
  }
}

// A difference names a path, a class and a permission.
TEST_F(SelinuxMutation, WitnessesAreConcrete) {
  auto changed = lines;
  changed.push_back("(allow web_t web_srv_www_t (file (write)))");
  const auto proof = ProofOf(policy, Joined(changed), artifact.file_contexts);
  ASSERT_TRUE(proof.has_value());
  ASSERT_EQ(proof->differences.size(), 1u);
  EXPECT_EQ(proof->differences[0].domain, "web_t");
  EXPECT_EQ(proof->differences[0].object, "web_srv_www_t");
  EXPECT_EQ(proof->differences[0].object_class, "file");
  EXPECT_EQ(proof->differences[0].permission, "write");
  EXPECT_FALSE(proof->differences[0].missing);
}

// The policy that was proved is this one: another policy's artifact is refused.
TEST_F(SelinuxMutation, AnotherPolicyIsRefused) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"port 80,", "port 81,"}, {"{ read, getattr }", "{ read }"}, {"0x5401", "0x5402"}, {"{ chown }", "{ fowner }"}, {"{ TERM }", "{ KILL }"}, {"/srv/www/**", "/srv/www/*"}, {" as helper", ""}, {"*.log", "*.lo"}, {"AF_ALG", "AF_VSOCK"}}) {
    std::string text = kPolicy;
    text.replace(text.find(from), from.size(), to);
    const auto proof = ProofOf(PolicyOf(text), artifact.cil, artifact.file_contexts);
    EXPECT_TRUE(!proof || !proof->proved) << to;
  }
}

}  // namespace
}  // namespace ravelin
