// One planted bug for each stage of the way to a profile; the check that catches it has its name here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/emit.h"
#include "backends/apparmor/glob.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/oracle/decide.h"
#include "tests/support/apparmor_oracle.h"
#include "tests/support/compiled.h"

namespace ravelin::apparmor {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRules =
    "  attach \"/usr/sbin/web\"\n"
    "  allow file { read, list } on path(\"/srv/**\", \"/opt/[a-c]*/x{y,z/?}\")\n"
    "  deny file { read, list } on path(\"/srv/private/*\")\n"
    "  allow file { append } owner on path(\"/var/log/web\")\n"
    "  allow exec \"/bin/helper\" as helper\n"
    "  allow capability { chown }\n"
    "  allow network { create } family AF_INET type SOCK_STREAM\n"
    "  allow signal { send } set SIGTERM peer helper\n"
    "  default deny\n";
std::string Text(const std::string& rules) { return "language 1\npolicy web {\n" + rules + "}\npolicy helper {\n  default deny\n}\n"; }

class Planted : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
    front_ = testing::ReadText(Text(kRules));
    ASSERT_FALSE(front_->sink.HasErrors()) << testing::Messages(*front_);
    for (const ir::Domain& domain : front_->policy.domains) profiles_.push_back(Lower(front_->policy, domain, {"6.1"}));
    const auto own = Compiled(Emit(profiles_, {}).text, "6.1");
    ASSERT_TRUE(own.has_value());
    ASSERT_EQ(Proved(*own), "proved");
    own_ = *own;
  }

  static Result<CompiledProfile> Compiled(const std::string& text, const std::string& features) {
    RAVELIN_TRY(verdict, RunParser(text, kernel::ApparmorFeaturesText(features)));
    if (!verdict.accepted) return Fail(ErrorCode::kMalformed, verdict.message);
    RAVELIN_TRY(all, ReadCompiled(verdict.binary));
    for (CompiledProfile& one : all) {
      if (one.name == "web") return std::move(one);
    }
    return Fail(ErrorCode::kMalformed, "the profile is missing");
  }
  std::string Proved(const CompiledProfile& profile) const {
    const auto proof = Prove(front_->policy, front_->policy.domains[0], profile, "6.1");
    return !proof ? proof.error().message : proof->proved ? "proved"
                                                          : proof->difference;
  }
  std::string Proved(const std::vector<Profile>& profiles) const {
    const auto compiled = Compiled(Emit(profiles, {}).text, "6.1");
    return compiled ? Proved(*compiled) : "not compiled: " + compiled.error().message;
  }
  std::vector<Profile> With(const std::string& from, const std::string& to) const {
    std::vector<Profile> wrong = profiles_;
    for (Line& line : wrong[0].lines) {
      const size_t at = line.text.find(from);
      if (at == std::string::npos) continue;
      line.text.replace(at, from.size(), to);
      return wrong;
    }
    ADD_FAILURE() << "no line has " << from;
    return wrong;
  }

  std::unique_ptr<driver::Frontend> front_;
  std::vector<Profile> profiles_;
  CompiledProfile own_;
};

// Resolve: a name bound to another object.  Judge: attempts whose answer the source states, decided by the oracle.
TEST_F(Planted, ResolveIsCaughtByStatedDecisions) {
  const auto right = [](const ir::Domain& domain) {
    const auto reads = [&](const char* name) { return oracle::DecideObject(domain, {ir::FacetOf("file"), 2, {}, {{"path", name}}, false}).permitted(); };
    return reads("/srv/index.html") && reads("/srv/a/b") && !reads("/srv/private/key") && !reads("/etc/shadow");
  };
  ASSERT_EQ(kernel::FindFacet("file")->operations[2], "read");
  EXPECT_TRUE(right(front_->policy.domains[0]));
  const auto bound = testing::ReadText(Text("  resource site = path(\"/srv/*\")\n  allow file { read } on site\n  default deny\n"));
  EXPECT_FALSE(right(bound->policy.domains[0]));
}

TEST_F(Planted, LoweringIsCaughtByTheProof) {
  std::vector<Profile> dropped = profiles_;
  dropped[0].lines.erase(dropped[0].lines.begin());
  EXPECT_THAT(Proved(dropped), HasSubstr("the policy grants")) << "a rule left out";
  EXPECT_THAT(Proved(With("/srv/** r", "/srv/** rw")), HasSubstr("the profile rw")) << "another permission";
  EXPECT_THAT(Proved(With("owner ", "")), HasSubstr("others")) << "a condition left out";
  EXPECT_THAT(Proved(With("audit deny", "deny")), HasSubstr("silences")) << "a record left out";
  EXPECT_THAT(Proved(With("-> helper", "-> web")), HasSubstr("execution in")) << "another domain";
  EXPECT_THAT(Proved(With("stream", "dgram")), HasSubstr("socket of family 2"));
  EXPECT_THAT(Proved(With("(term)", "(kill)")), HasSubstr("signal"));
  EXPECT_THAT(Proved(With("capability chown", "capability fowner")), HasSubstr("capability"));
}

