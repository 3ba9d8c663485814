// Modules in CIL to policies and back.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "backends/selinux/selinux.h"
#include "compiler/import/cil/import.h"
#include "compiler/import/cil/pattern.h"
#include "tests/support/compiled.h"
#include "tests/support/random_objects.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;

struct Imported {
  std::string text;
  std::string messages;
};

Imported Import(const std::string& cil) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("m.cil", cil);
  Imported out{import::cil::ImportCil(sources, file, {"m.cil"}, sink), ""};
  for (const auto& d : sink.Sorted()) out.messages += std::string(diag::KindName(d.kind)) + " " + d.message + "\n";
  EXPECT_EQ(out.text.empty(), sink.HasErrors());
  return out;
}

// As a module; "" where it cannot be one.
selinux::Artifact Compiled(const std::string& text) {
  const auto front = testing::ReadText(text);
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << text;
  selinux::Options options;
  options.form = selinux::Form::kModule;
  auto artifact = selinux::Compile(front->policy, options);
  EXPECT_TRUE(artifact.has_value()) << artifact.error().message;
  if (!artifact) return {};
  EXPECT_TRUE(artifact->proof.proved) << text;
  return std::move(*artifact);
}

// The statements without their comments, in alphabetical order, one permission a statement.
std::set<std::string> Statements(const std::string& cil) {
  std::set<std::string> out;
  std::istringstream lines(cil);
  for (std::string line; std::getline(lines, line);) {
    const size_t comment = line.find(';');
    line = line.substr(0, comment);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    const size_t list = line.rfind(" (");
    if (line.rfind("(allow ", 0) == 0 || line.rfind("(neverallow ", 0) == 0) {
      std::istringstream permissions(line.substr(list + 2, line.size() - list - 5));
      for (std::string one; permissions >> one;) out.insert(line.substr(0, list) + " " + one);
    } else if (!line.empty()) {
      out.insert(line);
    }
  }
  return out;
}

// Compiled, imported, compiled: the second module says what the first one does.
void RoundTrip(const std::string& source) {
  const selinux::Artifact first = Compiled(source);
  const Imported imported = Import(first.cil);
  ASSERT_FALSE(imported.text.empty()) << imported.messages << first.cil;
  const selinux::Artifact second = Compiled(imported.text);
  EXPECT_EQ(Statements(second.cil), Statements(first.cil)) << imported.text;
  EXPECT_EQ(second.file_contexts, first.file_contexts);
}

std::string Policy(const std::string& lines) { return "language 1\npolicy web {\n  layers { seccomp + selinux }\n  default deny\n" + lines + "}\n"; }

TEST(CilImport, WhatWasCompiledComesBack) {
  RoundTrip(Policy("  allow file { read, getattr, list } on path(\"/srv/www\", \"/srv/www/**\")\n  deny file { read } on path(\"/srv/www/secret/**\")\n"));
  RoundTrip(Policy("  attach \"/usr/sbin/web\"\n  allow file { create, append, write, lock } on path(\"/var/log/web/access/*.log\")\n  allow file { read } on label(\"cert_t\")\n"));
  RoundTrip(Policy("  allow capability { net_bind_service, setuid }\n  allow network { listen, accept } tcp port 8080, 9000..9010\n  allow network { create } netlink\n  allow memory { exec }\n"));
  RoundTrip(Policy("  allow file { ioctl } on path(\"/dev/web\") command { 0x5401, 0x5413..0x5415 }\n  never file { write } on path(\"/dev/web\")\n  never capability { sys_admin }\n"));
  RoundTrip(Policy("  allow exec \"/usr/bin/helper\" as helper\n  allow exec \"/usr/bin/{gzip,xz}\"\n  allow signal { send } set { SIGTERM, SIGKILL } peer helper\n  allow ptrace { read } peer outside\n") +
            "policy helper {\n  layers { seccomp + selinux }\n  default deny\n  allow file { read } on path(\"/srv/data/[a-c]?*.db\")\n  allow network { connect } unix peer web\n}\n");
}

