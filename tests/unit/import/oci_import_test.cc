#include "compiler/import/oci_import.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "backends/seccomp/oci/decide.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"

namespace ravelin::import {
namespace {

using kernel::Arch;

struct Imported {
  std::string text;
  std::string findings;  // kinds
};

Imported Import(const std::string& json, const OciImportOptions& options = {}) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("profile.json", json);
  const auto text = ImportOciSeccomp(file, sources.Text(file), options, sink);
  Imported out;
  if (text) out.text = *text;
  std::set<std::string> kinds;
  for (const diag::Diagnostic& d : sink.All()) kinds.insert(std::string(diag::KindName(d.kind)));
  for (const std::string& kind : kinds) out.findings += kind + " ";
  if (!text) out.findings += "unreadable";
  return out;
}

std::string Profile(const std::string& rules) { return "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" + rules + "]}"; }
std::string Rule(const std::string& name, const std::string& args, const std::string& action = "SCMP_ACT_ALLOW") { return fmt::format(R"({{"names": ["{}"], "action": "{}", "args": [{}]}})", name, action, args); }

// 64-bit values whose halves a caller may fill: what a register holds when a C program passes `value`.
bool IsSane(const kernel::Syscall& call, const ir::Args& args) {
  for (size_t i = 0; i < call.params.size(); ++i) {
    const auto type = call.params[i].type;
    const uint64_t high = args[i] >> 32;
    const bool narrow = type == kernel::ArgType::kI32 || type == kernel::ArgType::kU32 || type == kernel::ArgType::kU16;
    if (narrow && high != 0) return false;
    if (type == kernel::ArgType::kU16 && args[i] > 0xffff) return false;
  }
  return true;
}

// The imported policy decides as the profile does, for every known call and the values beside every constant of it.
void CompareDecisions(const std::string& json, const OciImportOptions& options, Arch arch, size_t* compared) {
  const Imported imported = Import(json, options);
  ASSERT_FALSE(imported.text.empty()) << imported.findings;
  const ir::Domain domain = testing::DomainOf(imported.text, arch);
  const auto profile = seccomp::ReadOciProfile(json);
  const seccomp::OciContainer container{arch, options.capabilities, options.kernel};
  std::set<uint64_t> edges = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff};
  for (const seccomp::OciRule& rule : profile->rules) {
    for (const seccomp::OciArg& arg : rule.args) {
      for (const uint64_t v : {arg.value - 1, arg.value, arg.value + 1, arg.value_two, arg.value & -arg.value}) edges.insert(v);
    }
  }
  for (const kernel::Syscall& call : kernel::Syscalls(arch)) {
    if (ir::IsX32Number(arch, call.number)) continue;
    for (size_t arg = 0; arg < 6; ++arg) {
      for (const uint64_t first : edges) {
        for (const uint64_t second : {uint64_t{0}, uint64_t{9}, uint64_t{16}}) {
          ir::Args args{};
          args[arg] = first;
          args[(arg + 2) % 6] = second;
          if (!IsSane(call, args)) continue;
          const auto wanted = seccomp::OciDecide(*profile, container, call.name, args);
          ASSERT_TRUE(wanted.has_value()) << call.name;
          ir::Event event = testing::Call(arch, call.name, args);
          ASSERT_EQ(oracle::DecideCall(domain, event).action, *wanted) << driver::ShowEvent(event);
          ++*compared;
        }
      }
    }
  }
}

TEST(OciImport, RealProfilesKeepTheirDecisions) {
  RAVELIN_NEEDS_DATA("seccomp/moby-default.json");
  for (const char* name : {"seccomp/moby-default.json", "seccomp/containers-common.json"}) {
    const std::string json = *source::ReadFile(testing::SharedData(name));
    for (const Arch arch : kernel::kFilterArches) {
      for (const std::vector<std::string>& caps : {std::vector<std::string>{}, {"CAP_SYS_ADMIN"}, {"CAP_AUDIT_WRITE", "CAP_NET_ADMIN"}, {"CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_SYS_TIME"}}) {
        SCOPED_TRACE(fmt::format("{} {} {}", name, kernel::ArchName(arch), fmt::join(caps, "+")));
        OciImportOptions options;
        options.arches = {arch};
        options.capabilities = caps;
        size_t compared = 0;
        CompareDecisions(json, options, arch, &compared);
        EXPECT_GT(compared, 5000u);
      }
    }
  }
}