// Globs: each way in which AppArmor's differ from ours, left out.
TEST_F(Planted, GlobWritingIsCaughtByTheProof) {
  EXPECT_THAT(Proved(With("/srv/**", "/srv/*")), HasSubstr("the policy grants")) << "one star for two";
  EXPECT_THAT(Proved(With("[a-c]*", "[a-c]?*")), HasSubstr("/opt/")) << "one byte more";
  EXPECT_THAT(Proved(With("[a-c]", "[^d-z]")), HasSubstr("/opt/")) << "a class that holds other bytes";
  EXPECT_THAT(Proved(With("x{y,z/?}", "x{y,z}/?")), HasSubstr("/opt/")) << "braces closed too early";
  EXPECT_THAT(Proved(With("z/?}{,/}", "z/?}")), HasSubstr("/: the policy grants")) << "a directory without its slash";
  EXPECT_THAT(Proved(With("/var/log/web", "/var/log/web{,/**}")), HasSubstr("/var/log/web/")) << "what is below it";
}

TEST_F(Planted, TheEmitterIsCaughtByTheProof) {
  std::vector<Profile> wrong = profiles_;
  std::swap(wrong[0].lines, wrong[1].lines);
  EXPECT_NE(Proved(wrong), "proved") << "the lines of another profile";
  wrong = profiles_;
  wrong[0].attachment.clear();
  EXPECT_THAT(Proved(wrong), HasSubstr("attaches to no program"));
  wrong = profiles_;
  wrong[0].local_name = "web2";
  EXPECT_NE(Proved(wrong), "proved") << "another name";
  const std::string text = Emit(profiles_, {}).text;
  for (const char* flags : {"complain", "audit", "attach_disconnected", "mediate_deleted"}) {
    std::string flagged = text;
    flagged.replace(flagged.find(" {"), 2, std::string(" flags=(") + flags + ") {");
    const auto compiled = Compiled(flagged, "6.1");
    ASSERT_TRUE(compiled.has_value()) << flags;
    EXPECT_NE(Proved(*compiled), "proved") << flags;
  }
}

// The map from lines to the source: a line that the parser rejects is named by the place that it comes from.
TEST_F(Planted, TheEmittersLinesAreCaughtByTheParser) {
  std::vector<Profile> wrong = With("capability chown", "capability chwon");
  const std::vector<std::string> head = {"a line on top"};
  const ProfileText text = Emit(wrong, head);
  const auto verdict = RunParser(text.text, kernel::ApparmorFeaturesText("6.1"));
  ASSERT_TRUE(verdict.has_value());
  ASSERT_FALSE(verdict->accepted);
  ASSERT_GT(verdict->line, 0);
  ASSERT_LE(static_cast<size_t>(verdict->line), text.places.size());
  EXPECT_THAT(text.places[static_cast<size_t>(verdict->line) - 1], HasSubstr(".rav:8:3"));
}

// The parser's adapter: other features than the target's, or warnings that are none, and rules are dropped without a word.
TEST_F(Planted, TheParsersFeaturesAreCaughtByTheProof) {
  const std::string text = Emit(profiles_, {}).text;
  const std::string features = kernel::ApparmorFeaturesText("6.1");
  for (const char* without : {"signal", "network_v8", "mount", "ptrace"}) {
    std::string fewer = features;
    const size_t at = fewer.find(std::string(without) + " {");
    ASSERT_NE(at, std::string::npos) << without;
    fewer.replace(at, std::string(without).size(), "nothing");
    const auto verdict = RunParser(text, fewer);
    ASSERT_TRUE(verdict.has_value());
    if (!verdict->accepted) continue;  // the parser itself says that a rule is not enforced
    const auto compiled = ReadCompiled(verdict->binary);
    ASSERT_TRUE(compiled.has_value());
    const auto own = std::find_if(compiled->begin(), compiled->end(), [](const CompiledProfile& one) { return one.name == "web"; });
    ASSERT_NE(own, compiled->end());
    EXPECT_THAT(Proved(*own), HasSubstr("does not mediate")) << without;
  }
}