TEST(CilImport, RandomModulesComeBack) {
  std::mt19937_64 random(411);
  size_t imported = 0;
  std::map<std::string, size_t> refused;
  constexpr size_t kPolicies = 8;
  for (size_t i = 0; i < kPolicies; ++i) {
    const testing::RandomPolicy made = testing::MakeObjectPolicy(random);
    const auto front = testing::ReadText(made.text);
    ASSERT_FALSE(front->sink.HasErrors());
    selinux::Options options;
    options.form = selinux::Form::kModule;
    const auto first = selinux::Compile(front->policy, options);
    ASSERT_TRUE(first.has_value() && first->proof.proved);
    const Imported back = Import(first->cil);
    if (back.text.empty()) {
      ++refused[back.messages.substr(0, back.messages.find('\n'))];
      continue;
    }
    ++imported;
    const selinux::Artifact second = Compiled(back.text);
    EXPECT_EQ(Statements(second.cil), Statements(first->cil)) << made.text << back.text;
    EXPECT_EQ(second.file_contexts, first->file_contexts);
  }
  printf("%zu of %zu imported\n", imported, kPolicies);
  for (const auto& [why, times] : refused) printf("  %zu x %s\n", times, why.c_str());
  EXPECT_GE(imported * 2, kPolicies);
}

TEST(CilImport, RegularExpressionsAsPatterns) {
  const std::pair<const char*, const char*> known[] = {{"/srv/.*", "/srv/**"}, {"/srv/.+", "/srv/**"}, {"/srv(/.*)?", "/srv{,/**}"}, {"/a[^/]*\\.log", "/a*.log"}, {"/a/[^/]+", "/a/*"}, {"/a[^/]+", "/a?*"}, {"/(a|bc)/x?", "/{a,bc}/{,x}"}, {"/[a-c\\x5d]z", "/[a-c\\]]z"}, {"/a\\+b[\\x20]c", "/a+b c"}, {"/a.b", "/a{?,/}b"}, {"/x\\*\\{", "/x\\*\\{"}};
  for (const auto& [regex, pattern] : known) EXPECT_EQ(import::cil::PatternOf(regex).value_or("(none)"), pattern) << regex;
  for (const char* regex : {"/a[0-9]+", "/(ab)*", "/a{2}", "/(?=x$)y", "a", "", "/a(", "/a)", "/[", "/a\\", "/a|b", "/\\d", "/^a", "/a$", "/[[:alpha:]]", "/a*?"}) EXPECT_FALSE(import::cil::PatternOf(regex).has_value()) << regex;
}

TEST(CilImport, DeepAndOddTextIsRefused) {
  EXPECT_THAT(Import(std::string(100000, '(')).messages, HasSubstr("nested too deep"));
  EXPECT_THAT(Import("").messages, HasSubstr("a module without a type of processes"));
  EXPECT_THAT(Import("(type x_t)\n(typeattributeset domain (x_t))\n(filecon \"/a\nb\" any (system_u object_r x_t ((s0) (s0))))").messages, HasSubstr("is not closed on its line"));
  EXPECT_THAT(Import("(type x_t) \x01").messages, HasSubstr("a statement begins with `(`"));
}

// Any change of a byte ends in a policy or in a diagnostic.
TEST(CilImport, AnyBytesSurvive) {
  const std::string cil = Compiled(Policy("  allow file { read } on path(\"/srv/www/**\")\n  allow network { listen } tcp port 8080\n  never capability { sys_admin }\n")).cil;
  std::mt19937_64 random(7);
  for (int i = 0; i < 15; ++i) {
    std::string text = cil;
    for (int change = 0; change < 1 + i % 3; ++change) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 40);
          break;
        case 2:
          text.insert(at, "()\";\n x"[random() % 7] + std::string());
          break;
        default:
          text = text.substr(0, at + 1);
      }
    }
    (void)Import(text);
  }
}

}  // namespace
}  // namespace ravelin
