// Clause 9.15: what is granted while a boolean is on.
#include "backends/selinux/booleans.h"

#include <gmock/gmock.h>

#include "compiler/ir/booleans.h"
#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using testing::PolicyOf;
using testing::ProvedModule;
using testing::SelinuxSource;

const std::string kRules =
    "  allow file { read } on path(\"/srv/**\")\n"
    "  when boolean(\"mail\") {\n    allow file { read, write } on path(\"/srv/mail/**\")\n    allow network { connect } tcp port 25\n  }\n"
    "  when boolean(\"admin\") {\n    allow file { write } on path(\"/srv/mail/**\", \"/srv/site\")\n  }\n  never capability { sys_admin }";

TEST(SelinuxBooleans, EveryStateIsProved) {
  EXPECT_EQ(selinux::StatesOf({"a", "b"}).size(), 4u);
  const auto artifact = ProvedModule(SelinuxSource(kRules));
  EXPECT_THAT(artifact.cil, HasSubstr("(boolean admin false)\n(booleanif admin (true\n"));
  EXPECT_THAT(artifact.cil, HasSubstr("(boolean mail false)\n(booleanif mail (true\n"));
  const std::string rules = testing::RulesOf(artifact);
  const size_t conditional = rules.find("; what is granted while a boolean is on");
  ASSERT_NE(conditional, std::string::npos);
  const std::string always = rules.substr(0, conditional);
  EXPECT_THAT(always, HasSubstr("(allow web_t web_srv_mail_t (file (map open read)))")) << "what both states permit";
  EXPECT_THAT(always, Not(HasSubstr("name_connect")));
  EXPECT_THAT(rules.substr(conditional), HasSubstr("(tcp_socket (name_connect))"));
}

// A grant that stands outside of its boolean, or under the other one, is seen in some state.
TEST(SelinuxBooleans, AGrantInTheWrongStateIsSeen) {
  const ir::Policy policy = PolicyOf(SelinuxSource(kRules));
  const auto artifact = ProvedModule(SelinuxSource(kRules));
  const std::set<std::string> names = ir::BooleansOf(policy);
  EXPECT_THAT(names, UnorderedElementsAre("admin", "mail"));
  const auto proved = [&](const std::string& cil) {
    bool all = true;
    for (const auto& on : selinux::StatesOf(names)) {
      const auto compiled = selinux::CompileCil({{"module.cil", selinux::InState(cil, names, on)}});
      if (!compiled || !compiled->compiled) return false;
      const auto proof = selinux::Prove(ir::WithBooleans(policy, on), {cil.substr(cil.find("; SELinux policy")), compiled->binary, compiled->decompiled, artifact.file_contexts, compiled->file_contexts, {}, "", {}, names}, {});
      all = all && proof && proof->proved;
    }
    return all;
  };
  EXPECT_TRUE(proved(artifact.cil));
  size_t tried = 0;
  for (const char* begin : {"(booleanif admin (true\n", "(booleanif mail (true\n"}) {
    const size_t open = artifact.cil.find(begin);
    const size_t close = artifact.cil.find("\n))\n", open);
    std::string always = artifact.cil;
    always.replace(close, 4, "\n").erase(open, std::string(begin).size());
    EXPECT_FALSE(proved(always)) << begin;
    // Each line by itself is left out, and is put where it always holds.
    size_t at = open + std::string(begin).size();
    while (at < close) {
      const size_t end = artifact.cil.find('\n', at) + 1;
      const std::string line = artifact.cil.substr(at, end - at);
      std::string less = artifact.cil;
      less.erase(at, end - at);
      EXPECT_FALSE(proved(less)) << line;
      EXPECT_FALSE(proved(less + line)) << line;
      at = end;
      ++tried;
    }
  }
  EXPECT_GT(tried, 5u);
}

TEST(SelinuxBooleans, WhatCannotDependOnOneIsRefused) {
  for (const auto& [rule, what] : std::vector<std::pair<std::string, std::string>>{{"allow file { ioctl } command 0x5401 on path(\"/dev/tty\")", "commands of ioctl"}, {"allow exec \"/bin/x\" as helper", "transitions"}}) {
    const auto module = selinux::Compile(PolicyOf(SelinuxSource("  when boolean(\"b\") {\n    " + rule + "\n  }") + "policy helper {\n  layers { seccomp + selinux }\n  default deny\n}\n"), {});
    ASSERT_FALSE(module.has_value()) << rule;
    EXPECT_THAT(module.error().message, HasSubstr("test.rav:6:5: " + what)) << rule;
  }
}

}  // namespace
}  // namespace ravelin