// The reader: each thing that it reads, read otherwise.  Judge: the proof; and for what the proof cannot know, bits stated by hand.
TEST_F(Planted, TheReaderIsCaughtByTheProof) {
  const auto with = [&](const auto& change) {
    CompiledProfile wrong = own_;
    change(wrong);
    return Proved(wrong);
  };
  EXPECT_NE(with([](CompiledProfile& p) { p.capabilities.allow <<= 1; }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.files.reset(); }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.policy.reset(); }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.files_start = 0; }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.policy_start = 0; }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.transitions.clear(); }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.transitions[0] = "web"; }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.attach.reset(); }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.mode = 1; }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { std::swap(p.files, p.policy); }), "proved");
  EXPECT_NE(with([](CompiledProfile& p) { p.rlimit_mask = 1; }), "proved");
}
TEST_F(Planted, TheReaderIsCaughtByStatedBits) {
  const auto compiled = Compiled("abi <abi/3.0>,\nprofile web {\n  /r r,\n  owner /w w,\n  audit /a a,\n  deny /k k,\n  /x Ux,\n}\n", "6.1");
  ASSERT_TRUE(compiled.has_value()) << compiled.error().message;
  const auto at = [&](const char* name, bool owner) {
    const uint32_t state = compiled->files->Walk(compiled->files_start, name);
    return owner ? OwnerPermissions(*compiled->files, state) : OtherPermissions(*compiled->files, state);
  };
  EXPECT_EQ(at("/r", false).allow, 4u);
  EXPECT_EQ(at("/r", true).allow, 4u);
  EXPECT_EQ(at("/w", true).allow, 2u | 8u);
  EXPECT_EQ(at("/w", false).allow, 0u);
  EXPECT_EQ(at("/a", false).allow, 8u);
  EXPECT_EQ(at("/a", false).audit, 8u);
  EXPECT_EQ(at("/k", false).quiet, 0x20u);
  EXPECT_EQ(at("/x", false).allow, 1u);
  EXPECT_EQ(TransitionOf(*compiled, at("/x", false).exec_index)->kind, ExecKind::kUnconfined);
  EXPECT_EQ(at("/q", false).allow, 0u);
}
TEST_F(Planted, TheReaderSkipsNothing) {
  const auto verdict = RunParser(Emit(profiles_, {}).text, kernel::ApparmorFeaturesText("6.1"));
  ASSERT_TRUE(verdict.has_value() && verdict->accepted);
  // Another name for a section is one that the reader does not know.
  for (const std::string section : {"policydb", "aadfa", "xtable", "flags", "caps64"}) {
    std::vector<uint8_t> bytes = verdict->binary;
    const auto at = std::search(bytes.begin(), bytes.end(), section.begin(), section.end());
    ASSERT_NE(at, bytes.end()) << section;
    *at ^= 0x20;
    EXPECT_FALSE(ReadCompiled(bytes).has_value()) << section;
  }
}

// The view table: what lowering and proof read alike, so neither can judge it.  Judge: what the kernel's hooks ask, stated here by hand; the
// events of tests/support/apparmor_oracle.cc are judged by such a table, too.
TEST_F(Planted, AViewRowIsCaughtByStatedChecks) {
  const auto asks = [](const char* facet, const char* operation, const char* object_class, const char* permission) {
    for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet, operation)) {
      if (row->object_class == object_class && std::find(row->permissions.begin(), row->permissions.end(), permission) != row->permissions.end()) return true;
    }
    return false;
  };
  EXPECT_TRUE(asks("file", "read", "file", "r"));
  EXPECT_TRUE(asks("file", "list", "dir", "r"));
  EXPECT_TRUE(asks("file", "append", "file", "a"));
  EXPECT_TRUE(asks("file", "create_dir", "dir", "w"));
  for (const char* operation : {"write", "truncate", "create", "create_fifo", "create_socket", "create_char", "create_block", "create_symlink"}) EXPECT_TRUE(asks("file", operation, "file", "w")) << operation;
  for (const char* operation : {"delete", "rename_to", "setattr"}) EXPECT_TRUE(asks("file", operation, "any", "w")) << operation;
  for (const char* permission : {"r", "w"}) EXPECT_TRUE(asks("file", "rename_from", "any", permission)) << permission;
  EXPECT_FALSE(asks("file", "rename_to", "any", "r"));
  EXPECT_TRUE(asks("file", "link", "file", "l"));
  EXPECT_TRUE(asks("file", "lock", "any", "k"));
  EXPECT_TRUE(asks("file", "map_exec", "file", "m"));
  EXPECT_TRUE(asks("exec", "exec", "exec", "x"));
  for (const char* operation : {"getattr", "traverse", "xattr", "utimes", "ioctl", "watch", "inherit"}) EXPECT_TRUE(kernel::LsmRowsOf("apparmor", "file", operation).front()->object_class.empty()) << operation;
  EXPECT_TRUE(asks("signal", "send", "signal", "send"));
  EXPECT_TRUE(asks("ptrace", "tracedby", "ptrace", "tracedby"));
  EXPECT_TRUE(asks("mount", "umount", "mount", "umount"));
  EXPECT_TRUE(kernel::LsmRowsOf("apparmor", "mount", "chroot").front()->object_class.empty());
  // And the judge that is used on random policies sees a wrong one: it says of a profile without `w` that creating is refused.
  const auto front = testing::ReadText("language 1\npolicy web {\n  allow file { create } on path(\"/a\")\n  default deny\n}\n");
  const auto compiled = Compiled("abi <abi/3.0>,\nprofile web {\n  /a a,\n}\n", "6.1");
  ASSERT_TRUE(compiled.has_value());
  std::mt19937_64 random(1);
  EXPECT_TRUE(testing::JudgeByOracle(front->policy, front->policy.domains[0], *compiled, 20, random).wrong.has_value());
}

}  // namespace
}  // namespace ravelin::apparmor
