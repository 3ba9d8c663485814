// One planted bug for each stage of SELinux; the check that catches it has its name here.
#include <gmock/gmock.h>

#include "backends/selinux/emit.h"
#include "backends/selinux/lower.h"
#include "backends/selinux/prove/decode.h"
#include "compiler/kernel/selinux_facts.h"
#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

constexpr const char* kRules =
    "  allow file { read } on path(\"/srv/**\")\n  deny file { read } on path(\"/srv/**.key\")\n  allow file { create } on path(\"/srv/log/*\")\n  allow file { ioctl } on path(\"/dev/tty\") command { 0x5401..0x5403 }\n"
    "  allow network { bind } tcp port 80..90\n  never network { create } family AF_ALG\n";

struct Stages {
  ir::Policy policy = testing::PolicyOf(testing::SelinuxSource(kRules));
  selinux::Module module = selinux::Lower(policy, {"web", 0, {}}).value();

  // What the proof says of what would be emitted.
  bool Proved() const {
    const auto emitted = selinux::Emit(module, selinux::Form::kStandalone);
    return Proved(emitted.cil, emitted.file_contexts);
  }
  bool Proved(const std::string& cil, const std::string& file_contexts) const {
    const auto proof = testing::ProofOf(policy, selinux::StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()}) + cil, file_contexts);
    return proof.has_value() && proof->proved;
  }
};

TEST(SelinuxPlanted, LoweringIsCaughtByTheProof) {
  ASSERT_TRUE(Stages().Proved());
  Stages deny;  // a deny that is not cut out
  for (auto& [access, allowed] : deny.module.allows) {
    if (access.target == "web_srv_t" && access.object_class == "file") {
      const auto copy = allowed;
      deny.module.allows[{"web_t", "web_srv_2_t", "file"}] = copy;
      break;
    }
  }
  EXPECT_FALSE(deny.Proved());
  Stages folder;  // a directory that is not asked
  for (auto& [access, allowed] : folder.module.allows) allowed.permissions.erase("add_name");
  EXPECT_FALSE(folder.Proved());
  Stages commands;  // a range that ends one short
  for (auto& [access, list] : commands.module.commands) list.values = ir::IntervalSet({{0x5401, 0x5402}});
  EXPECT_FALSE(commands.Proved());
  Stages transition;
  transition.module.transitions.erase(transition.module.transitions.begin());
  EXPECT_FALSE(transition.Proved());
}

TEST(SelinuxPlanted, TheEmitterIsCaughtByTheProof) {
  const Stages s;
  const auto emitted = selinux::Emit(s.module, selinux::Form::kStandalone);
  for (const auto& [right, wrong] : std::vector<std::pair<std::string, std::string>>{{"(range 0x5401 0x5403)", "0x5401 0x5403"}, {"(80 90)", "(80 80)"}, {"(neverallow web_t web_t (alg_socket", "(dontaudit web_t web_t (alg_socket"}, {"(map open read)", "(map read)"}}) {
    std::string cil = emitted.cil;
    ASSERT_NE(cil.find(right), std::string::npos) << right;
    cil.replace(cil.find(right), right.size(), wrong);
    EXPECT_FALSE(s.Proved(cil, emitted.file_contexts)) << right;
  }
}

TEST(SelinuxPlanted, ContextsAreCaughtByTheProof) {
  Stages order;
  std::swap(order.module.contexts.front(), order.module.contexts[1]);
  EXPECT_FALSE(order.Proved());
  Stages star;  // `*` that crosses a slash
  size_t planted = 0;
  for (auto& context : star.module.contexts) {
    const size_t at = context.regex.find("[^/]+");
    if (at == std::string::npos) continue;
    context.regex.replace(at, 5, ".+");
    ++planted;
  }
  ASSERT_GT(planted, 0u);
  EXPECT_FALSE(star.Proved());
  Stages dot;  // a dot that is not escaped
  for (auto& context : dot.module.contexts) {
    const size_t at = context.regex.find("\\.key");
    if (at != std::string::npos) context.regex.erase(at, 1);
  }
  EXPECT_FALSE(dot.Proved());
}

