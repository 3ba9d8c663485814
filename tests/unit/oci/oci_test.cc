#include "backends/seccomp/oci/oci.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "backends/seccomp/oci/decide.h"
#include "backends/seccomp/prove/prove.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"
#include "tests/support/random_policy.h"

namespace ravelin::seccomp {
namespace {

using kernel::Arch;

std::string Wrong(const std::string& json) {
  const auto profile = ReadOciProfile(json);
  return profile ? "" : profile.error().message;
}

TEST(OciJson, ReadsTheDialects) {
  const auto bare = ReadOciProfile(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->rules.size(), 1u);
  const auto config = ReadOciProfile(R"({"ociVersion": "1.0.2", "linux": {"seccomp": {"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["a", "b"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]}]}}})");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->rules[0].args[0].value, ~uint64_t{0});
  EXPECT_EQ(config->rules[0].errno_ret, 38u);
  const auto docker = ReadOciProfile(R"({"defaultAction": "SCMP_ACT_ERRNO", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW", "args": null, "includes": {"caps": ["CAP_BPF"], "minKernel": "4.8"}, "excludes": {}}]})");
  ASSERT_TRUE(docker.has_value()) << docker.error().message;
  EXPECT_EQ(docker->rules[0].includes.caps[0], "CAP_BPF");
  const auto podman = ReadOciProfile(R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS", "syscalls": [{"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errno": "EINVAL"}]})");
  ASSERT_TRUE(podman.has_value());
  EXPECT_EQ(podman->rules[0].errno_ret, 22u);
}

TEST(OciJson, SaysWhatIsWrongAndWhere) {
  EXPECT_NE(Wrong("{\n  \"defaultAction\": 5\n}").find("no string"), std::string::npos);
  EXPECT_NE(Wrong("{\"defaultAction\": \"SCMP_ACT_ERRNO\",\n\"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_ALLOW\"},\n {\"names\": []}]}").find("3:2: rule 2"), std::string::npos);
  EXPECT_NE(Wrong("{,}").find("1:2"), std::string::npos);
  EXPECT_FALSE(Wrong("{}").empty());
  EXPECT_FALSE(Wrong("[]").empty());
  EXPECT_FALSE(Wrong("").empty());
  EXPECT_FALSE(Wrong(std::string("\0", 1)).empty());
  EXPECT_FALSE(Wrong("{\"defaultAction\": \"a\", \"defaultAction\": \"b\"}").empty()) << "a key given twice";
  EXPECT_NE(Wrong(std::string(100000, '[')).find("deep"), std::string::npos);
  const auto arg = [](const std::string& value) { return Wrong(fmt::format(R"({{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{{"index": 0, "op": "SCMP_CMP_EQ", "value": {}}}]}}]}})", value)); };
  EXPECT_EQ(arg("18446744073709551615"), "");
  for (const char* bad : {"-1", "1.5", "18446744073709551616", "\"1\"", "true", "1e400"}) EXPECT_FALSE(arg(bad).empty()) << bad;
}

TEST(OciJson, SurvivesDamage) {
  const std::string good = *WriteOciProfile(testing::DomainOf(testing::Policy("  allow syscall { read, write }\n  allow syscall socket(domain in { 1, 2 })")));
  std::mt19937_64 random(6);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (size_t i = 0; i < 1 + random() % 3; ++i) text[random() % text.size()] = "{}[]\",:0\\\xff\n-e"[random() % 13];
    const auto profile = ReadOciProfile(text);
    if (!profile) {
      EXPECT_FALSE(profile.error().message.empty());
    }
  }
}

// How libseccomp decides among several rules for one call; the installed library is asked too.
TEST(OciDecide, RulesForOneCallAsTheLibraryTakesThem) {
  const auto decide = [](const std::string& rules, uint64_t arg0, uint64_t arg1 = 0) -> std::string {
    const auto profile = ReadOciProfile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" + rules + "]}");
    const auto action = OciDecide(*profile, {}, "bpf", {arg0, arg1, 0, 0, 0, 0});
    const auto program = CompileWithLibseccomp(*profile, Arch::kX86_64);
    if (program && action) {
      const ir::Event event = testing::Call(Arch::kX86_64, "bpf", {arg0, arg1});
      EXPECT_EQ(testing::Answer(*program, event), *action) << rules << " " << arg0;
    }
    return action ? FormatAction(*action) : "undecided";
  };
  const std::string plain_allow = R"({"names": ["bpf"], "action": "SCMP_ACT_ALLOW"})";
  const std::string plain_errno = R"({"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22})";
  const std::string allow_1 = R"({"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]})";
  const std::string errno_1 = R"({"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]})";
  const std::string errno_1_2 = R"({"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]})";
  const std::string default_rule = R"({"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1})";
  EXPECT_EQ(decide(plain_allow + "," + plain_errno, 0), "allow") << "the first of two plain rules";
  EXPECT_EQ(decide(plain_errno + "," + plain_allow, 0), "errno(EINVAL)");
  EXPECT_EQ(decide(allow_1 + "," + plain_errno, 1), "errno(EINVAL)") << "a plain rule beats the others, wherever it stands";
  EXPECT_EQ(decide(plain_errno + "," + allow_1, 1), "errno(EINVAL)");
  EXPECT_EQ(decide(default_rule + "," + allow_1, 1), "allow") << "rules equal to the default are dropped";
  EXPECT_EQ(decide(allow_1 + "," + errno_1_2, 1, 2), "allow") << "a more special rule after a general one does nothing";
  EXPECT_EQ(decide(errno_1_2 + "," + allow_1, 1, 2), "undecided") << "the library refuses the profile";
  EXPECT_EQ(decide(errno_1 + "," + allow_1, 1), "undecided");
  const std::string twice = R"({"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_GE"}, {"index": 0, "value": 9, "op": "SCMP_CMP_EQ"}]})";
  EXPECT_EQ(decide(twice, 7), "allow") << "an argument tested twice: any comparison suffices";
  EXPECT_EQ(decide(twice, 4), "errno(EPERM)");
}

