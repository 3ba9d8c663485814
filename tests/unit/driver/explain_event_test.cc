// Events of every facet: what is read, what the layers are said to do, and that what is suggested helps.
#include "compiler/driver/explain_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/compiled.h"

namespace ravelin::driver {
namespace {

const char kRules[] =
    "  use std::base\n  allow file { read } on path(\"/srv/**\", \"/home/*/notes\")\n  allow file { append, create } on path(\"/var/log/*.log\")\n  allow file { write } owner on path(\"/tmp/**\")\n"
    "  deny file { read } on path(\"/srv/private/**\")\n  allow exec \"/usr/bin/tool\"\n  allow network { create, connect } tcp port 443\n  allow capability { chown }\n"
    "  allow signal { send } set { SIGTERM } peer outside\n  allow signal { send, receive } peer self\n  allow ptrace { read } peer q\n  allow mount { umount }\n";

std::string PolicyWith(const std::string& line) {
  return std::string("language 1\npolicy p {\n  layers { seccomp + apparmor }\n") + kRules + line + "\n  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\npolicy q {\n  default deny\n}\n";
}

const char* const kEvents[] = {
    "file read \"/etc/shadow\"", "file read \"/srv/a\"", "file read \"/srv/private/a\"", "file read \"/home/a/notes\"", "file read \"/home/a/b/notes\"", "file write \"/var/log/a.log\"", "file append \"/var/log/a.log\"", "file truncate \"/var/log/a.log\"",
    "file append \"/var/log/b/a.log\"", "file write \"/tmp/x\"", "file write owner on \"/tmp/x\"", "file list \"/srv\"", "file list \"/srv/x\"", "file delete \"/tmp/x\"", "file create_dir \"/tmp/x\"", "file lock \"/srv/a\"",
    "file map_exec \"/usr/bin/tool\"", "file utimes \"/srv/a\"", "file getattr \"/etc/passwd\"", "exec \"/usr/bin/tool\"", "exec \"/bin/sh\"", "network create family AF_INET type SOCK_STREAM protocol 0",
    "network connect family AF_INET type SOCK_STREAM protocol 0 port 443", "network connect family AF_UNIX type SOCK_STREAM protocol 0 port 0", "network bind family AF_INET6 type SOCK_DGRAM protocol 0 port 53", "capability chown",
    "capability net_admin", "signal TERM to outside", "signal kill to outside", "signal HUP", "signal receive TERM", "signal receive TERM peer outside", "ptrace read peer q", "ptrace trace peer outside", "mount umount", "mount mount on \"/mnt\"",
};

// The answers to an event of the first domain.
std::vector<EventAnswer> Explain(Frontend& front, const std::string& text) {
  diag::Sink sink;
  const auto event = ReadEvent(text, front, 0, kernel::Arch::kX86_64, sink);
  EXPECT_TRUE(event.has_value() && !event->call) << text << "\n" << diag::RenderText(sink, front.sources, {});
  if (!event) return {};
  auto answers = ExplainAttempts(front, 0, event->attempts, sink);
  EXPECT_TRUE(answers.has_value() && answers->has_value()) << text;
  return answers && *answers ? std::move(**answers) : std::vector<EventAnswer>();
}

// A layer permits where a granting line of the profile matches and no refusing one does: two ways to the same answer.
TEST(ExplainEvent, TheProfilesLinesSayWhatTheLayerDoes) {
  const auto front = testing::ReadText(PolicyWith(""));
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  size_t permits = 0;
  size_t refuses = 0;
  for (const std::string text : kEvents) {
    for (const EventAnswer& answer : Explain(*front, text)) {
      for (const LayerAnswer& layer : answer.sets.at(0).members) {
        if (layer.layer != "apparmor" || layer.verdict == LayerVerdict::kUnseen) continue;
        bool granted = false;
        for (const std::string& line : layer.lines) granted |= line.find("deny ") == std::string::npos;
        if (layer.verdict == LayerVerdict::kPermits) EXPECT_TRUE(granted) << answer.shown;
        if (layer.verdict == LayerVerdict::kRefuses) EXPECT_FALSE(granted) << answer.shown << "\n" << layer.lines.front();
        permits += layer.verdict == LayerVerdict::kPermits ? 1 : 0;
        refuses += layer.verdict == LayerVerdict::kRefuses ? 1 : 0;
      }
    }
  }
  EXPECT_GE(permits, 14u);
  EXPECT_GE(refuses, 10u);
}

// What a set does and the policy does not want is named as a gap, and nothing else is.
TEST(ExplainEvent, ASetThatDiffersNamesItsGap) {
  const auto front = testing::ReadText(PolicyWith(""));
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  size_t gaps = 0;
  for (const std::string text : kEvents) {
    for (const EventAnswer& answer : Explain(*front, text)) {
      const SetAnswer& set = answer.sets.at(0);
      const bool differs = set.effective == (answer.decision.permitted() ? LayerVerdict::kRefuses : LayerVerdict::kPermits);
      if (set.effective != LayerVerdict::kDepends) EXPECT_EQ(differs, !set.gap.empty()) << answer.shown << ": " << LayerVerdictText(set.effective) << ", " << set.gap;
      gaps += set.gap.empty() ? 0 : 1;
    }
  }
  EXPECT_GE(gaps, 2u);
}

TEST(ExplainEvent, EverySuggestionPermitsWhatWasRefused) {
  const auto front = testing::ReadText(PolicyWith(""));
  ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  size_t suggested = 0;
  for (const std::string text : kEvents) {
    for (const EventAnswer& answer : Explain(*front, text)) {
      if (answer.decision.permitted()) continue;
      if (answer.suggestion.line.empty()) {
        EXPECT_THAT(text, ::testing::HasSubstr("private")) << "only a deny cannot be outweighed";
        continue;
      }
      const auto changed = testing::ReadText(PolicyWith("  " + answer.suggestion.line));
      ASSERT_FALSE(changed->sink.HasErrors()) << answer.suggestion.line << "\n" << testing::Messages(*changed);
      for (const EventAnswer& now : Explain(*changed, answer.shown.find("transition") == std::string::npos ? text : answer.shown)) {
        if (now.shown == answer.shown) EXPECT_TRUE(now.decision.permitted()) << now.shown << " is not permitted by " << answer.suggestion.line;
      }
      for (const EventAnswer& other : Explain(*changed, "file read \"/root/.ssh/id_rsa\"")) EXPECT_FALSE(other.decision.permitted()) << answer.suggestion.line;
      ++suggested;
    }
  }
  EXPECT_GE(suggested, 14u);
}

// What an answer calls an attempt can be asked again, and so can a line of a test block as it stands.
TEST(ExplainEvent, IsALineOfATest) {
  const auto front = testing::ReadText(PolicyWith(""));
  diag::Sink sink;
  for (const std::string text : {"permit file { read } on \"/srv/a\"", "refuse network { create } family AF_ALG because \"x\"", "file read \"/srv/a\"", "capability CAP_CHOWN", "permit exec \"/bin/sh\" as self"}) {
    const auto event = ReadEvent(text, *front, 0, kernel::Arch::kX86_64, sink);
    ASSERT_TRUE(event.has_value()) << text << "\n" << diag::RenderText(sink, front->sources, {});
    EXPECT_FALSE(event->call.has_value()) << text;
  }
  for (const std::string text : {"read", "mount", "ptrace(PTRACE_ATTACH, 1)", "permit syscall read(0)", "syscall socket(AF_ALG, 3, 0)"}) {
    const auto event = ReadEvent(text, *front, 0, kernel::Arch::kX86_64, sink);
    ASSERT_TRUE(event.has_value()) << text << "\n" << diag::RenderText(sink, front->sources, {});
    EXPECT_TRUE(event->call.has_value()) << text;
  }
}

}  // namespace
}  // namespace ravelin::driver
