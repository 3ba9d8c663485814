// The proof refuses profiles that say something else than the policy, and the reader survives any bytes.
#include <gtest/gtest.h>

#include <random>

#include "backends/apparmor/emit.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/compiled.h"

namespace ravelin::apparmor {
namespace {

constexpr const char* kPolicy =
    "language 1\n"
    "policy web {\n"
    "  attach \"/usr/sbin/web\"\n"
    "  allow file { read, list } on path(\"/srv/**\")\n"
    "  deny file { read } on path(\"/srv/private/*\")\n"
    "  allow file { write, append, truncate, create, create_fifo, create_socket, create_char, create_block, create_symlink } on path(\"/var/*.log\")\n"
    "  allow file { append } on path(\"/var/journal\")\n"
    "  allow file { read } owner on path(\"/home/*/key\")\n"
    "  allow file { link } on path(\"/l\")\n"
    "  allow file { lock } on path(\"/k\")\n"
    "  allow file { map_exec } on path(\"/m\")\n"
    "  audit allow file { read } on path(\"/etc/watched\")\n"
    "  quiet deny file { read } on path(\"/etc/hushed\")\n"
    "  allow exec \"/bin/same\"\n"
    "  allow exec \"/bin/other\" as helper\n"
    "  allow capability { chown, setuid }\n"
    "  allow network { create } family AF_INET type SOCK_STREAM\n"
    "  allow signal { send } set SIGTERM peer helper\n"
    "  allow ptrace { read } peer outside\n"
    "  allow mount { mount, umount, pivot_root }\n"
    "  default deny\n"
    "}\n"
    "policy helper {\n  default deny\n}\n";

class Mutation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
    front_ = testing::ReadText(kPolicy);
    ASSERT_FALSE(front_->sink.HasErrors()) << testing::Messages(*front_);
    for (const ir::Domain& domain : front_->policy.domains) {
      profiles_.push_back(Lower(front_->policy, domain, {"6.1"}));
      ASSERT_TRUE(profiles_.back().problems.empty()) << profiles_.back().problems.front().message;
    }
  }

  // "" where the parser rejects it; else "proved" or the difference.
  std::string Judge(const std::string& text) {
    const auto verdict = RunParser(text, kernel::ApparmorFeaturesText("6.1"));
    EXPECT_TRUE(verdict.has_value());
    if (!verdict || !verdict->accepted) return "";
    const auto compiled = ReadCompiled(verdict->binary);
    if (!compiled) return "not understood: " + compiled.error().message;
    for (const CompiledProfile& one : *compiled) {
      if (one.name != "web") continue;
      const auto proof = Prove(front_->policy, front_->policy.domains[0], one, "6.1");
      EXPECT_TRUE(proof.has_value());
      return proof && proof->proved ? "proved" : proof ? proof->difference : proof.error().message;
    }
    return "the profile is missing";
  }

  std::unique_ptr<driver::Frontend> front_;
  std::vector<Profile> profiles_;
};

TEST_F(Mutation, EachLineIsNeeded) {
  ASSERT_EQ(Judge(Emit(profiles_, {}).text), "proved");
  size_t judged = 0;
  for (size_t i = 0; i < profiles_[0].lines.size(); ++i) {
    if (profiles_[0].lines[i].text == "/etc/watched r") continue;  // the line that records it grants it, too
    std::vector<Profile> mutant = profiles_;
    mutant[0].lines.erase(mutant[0].lines.begin() + static_cast<ptrdiff_t>(i));
    const std::string said = Judge(Emit(mutant, {}).text);
    EXPECT_NE(said, "proved") << "without `" << profiles_[0].lines[i].text << "`";
    judged += said.empty() ? 0 : 1;
  }
  EXPECT_GT(judged, 18u);
}

