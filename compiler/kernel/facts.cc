#include "compiler/kernel/facts.h"

#include <linux/audit.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {
namespace {

struct ArchFacts {
  std::string_view name;
  uint32_t audit;
  int word_bits;
  bool big_endian;
};
// AUDIT_ARCH_* of <linux/audit.h>; x32 has none of its own.
constexpr ArchFacts kArches[kArchCount] = {
    {"x86_64", AUDIT_ARCH_X86_64, 64, false},  {"x32", AUDIT_ARCH_X86_64, 64, false}, {"i386", AUDIT_ARCH_I386, 32, false},
    {"aarch64", AUDIT_ARCH_AARCH64, 64, false}, {"arm", AUDIT_ARCH_ARM, 32, false},    {"riscv64", AUDIT_ARCH_RISCV64, 64, false},
    {"ppc64le", AUDIT_ARCH_PPC64LE, 64, false}, {"s390x", AUDIT_ARCH_S390X, 64, true}};

// Names of other tools: Go (amd64), libseccomp (SCMP_ARCH_*), Debian, uname.
constexpr std::pair<std::string_view, Arch> kAliases[] = {
    {"amd64", Arch::kX86_64},          {"SCMP_ARCH_X86_64", Arch::kX86_64},     {"SCMP_ARCH_X32", Arch::kX32},
    {"x86", Arch::kI386},              {"386", Arch::kI386},                    {"i486", Arch::kI386},
    {"i586", Arch::kI386},             {"i686", Arch::kI386},                   {"SCMP_ARCH_X86", Arch::kI386},
    {"arm64", Arch::kAarch64},         {"SCMP_ARCH_AARCH64", Arch::kAarch64},   {"armhf", Arch::kArm},
    {"armv7l", Arch::kArm},            {"armv6l", Arch::kArm},                  {"armv8l", Arch::kArm},
    {"armel", Arch::kArm},             {"SCMP_ARCH_ARM", Arch::kArm},           {"SCMP_ARCH_RISCV64", Arch::kRiscv64},
    {"ppc64el", Arch::kPpc64le},       {"powerpc64le", Arch::kPpc64le},         {"SCMP_ARCH_PPC64LE", Arch::kPpc64le},
    {"SCMP_ARCH_S390X", Arch::kS390x}, {"s390", Arch::kS390x}};

ArgType TypeOf(std::string_view name, Arch arch) {
  const bool wide = kArches[static_cast<int>(arch)].word_bits == 64;
  if (name == "i32") return ArgType::kI32;
  if (name == "u32") return ArgType::kU32;
  if (name == "u16") return ArgType::kU16;
  if (name == "i64") return ArgType::kI64;
  if (name == "u64") return ArgType::kU64;
  if (name == "ptr") return ArgType::kPtr;
  if (name == "long") return wide ? ArgType::kI64 : ArgType::kI32;
  RAVELIN_CHECK(name == "ulong" || name == "size", "signatures.tsv has an unknown type");
  return wide ? ArgType::kU64 : ArgType::kU32;
}

struct ArchTable {
  std::vector<Syscall> calls;  // ascending by number
  std::unordered_map<std::string_view, size_t> by_name;
};

class Tables {
 public:
  static const Tables& Get() {
    static const Tables tables;
    return tables;
  }
  const ArchTable& Of(Arch arch) const { return arches_[static_cast<int>(arch)]; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  using Row = std::vector<std::string_view>;

  Tables() {
    for (const Row& row : TableRows("param_families.tsv")) {
      RAVELIN_CHECK(row.size() == 3, "param_families.tsv has a malformed row");
      families_[std::string(row[0]) + "/" + std::string(row[1])] = row[2];
    }
    for (Row& row : TableRows("signatures.tsv")) {
      const std::string_view key = row.front();
      signatures_.emplace(key, std::move(row));
    }
    const auto rows = TableRows("syscalls.tsv");
    RAVELIN_CHECK(!rows.empty() && rows[0].size() == kArchCount + 1, "syscalls.tsv has a malformed head");
    for (int i = 0; i < kArchCount; ++i) RAVELIN_CHECK(rows[0][static_cast<size_t>(i) + 1] == kArches[i].name, "syscalls.tsv has its columns in another order");
    for (size_t r = 1; r < rows.size(); ++r) {
      RAVELIN_CHECK(rows[r].size() == kArchCount + 1, "syscalls.tsv has a malformed row");
      names_.emplace_back(rows[r][0]);
      for (int i = 0; i < kArchCount; ++i) AddCall(static_cast<Arch>(i), rows[r][0], rows[r][static_cast<size_t>(i) + 1]);
    }
    std::sort(names_.begin(), names_.end());
    for (ArchTable& table : arches_) {
      std::sort(table.calls.begin(), table.calls.end(), [](const Syscall& a, const Syscall& b) { return a.number < b.number; });
      for (size_t i = 0; i < table.calls.size(); ++i) table.by_name.emplace(table.calls[i].name, i);
    }
  }

  void AddCall(Arch arch, std::string_view name, std::string_view cell) {
    if (cell == "-") return;
    const auto parts = SplitTable(cell, '/');
    RAVELIN_CHECK(parts.size() == 3, "syscalls.tsv has a malformed cell");
    Syscall call;
    call.name = name;
    call.number = static_cast<uint32_t>(TableNumber(parts[0]));
    const auto since = ParseVersion(parts[1]);
    RAVELIN_CHECK(since.has_value(), "syscalls.tsv has a malformed version");
    call.since = *since;
    call.since_source = parts[2];
    AddSignature(arch, call);
    arches_[static_cast<int>(arch)].calls.push_back(std::move(call));
  }

  void AddSignature(Arch arch, Syscall& call) {
    const std::string own = call.name + "@" + std::string(ArchName(arch));
    auto it = signatures_.find(own);
    if (it == signatures_.end()) it = signatures_.find(call.name);
    call.signature_known = it != signatures_.end();
    if (call.signature_known && it->second.size() > 1 && it->second[1] == "?") call.signature_known = false;
    if (!call.signature_known) return;
    for (size_t i = 1; i < it->second.size(); ++i) {
      const std::string_view cell = it->second[i];
      if (cell.substr(0, 1) == "#") break;
      const size_t colon = cell.find(':');
      RAVELIN_CHECK(colon != std::string_view::npos && call.params.size() < 6, "signatures.tsv has a malformed row");
      Param param{std::string(cell.substr(0, colon)), TypeOf(cell.substr(colon + 1), arch), ""};
      const auto family = families_.find(call.name + "/" + param.name);
      if (family != families_.end()) param.family = family->second;
      call.params.push_back(std::move(param));
    }
  }

  std::array<ArchTable, kArchCount> arches_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::string_view> families_;
  std::unordered_map<std::string, Row> signatures_;
};

}  // namespace

std::string_view ArchName(Arch arch) { return kArches[static_cast<int>(arch)].name; }

std::optional<Arch> ArchFromName(std::string_view name) {
  for (int i = 0; i < kArchCount; ++i) {
    if (kArches[i].name == name) return static_cast<Arch>(i);
  }
  for (const auto& [alias, arch] : kAliases) {
    if (alias == name) return arch;
  }
  return std::nullopt;
}

uint32_t AuditArch(Arch arch) { return kArches[static_cast<int>(arch)].audit; }
int WordBits(Arch arch) { return kArches[static_cast<int>(arch)].word_bits; }
bool IsBigEndian(Arch arch) { return kArches[static_cast<int>(arch)].big_endian; }

std::optional<Version> ParseVersion(std::string_view text) {
  Version version;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc()) return std::nullopt;
  if (major.ptr == end) return version;
  if (*major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc()) return std::nullopt;
  if (minor.ptr != end && *minor.ptr != '.' && *minor.ptr != '-' && *minor.ptr != '+') return std::nullopt;
  return version;
}

std::string FormatVersion(Version v) { return std::to_string(v.major) + "." + std::to_string(v.minor); }

std::span<const Syscall> Syscalls(Arch arch) { return Tables::Get().Of(arch).calls; }

const Syscall* FindSyscall(Arch arch, std::string_view name) {
  const ArchTable& table = Tables::Get().Of(arch);
  const auto it = table.by_name.find(name);
  return it == table.by_name.end() ? nullptr : &table.calls[it->second];
}

const Syscall* FindSyscall(Arch arch, uint32_t number) {
  const auto& calls = Tables::Get().Of(arch).calls;
  const auto it = std::lower_bound(calls.begin(), calls.end(), number, [](const Syscall& call, uint32_t n) { return call.number < n; });
  return it == calls.end() || it->number != number ? nullptr : &*it;
}

bool IsSyscallName(std::string_view name) { return std::binary_search(Tables::Get().names().begin(), Tables::Get().names().end(), name); }

std::span<const std::string> SyscallNames() { return Tables::Get().names(); }

}  // namespace ravelin::kernel