TEST(OciDecide, WhoTheContainerIs) {
  const auto profile = ReadOciProfile(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
    {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}},
    {"names": ["acct"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}},
    {"names": ["sync"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64", "s390x"]}},
    {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}]})");
  const auto permits = [&](const char* call, const OciContainer& c) { return Permits(*OciDecide(*profile, c, call, {})); };
  EXPECT_FALSE(permits("bpf", {Arch::kX86_64, {"CAP_BPF"}, {6, 1}})) << "all must be there";
  EXPECT_TRUE(permits("bpf", {Arch::kX86_64, {"bpf", "sys_admin"}, {6, 1}}));
  EXPECT_FALSE(permits("acct", {Arch::kX86_64, {"CAP_BPF"}, {6, 1}})) << "one suffices";
  EXPECT_TRUE(permits("acct", {Arch::kX86_64, {}, {6, 1}}));
  EXPECT_FALSE(permits("sync", {Arch::kX86_64, {}, {6, 1}}));
  EXPECT_TRUE(permits("sync", {Arch::kS390x, {}, {6, 1}}));
  EXPECT_FALSE(permits("ptrace", {Arch::kX86_64, {}, {4, 7}}));
  EXPECT_TRUE(permits("ptrace", {Arch::kX86_64, {}, {4, 8}}));
}

TEST(OciWrite, StatesExactlyThePolicy) {
  // Ranges, masks, conditions on several arguments, all actions, unknown numbers with an answer of their own.
  const ir::Domain domain = testing::DomainOf(testing::Policy(
      "  allow syscall { read, write }\n  allow syscall socket(domain != AF_ALG && domain != AF_VSOCK, type & SOCK_TYPE_MASK in { 1, 2 })\n  allow syscall lseek(offset < 0x300000001)\n"
      "  deny syscall acct with kill process\n  deny syscall sync with trap\n  deny syscall reboot with trace(5)\n  deny syscall bpf with notify\n  allow syscall getpid with log\n  unknown syscall with errno(ENOSYS)"));
  const auto profile = ReadOciProfile(*WriteOciProfile(domain));
  ASSERT_TRUE(profile.has_value());
  const ProofResult proof = ProveOciProfile(domain, *profile);
  EXPECT_TRUE(proof.proved) << proof.why_not;
  std::mt19937_64 random(8);
  for (const ir::Event& event : testing::MakeEvents(domain, 3000, random)) {
    const kernel::Syscall* call = kernel::FindSyscall(Arch::kX86_64, event.number);
    if (call == nullptr || event.audit_arch != kernel::AuditArch(Arch::kX86_64) || ir::IsX32Number(Arch::kX86_64, event.number)) continue;
    const auto action = OciDecide(*profile, {}, call->name, event.args);
    ASSERT_TRUE(action.has_value()) << "rules that the writer makes never overlap";
    ASSERT_EQ(*action, oracle::DecideCall(domain, event).action) << call->name;
  }
}

TEST(OciWrite, SaysWhatAProfileCannotState) {
  const auto why = [](const std::string& rules) {
    const auto text = WriteOciProfile(testing::DomainOf(testing::Policy(rules)));
    return text ? "" : text.error().message;
  };
  EXPECT_NE(why("  deny syscall acct with trap(7)").find("trap(7)"), std::string::npos);
  EXPECT_NE(why("  architectures { x86_64, i386 }\n  when target.arch == x86_64 {\n    allow syscall read\n  }\n  allow syscall lseek(offset >= 7)").find("lseek"), std::string::npos) << "widths differ between the two";
}

TEST(OciWrite, RandomPolicies) {
  std::mt19937_64 random(77);
  size_t written = 0;
  for (int round = 0; round < 150; ++round) {
    const testing::RandomPolicy policy = testing::MakePolicy(random);
    const auto front = testing::ReadText(policy.text, "debian12", policy.arch);
    diag::Sink conflicts;
    driver::CheckConflicts(front->policy.domains[0], conflicts);
    if (conflicts.HasErrors()) continue;
    const auto text = WriteOciProfile(front->policy.domains[0]);
    if (!text) continue;
    const auto profile = ReadOciProfile(*text);
    ASSERT_TRUE(profile.has_value());
    const ProofResult proof = ProveOciProfile(front->policy.domains[0], *profile);
    ASSERT_TRUE(proof.proved) << policy.text << proof.why_not << (proof.counterexample ? driver::ShowEvent(proof.counterexample->event) : "");
    ++written;
  }
  EXPECT_GT(written, 60u);
}

}  // namespace
}  // namespace ravelin::seccomp
