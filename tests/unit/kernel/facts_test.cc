// Facts that other sources state too, spot by spot.
#include "compiler/kernel/facts.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <set>

#include "compiler/kernel/operation_words.h"
#include "compiler/kernel/view.h"
#include "compiler/resolve/kinds.h"

namespace ravelin::kernel {
namespace {

const Param& Parameter(Arch arch, const char* call, size_t index) { return FindSyscall(arch, call)->params.at(index); }

TEST(Facts, NumbersOfThisMachinesHeaders) {
  EXPECT_EQ(FindSyscall(Arch::kX86_64, "openat")->number, 257u);
  EXPECT_EQ(FindSyscall(Arch::kI386, "socketcall")->number, 102u);
  EXPECT_EQ(FindSyscall(Arch::kAarch64, "openat")->number, 56u);
  EXPECT_EQ(FindSyscall(Arch::kArm, "openat")->number, 322u);
  EXPECT_EQ(FindSyscall(Arch::kRiscv64, "riscv_flush_icache")->number, 259u);
  EXPECT_EQ(FindSyscall(Arch::kPpc64le, "openat")->number, 286u);
  EXPECT_EQ(FindSyscall(Arch::kS390x, "openat")->number, 288u);
  EXPECT_EQ(FindSyscall(Arch::kAarch64, "open"), nullptr);
#ifdef __x86_64__
  EXPECT_EQ(FindSyscall(Arch::kX86_64, "clone3")->number, static_cast<uint32_t>(SYS_clone3));
  EXPECT_EQ(FindSyscall(Arch::kX86_64, "seccomp")->number, static_cast<uint32_t>(SYS_seccomp));
#endif
}

TEST(Facts, AuditArchitectures) {
  EXPECT_EQ(AuditArch(Arch::kX86_64), static_cast<uint32_t>(AUDIT_ARCH_X86_64));
  EXPECT_EQ(AuditArch(Arch::kX32), static_cast<uint32_t>(AUDIT_ARCH_X86_64));
  EXPECT_EQ(AuditArch(Arch::kI386), static_cast<uint32_t>(AUDIT_ARCH_I386));
  EXPECT_EQ(AuditArch(Arch::kAarch64), static_cast<uint32_t>(AUDIT_ARCH_AARCH64));
  EXPECT_EQ(AuditArch(Arch::kArm), static_cast<uint32_t>(AUDIT_ARCH_ARM));
  EXPECT_EQ(AuditArch(Arch::kRiscv64), static_cast<uint32_t>(AUDIT_ARCH_RISCV64));
  EXPECT_EQ(AuditArch(Arch::kPpc64le), static_cast<uint32_t>(AUDIT_ARCH_PPC64LE));
  EXPECT_EQ(AuditArch(Arch::kS390x), static_cast<uint32_t>(AUDIT_ARCH_S390X));
  EXPECT_TRUE(IsBigEndian(Arch::kS390x));
  EXPECT_FALSE(IsBigEndian(Arch::kPpc64le));
}

TEST(Facts, EveryCallHasANameANumberAndAnArrival) {
  for (const Arch arch : kFilterArches) {
    std::set<uint32_t> numbers;
    size_t signatures = 0;
    for (const Syscall& call : Syscalls(arch)) {
      EXPECT_TRUE(numbers.insert(call.number).second) << call.name;
      EXPECT_EQ(FindSyscall(arch, call.name), &call);
      EXPECT_FALSE(call.since_source.empty()) << call.name;
      EXPECT_LE(call.params.size(), 6u) << call.name;
      signatures += call.signature_known ? 1 : 0;
    }
    EXPECT_GT(numbers.size(), 290u) << ArchName(arch);
    EXPECT_GT(signatures * 100, numbers.size() * 90) << ArchName(arch);
  }
}

TEST(Facts, Arrivals) {
  const auto since = [](const char* name) { return FormatVersion(FindSyscall(Arch::kX86_64, name)->since); };
  EXPECT_EQ(since("clone3"), "5.3");
  EXPECT_EQ(since("openat2"), "5.6");
  EXPECT_EQ(since("fchmodat2"), "6.6");
  EXPECT_EQ(since("seccomp"), "3.17");
}

TEST(Facts, WidthsAndOrder) {
  EXPECT_EQ(Parameter(Arch::kX86_64, "socket", 0).type, ArgType::kI32);
  EXPECT_EQ(Parameter(Arch::kX86_64, "personality", 0).type, ArgType::kU32);
  EXPECT_EQ(Parameter(Arch::kX86_64, "clone", 0).type, ArgType::kU64);
  EXPECT_EQ(Parameter(Arch::kI386, "clone", 0).type, ArgType::kU32);
  EXPECT_EQ(Parameter(Arch::kX86_64, "clone", 0).name, "flags");
  EXPECT_EQ(Parameter(Arch::kS390x, "clone", 1).name, "flags") << "s390x takes the stack first";
  EXPECT_EQ(Parameter(Arch::kX86_64, "open", 2).type, ArgType::kU16) << "umode_t";
  EXPECT_EQ(Parameter(Arch::kX86_64, "openat", 1).type, ArgType::kPtr);
  // A 64-bit offset takes two registers on 32-bit machines, on arm an even one first.
  EXPECT_EQ(FindSyscall(Arch::kI386, "ftruncate64")->params.size(), 3u);
  EXPECT_EQ(FindSyscall(Arch::kArm, "ftruncate64")->params.size(), 4u);
}

TEST(Facts, Constants) {
  EXPECT_EQ(FindConstant(Arch::kX86_64, "AF_ALG"), 38u);
  EXPECT_EQ(FindConstant(Arch::kX86_64, "CLONE_NEWUSER"), 0x10000000u);
  EXPECT_EQ(FindConstant(Arch::kX86_64, "TIOCSTI"), 0x5412u);
  EXPECT_EQ(FindConstant(Arch::kPpc64le, "TCGETS"), 0x402c7413u);
  EXPECT_EQ(ConstantName(Arch::kX86_64, "AF", AF_INET6), "AF_INET6");
  EXPECT_EQ(FindErrno("ENOSYS"), 38);
  EXPECT_EQ(FindCapability("net_bind_service"), 10);
  EXPECT_EQ(FindCapability("CAP_SYS_ADMIN"), 21);
  EXPECT_EQ(FindSignal(Arch::kX86_64, "SIGKILL"), 9);
}

TEST(View, EveryRowIsSourcedAndSpeaksOfWhatExists) {
  for (const Arch arch : kFilterArches) {
    size_t rows = 0;
    for (const Syscall& call : Syscalls(arch)) {
      for (const ViewRow& row : ViewRows(arch, call.name)) {
        ++rows;
        EXPECT_FALSE(row.source.empty()) << call.name;
        const FacetInfo* facet = FindFacet(row.facet);
        ASSERT_NE(facet, nullptr) << call.name;
        EXPECT_NE(std::find(facet->operations.begin(), facet->operations.end(), row.operation), facet->operations.end()) << call.name << " " << row.operation;
      }
    }
    EXPECT_GT(rows, 250u) << ArchName(arch);
  }
}

TEST(View, ClausesNameAttributesOfTheirFacet) {
  for (const resolve::ClauseSpec& clause : resolve::Clauses()) {
    const FacetInfo* facet = FindFacet(clause.facet);
    ASSERT_NE(facet, nullptr) << clause.facet;
    if (clause.attribute.empty()) continue;
    EXPECT_NE(std::find(facet->attributes.begin(), facet->attributes.end(), clause.attribute), facet->attributes.end()) << clause.facet << " " << clause.keyword;
  }
}

TEST(View, AWordMayStandForSeveralOperations) {
  EXPECT_EQ(OperationsNamed("file", "rename"), (std::vector<std::string>{"rename_from", "rename_to"}));
  EXPECT_EQ(OperationsNamed("file", "read"), std::vector<std::string>{"read"});
  EXPECT_TRUE(OperationsNamed("file", "reed").empty());
  EXPECT_TRUE(OperationsNamed("exec", "rename").empty());
  for (const FacetInfo& facet : Facets()) {
    for (const std::string& word : OperationWords(facet.name)) {
      EXPECT_EQ(std::count(facet.operations.begin(), facet.operations.end(), word), 0) << word << " is an operation";
      for (const std::string& one : OperationsNamed(facet.name, word)) EXPECT_EQ(std::count(facet.operations.begin(), facet.operations.end(), one), 1) << one;
    }
  }
}

TEST(View, OperationsBringWhatTheyNeed) {
  const auto closure = OperationClosure("network", "listen");
  EXPECT_EQ(std::set<std::string>(closure.begin(), closure.end()), (std::set<std::string>{"listen", "bind", "create"}));
}

TEST(Constants, AValueIsNamedAsItsParameterNamesIt) {
  const auto name = [](std::string_view family, std::string_view constant) { return ConstantName(Arch::kX86_64, family, *FindConstant(Arch::kX86_64, constant)); };
  for (const char* option : {"PR_SET_PDEATHSIG", "PR_GET_PDEATHSIG", "PR_SET_DUMPABLE", "PR_SET_KEEPCAPS", "PR_GET_NAME", "PR_CAPBSET_DROP"}) EXPECT_EQ(name("PR", option), option);
  for (const char* command : {"F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_SETOWN", "F_SETLEASE", "F_ADD_SEALS"}) EXPECT_EQ(name("F", command), command);
  for (const char* operation : {"KEYCTL_UPDATE", "KEYCTL_CHOWN", "KEYCTL_LINK"}) EXPECT_EQ(name("KEYCTL", operation), operation);
  EXPECT_EQ(name("SECCOMP", "SECCOMP_SET_MODE_FILTER"), "SECCOMP_SET_MODE_FILTER");
  EXPECT_EQ(name("AF", "AF_LOCAL"), "AF_UNIX");
}

TEST(Constants, FlagsAreTakenApart) {
  const auto text = [](std::string_view family, uint64_t value) { return ConstantText(Arch::kX86_64, family, value); };
  EXPECT_EQ(text("O", 0x80241), "O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC");
  EXPECT_EQ(text("O", 0x101002), "O_RDWR | O_SYNC");
  EXPECT_EQ(text("MAP", 0x22), "MAP_PRIVATE | MAP_ANONYMOUS");
  EXPECT_EQ(text("CLONE", 0x10000011), "CLONE_NEWUSER | 0x11");
  EXPECT_EQ(text("PR", 0x123456), "") << "options are not ORed";
}

}  // namespace
}  // namespace ravelin::kernel