TEST(OciImport, SeveralArchitecturesBecomeConditions) {
  const std::string json = Profile(R"({"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}}, {"names": ["riscv_flush_icache"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["riscv64"]}})");
  OciImportOptions options;
  options.arches = {Arch::kX86_64, Arch::kRiscv64};
  const Imported imported = Import(json, options);
  EXPECT_NE(imported.text.find("when target.arch == riscv64"), std::string::npos) << imported.text;
  for (const Arch arch : options.arches) {
    const ir::Domain domain = testing::DomainOf(imported.text, arch);
    EXPECT_TRUE(oracle::DecideCall(domain, testing::Call(arch, "read")).permitted());
    EXPECT_TRUE(oracle::DecideCall(domain, testing::Call(arch, arch == Arch::kX86_64 ? "arch_prctl" : "riscv_flush_icache")).permitted());
  }
}

TEST(OciImport, WideComparisonsAreRepairedOrKept) {
  const std::string json = Profile(Rule("socket", R"({"index": 0, "value": 38, "op": "SCMP_CMP_LT"})") + "," + Rule("socket", R"({"index": 0, "value": 38, "op": "SCMP_CMP_GT"})"));
  const Imported repaired = Import(json);
  EXPECT_EQ(repaired.findings, "import-wide-compare ");
  EXPECT_NE(repaired.text.find("socket(domain != AF_ALG)"), std::string::npos) << repaired.text;
  OciImportOptions literal;
  literal.literal = true;
  const Imported kept = Import(json, literal);
  EXPECT_EQ(kept.findings, "");
  EXPECT_NE(kept.text.find("wide(domain)"), std::string::npos) << kept.text;
  const ir::Event garbage = testing::Call(Arch::kX86_64, "socket", {0x100000000 + 38});
  EXPECT_FALSE(oracle::DecideCall(testing::DomainOf(repaired.text), garbage).permitted()) << "the kernel reads 38";
  EXPECT_TRUE(oracle::DecideCall(testing::DomainOf(kept.text), garbage).permitted()) << "the profile lets it through";
}

TEST(OciImport, FindingsByKind) {
  EXPECT_EQ(Import(Profile(Rule("opneat", ""))).findings, "import-unknown-name ");
  EXPECT_EQ(Import(Profile(Rule("lseek", R"({"index": 1, "value": 5, "op": "SCMP_CMP_GE"}, {"index": 1, "value": 9, "op": "SCMP_CMP_LE"})"))).findings, "import-duplicate-index ");
  EXPECT_EQ(Import(Profile(Rule("acct", "", "SCMP_ACT_ERRNO"))).findings, "import-dropped-rule ");
  EXPECT_EQ(Import(Profile(Rule("lseek", R"({"index": 1, "value": 5, "op": "SCMP_CMP_GE"})") + "," + Rule("lseek", R"({"index": 2, "value": 0, "op": "SCMP_CMP_EQ"})", "SCMP_ACT_TRAP"))).findings.find("import-conflict"), 0u);
  EXPECT_EQ(Import(Profile(Rule("openat", R"({"index": 1, "value": 5, "op": "SCMP_CMP_EQ"})"))).findings, "import-unstatable ");
  EXPECT_EQ(Import(Profile(Rule("acct", "", "SCMP_ACT_NONSENSE"))).findings, "import-malformed ");
  EXPECT_EQ(Import("{").findings, "unreadable");
}

TEST(OciImport, OutputIsCanonicalAndDeterministic) {
  const std::string json = Profile(Rule("clone", R"({"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"})") + "," + R"({"names": ["write", "read"], "action": "SCMP_ACT_LOG"})");
  const Imported once = Import(json);
  EXPECT_EQ(once.text, Import(json).text);
  EXPECT_NE(once.text.find("CLONE_NEWUSER"), std::string::npos) << once.text;
  EXPECT_NE(once.text.find("with log"), std::string::npos);
}

TEST(OciImport, EveryDefaultAction) {
  for (const char* action : {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY", "SCMP_ACT_ERRNO"}) {
    const std::string json = fmt::format(R"({{"defaultAction": "{}", "syscalls": [{{"names": ["read"], "action": "SCMP_ACT_ALLOW"}}, {{"names": ["acct"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}}]}})", action);
    size_t compared = 0;
    SCOPED_TRACE(action);
    CompareDecisions(json, {}, Arch::kX86_64, &compared);
    EXPECT_GT(compared, 5000u);
  }
}

}  // namespace
}  // namespace ravelin::import