// The view table is what lowering and proof read alike, so neither can judge it.  Judge: what the kernel is known to ask, stated
// here by hand.
TEST(SelinuxPlanted, TheViewTableIsCaughtByStatedChecks) {
  const auto asks = [](const char* facet, const char* operation, const std::string& object_class, const std::string& permission, const char* sees) {
    for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
      const bool classes = std::find(row.classes.begin(), row.classes.end(), object_class) != row.classes.end();
      const bool permissions = std::find(row.permissions.begin(), row.permissions.end(), permission) != row.permissions.end();
      if (row.facet == facet && row.operation == operation && classes && permissions && (*sees == '\0' || row.Sees(sees))) return true;
    }
    return false;
  };
  EXPECT_TRUE(asks("file", "read", "file", "open", "path"));
  EXPECT_TRUE(asks("file", "read", "file", "read", "path"));
  EXPECT_TRUE(asks("file", "read", "dir", "search", "above"));
  EXPECT_FALSE(asks("file", "read", "file", "write", "path"));
  EXPECT_TRUE(asks("file", "create", "dir", "add_name", "parent"));
  EXPECT_TRUE(asks("file", "create", "file", "create", "path"));
  EXPECT_TRUE(asks("file", "delete", "dir", "remove_name", "parent"));
  EXPECT_TRUE(asks("file", "delete", "file", "unlink", "path"));
  EXPECT_TRUE(asks("file", "append", "file", "append", "path"));
  EXPECT_FALSE(asks("file", "append", "file", "write", "path"));
  EXPECT_TRUE(asks("file", "map_exec", "file", "execute", "path"));
  EXPECT_TRUE(asks("file", "list", "dir", "read", "path"));
  EXPECT_TRUE(asks("exec", "exec", "file", "execute_no_trans", "path"));
  EXPECT_TRUE(asks("exec", "exec", "file", "entrypoint", "after"));
  EXPECT_TRUE(asks("exec", "exec", "process2", "nnp_transition", "nnp"));
  EXPECT_TRUE(asks("network", "bind", "tcp_socket", "name_bind", "port"));
  EXPECT_TRUE(asks("network", "connect", "tcp_socket", "name_connect", "port"));
  EXPECT_FALSE(asks("network", "connect", "udp_socket", "name_connect", ""));
  EXPECT_TRUE(asks("network", "connect", "unix_stream_socket", "connectto", "peer"));
  EXPECT_TRUE(asks("signal", "send", "process", "sigkill", "peer"));
  EXPECT_TRUE(asks("ptrace", "trace", "process", "ptrace", "peer"));
  EXPECT_TRUE(asks("memory", "exec", "process", "execmem", ""));
  EXPECT_TRUE(asks("capability", "chown", "cap_userns", "chown", ""));
  EXPECT_TRUE(asks("mount", "mount", "dir", "mounton", "on"));
}

// The decoder: what it loses of a policy is missed, what it does not know fails, and its types and classes are libsepol's.
TEST(SelinuxPlanted, TheDecoderIsCaughtByWhatMustBeThere) {
  const Stages s;
  const auto emitted = selinux::Emit(s.module, selinux::Form::kStandalone);
  const auto compiled = selinux::CompileCil({{"base.cil", selinux::StandaloneBase({s.module.policy_capabilities.begin(), s.module.policy_capabilities.end()})}, {"module.cil", emitted.cil}});
  ASSERT_TRUE(compiled.has_value() && compiled->compiled);
  const auto proved = [&](const std::string& decompiled) {
    const auto proof = selinux::Prove(s.policy, {emitted.cil, compiled->binary, decompiled, emitted.file_contexts, compiled->file_contexts}, {});
    return proof.has_value() && proof->proved;
  };
  ASSERT_TRUE(proved(compiled->decompiled));
  for (const char* lost : {"(allowx web_t", "(typetransition web_t", "(portcon tcp", "(type web_srv_t)", "(policycap open_perms)", "(typeattributeset file_type", "(class file "}) {
    std::string text = compiled->decompiled;
    const size_t at = text.find(lost);
    ASSERT_NE(at, std::string::npos) << lost;
    text.erase(at, text.find('\n', at) - at);
    EXPECT_FALSE(proved(text)) << lost;
  }
  EXPECT_FALSE(selinux::DecodePolicy("(superallow web_t default_t (file (read)))").has_value());
  EXPECT_FALSE(selinux::DecodePolicy("(type web_t").has_value());
  const auto decoded = selinux::DecodePolicy(compiled->decompiled);
  ASSERT_TRUE(decoded.has_value());
  auto query = selinux::PolicyQuery::Load(compiled->binary);
  ASSERT_TRUE(query.has_value());
  for (const auto& one : kernel::SelinuxClasses()) {
    EXPECT_TRUE(query->Class(one.name).has_value()) << one.name;
    EXPECT_THAT(decoded->classes.at(one.name), ::testing::UnorderedElementsAreArray(one.all)) << one.name;
  }
}

}  // namespace
}  // namespace ravelin