TEST_F(Mutation, EachChangeIsSeen) {
  const std::string text = Emit(profiles_, {}).text;
  const std::pair<const char*, const char*> changes[] = {
      {"/srv/** r", "/srv/** rw"}, {"/srv/** r", "/srv/* r"}, {"/srv/** r", "/srv/**[^/] r"}, {"/srv/** r", "owner /srv/** r"}, {"audit deny /srv/private", "deny /srv/private"},
      {"/var/?*.log w", "/var/?*.log a"}, {"/var/?*.log w", "/var/?*.lo w"}, {"/var/?*.log w", "/var/*.log w"}, {"/var/journal a", "/var/journal w"}, {"owner /home", "/home"}, {"link /l -> /**", "link /l -> /*"}, {"link /l -> /**", "link subset /l -> /**"}, {"/k{,/} k", "/k k"}, {"/m m", "/m rm"},
      {"audit /etc/watched", "/etc/watched"}, {"deny /etc/hushed", "audit deny /etc/hushed"}, {"/bin/same mix", "/bin/same mPx"}, {"/bin/same mix", "/bin/same mUx"}, {"mPx -> helper", "mix"}, {"mPx -> helper", "mpx -> helper"},
      {"mPx -> helper", "mPx -> web"}, {"mPx -> helper", "mPix -> helper"}, {"capability chown", "capability chown, capability kill"}, {"capability setuid", "audit capability setuid"}, {"network inet stream", "network inet dgram"},
      {"network inet stream", "network inet"}, {"network inet stream", "network inet6 stream"}, {"network inet stream", "audit network inet stream"}, {"set=(term)", "set=(term, kill)"}, {"set=(term) ", ""}, {"peer=helper", "peer=web"}, {" peer=helper", ""},
      {"signal (send)", "signal (send, receive)"}, {"ptrace (read)", "ptrace (read, trace)"}, {"  mount,", "  mount options=(ro),"}, {"  mount,", "  mount fstype=tmpfs,"}, {"  mount,", "  mount -> /mnt/,"}, {"  mount,", "  mount /dev/sda1,"}, {"  umount,", "  umount /mnt/,"},
      {"  pivot_root,", "  pivot_root /new/,"}, {"  pivot_root,", "  pivot_root oldroot=/old/,"}, {"/usr/sbin/web {", "/usr/sbin/we? {"}, {"/usr/sbin/web {", "/usr/sbin/web flags=(complain) {"}, {"/usr/sbin/web {", "/usr/sbin/web flags=(attach_disconnected) {"},
      {"/usr/sbin/web {", "/usr/sbin/web flags=(audit) {"}, {"capability chown,", "capability chown, set rlimit nofile <= 10,"}, {"capability chown,", "capability chown, change_profile,"}, {"capability chown,", "capability chown, change_profile -> other,"}};
  size_t judged = 0;
  for (const auto& [from, to] : changes) {
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << "\n" << text;
    std::string mutant = text;
    mutant.replace(at, std::string(from).size(), to);
    const std::string said = Judge(mutant);
    EXPECT_NE(said, "proved") << from << " -> " << to;
    EXPECT_NE(said, "") << from << " -> " << to << " is no mutant: the parser rejects it";
    judged += said.empty() ? 0 : 1;
  }
  EXPECT_GT(judged, 40u);
}

TEST_F(Mutation, AnyBytesAreRead) {
  const auto verdict = RunParser(Emit(profiles_, {}).text, kernel::ApparmorFeaturesText("6.1"));
  ASSERT_TRUE(verdict.has_value() && verdict->accepted);
  std::mt19937_64 random(5);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint8_t> bytes = verdict->binary;
    for (size_t i = 0; i < 1 + random() % 4; ++i) bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1u << random() % 8);
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto compiled = ReadCompiled(bytes);
    if (!compiled) {
      ++refused;
      continue;
    }
    if (round % 20 != 0) continue;  // the walk takes its time
    for (const CompiledProfile& one : *compiled) {
      if (one.name == "web") (void)Prove(front_->policy, front_->policy.domains[0], one, "6.1");
    }
  }
  EXPECT_GT(refused, 500u);
  EXPECT_FALSE(ReadCompiled({}).has_value() && !ReadCompiled({})->empty());
}

}  // namespace
}  // namespace ravelin::apparmor
