// Symbolic constants, error numbers, capabilities and signals.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <unordered_map>

#include "compiler/base/check.h"
#include "compiler/kernel/facts.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {
namespace {

struct Entry {
  std::string_view family;
  std::array<std::optional<uint64_t>, kArchCount> values;
};

class Constants {
 public:
  static const Constants& Get() {
    static const Constants constants;
    return constants;
  }
  const Entry* Find(std::string_view name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : &it->second;
  }
  const std::vector<std::string>& names() const { return names_; }
  // Constants of a family within `value`, largest first, with what remains of it.
  std::string Parts(Arch arch, std::string_view family, uint64_t value) const {
    const auto first = by_value_.lower_bound(std::tuple(family, static_cast<int>(arch), uint64_t{1}));
    auto at = by_value_.upper_bound(std::tuple(family, static_cast<int>(arch), value));
    std::string out;
    while (at != first && value != 0) {
      --at;
      const uint64_t part = std::get<2>(at->first);
      if ((value & part) != part) continue;
      out = std::string(at->second) + (out.empty() ? "" : " | ") + out;
      value &= ~part;
    }
    if (out.empty() || value == 0) return out;
    char rest[20];
    snprintf(rest, sizeof rest, "%#llx", static_cast<unsigned long long>(value));
    return out + " | " + rest;
  }
  std::string_view NameOf(Arch arch, std::string_view family, uint64_t value) const {
    const auto it = by_value_.find(std::tuple(family, static_cast<int>(arch), value));
    return it == by_value_.end() ? std::string_view() : it->second;
  }

 private:
  Constants() {
    for (const auto& row : TableRows("constants.tsv")) {
      RAVELIN_CHECK(row.size() >= 3, "constants.tsv has a malformed row");
      Entry entry{row[0], {}};
      if (row[2] != "-") entry.values.fill(TableNumber(row[2]));
      for (size_t i = 3; i < row.size(); ++i) {
        const size_t equals = row[i].find('=');
        const auto arch = ArchFromName(row[i].substr(0, equals));
        RAVELIN_CHECK(arch.has_value() && equals != std::string_view::npos, "constants.tsv has a malformed exception");
        const std::string_view value = row[i].substr(equals + 1);
        entry.values[static_cast<size_t>(*arch)] = value == "-" ? std::nullopt : std::optional(TableNumber(value));
      }
      for (int arch = 0; arch < kArchCount; ++arch) {
        // The first row of a value gives its name: tables are written with the usual name first where several fit.
        if (entry.values[static_cast<size_t>(arch)]) by_value_.emplace(std::tuple(entry.family, arch, *entry.values[static_cast<size_t>(arch)]), row[1]);
      }
      names_.emplace_back(row[1]);
      by_name_.emplace(row[1], std::move(entry));
    }
    std::sort(names_.begin(), names_.end());
  }

  std::unordered_map<std::string_view, Entry> by_name_;
  std::map<std::tuple<std::string_view, int, uint64_t>, std::string_view> by_value_;
  std::vector<std::string> names_;
};

// A small table of names and numbers.
class Numbers {
 public:
  explicit Numbers(std::string_view file) {
    for (const auto& row : TableRows(file)) {
      RAVELIN_CHECK(row.size() >= 2, "a table of names and numbers has a malformed row");
      const int value = static_cast<int>(TableNumber(row[1]));
      by_name_.emplace(row[0], value);
      by_value_.emplace(value, row[0]);
      names_.emplace_back(row[0]);
    }
  }
  std::optional<int> Find(std::string_view name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? std::nullopt : std::optional(it->second);
  }
  std::string_view Name(int value) const {
    const auto it = by_value_.find(value);
    return it == by_value_.end() ? std::string_view() : it->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string_view, int> by_name_;
  std::map<int, std::string_view> by_value_;
  std::vector<std::string> names_;
};

const Numbers& Errnos() {
  static const Numbers numbers("errno.tsv");
  return numbers;
}

const Numbers& Capabilities() {
  static const Numbers numbers("capabilities.tsv");
  return numbers;
}

}  // namespace

std::optional<uint64_t> FindConstant(Arch arch, std::string_view name) {
  const Entry* entry = Constants::Get().Find(name);
  return entry == nullptr ? std::nullopt : entry->values[static_cast<size_t>(arch)];
}

std::span<const std::string> ConstantNames() { return Constants::Get().names(); }

std::string_view ConstantName(Arch arch, std::string_view family, uint64_t value) { return Constants::Get().NameOf(arch, family, value); }

std::string ConstantText(Arch arch, std::string_view family, uint64_t value) {
  // Families whose values are ORed; of every other one a value has one name or none.
  static constexpr std::array<std::string_view, 17> kFlags = {"AT", "CLONE", "EFD", "GRND", "MAP", "MCL", "MFD", "MNT", "MREMAP", "MS", "MSG", "MS_SYNC", "O", "PROT", "RENAME", "RWF", "SOCK"};
  const std::string_view name = ConstantName(arch, family, value);
  if (!name.empty() || std::find(kFlags.begin(), kFlags.end(), family) == kFlags.end()) return std::string(name);
  return Constants::Get().Parts(arch, family, value);
}

std::optional<int> FindErrno(std::string_view name) { return Errnos().Find(name); }
std::string_view ErrnoName(int value) { return Errnos().Name(value); }
std::span<const std::string> ErrnoNames() { return Errnos().names(); }

std::optional<int> FindCapability(std::string_view name) {
  std::string lower(name.substr(name.rfind("CAP_", 0) == 0 ? 4 : 0));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return Capabilities().Find(lower);
}
std::string_view CapabilityName(int value) { return Capabilities().Name(value); }
std::span<const std::string> CapabilityNames() { return Capabilities().names(); }

std::optional<int> FindSignal(Arch arch, std::string_view name) {
  const std::string full = name.rfind("SIG", 0) == 0 ? std::string(name) : "SIG" + std::string(name);
  const Entry* entry = Constants::Get().Find(full);
  if (entry == nullptr || entry->family != "SIG" || !entry->values[static_cast<size_t>(arch)]) return std::nullopt;
  return static_cast<int>(*entry->values[static_cast<size_t>(arch)]);
}

std::span<const std::string> SignalNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const std::string& name : Constants::Get().names()) {
      if (Constants::Get().Find(name)->family == "SIG") all.push_back(name);
    }
    return all;
  }();
  return names;
}

}  // namespace ravelin::kernel
