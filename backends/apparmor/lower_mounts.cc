// Mounts: mount, umount and pivot_root rules, one line for each set of options.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/apparmor/glob.h"
#include "backends/apparmor/lower.h"
#include "compiler/ir/boxes.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/kernel/mount_flags.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

// include/uapi/linux/mount.h
constexpr uint32_t kRemount = 0x20, kBind = 0x1000, kMove = 0x2000, kRecursive = 0x4000, kPropagation = 0x1e0000;
constexpr uint32_t kCommands = kRemount | kBind | kMove | kRecursive | kPropagation;
// apparmor.d(5), "MOUNT FLAGS": the word that demands a flag.
constexpr std::pair<uint32_t, const char*> kOptions[] = {{0x1, "ro"}, {0x2, "nosuid"}, {0x4, "nodev"}, {0x8, "noexec"}, {0x10, "sync"}, {0x20, "remount"}, {0x40, "mand"}, {0x80, "dirsync"}, {0x400, "noatime"}, {0x800, "nodiratime"}, {0x8000, "silent"}, {0x10000, "acl"}, {0x200000, "relatime"}, {0x800000, "iversion"}, {0x1000000, "strictatime"}, {0x80000000, "nouser"}};
constexpr std::pair<uint32_t, const char*> kChanges[] = {{0x1000, "bind"}, {0x5000, "rbind"}, {0x2000, "move"}, {0x20000, "make-unbindable"}, {0x24000, "make-runbindable"}, {0x40000, "make-private"}, {0x44000, "make-rprivate"}, {0x80000, "make-slave"}, {0x84000, "make-rslave"}, {0x100000, "make-shared"}, {0x104000, "make-rshared"}};
constexpr size_t kMostValues = 1024;

class MountLowering {
 public:
  MountLowering(const ir::Domain& domain, Profile& profile) : domain_(domain), profile_(profile), facet_(ir::FacetOf("mount")) {}

  void Run() {
    const auto& operations = kernel::Facets()[facet_].operations;
    const ir::FacetDefault& fallback = domain_.defaults[facet_];
    const bool open = !fallback.stated || Permits(fallback.action);
    for (size_t i = 0; i < operations.size(); ++i) {
      for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", "mount", operations[i])) {
        if (row->object_class.empty() || !Granted(static_cast<int>(i))) continue;
        if (open) Add(row->permissions.front(), fallback.stated ? fallback.from.place : "");
        for (const Rule& rule : domain_.rules) {
          if (rule.facet == facet_ && rule.effect == Effect::kAllow && (rule.operations >> i & 1) != 0) Lines(rule, static_cast<int>(i), row->permissions.front());
        }
      }
    }
  }

 private:
  void Problem(const Rule& rule, std::string message) { profile_.problems.push_back({rule.id, std::move(message)}); }
  void Add(const std::string& text, const std::string& place) {
    if (seen_.insert(text).second) profile_.lines.push_back({text, place});
  }

  // Whether anything of the operation is permitted.  A refusal of some of it cannot be kept beside what is permitted.
  bool Granted(int operation) {
    const auto permitted = ir::PermittedOf(domain_, facet_, operation);
    ir::Domain undenied = domain_;
    std::erase_if(undenied.rules, [](const Rule& rule) { return rule.effect == Effect::kDeny; });
    const auto allowed = permitted ? ir::PermittedOf(undenied, facet_, operation) : permitted;
    const auto taken = allowed ? ir::Minus(*allowed, *permitted) : allowed;
    if (!taken) {
      profile_.problems.push_back({kNoRule, taken.error().message});
      return false;
    }
    if (permitted->empty() || taken->empty()) return !permitted->empty();
    for (const Rule& rule : domain_.rules) {
      if (rule.facet == facet_ && rule.effect == Effect::kDeny && (rule.operations >> operation & 1) != 0) Problem(rule, "some of these mounts are permitted by another rule, and what AppArmor is told of mounts is what is permitted: name that alone");
    }
    return false;
  }

  bool Has(const Rule& rule, int operation, const std::string& attribute) const {
    const kernel::FacetInfo& facet = kernel::Facets()[facet_];
    return (rule.texts.count(attribute) != 0 || rule.integers.count(attribute) != 0) && !kernel::OperationLacks(facet.name, facet.operations[static_cast<size_t>(operation)], attribute);
  }

  // The mount points, as files and as directories; "" for any.
  std::vector<std::string> Points(const Rule& rule) {
    const auto on = rule.texts.find("on");
    const auto kind = rule.integers.find("kind");
    const bool file = kind == rule.integers.end() || kind->second.Contains(0);
    const bool directory = kind == rule.integers.end() || kind->second.Contains(1);
    std::vector<std::string> patterns = on != rule.texts.end() ? on->second : file && directory ? std::vector<std::string>()
                                                                                                : std::vector<std::string>{"/", "/**"};
    if (patterns.empty()) return {""};
    std::vector<std::string> out;
    const auto take = [&](const Result<std::vector<std::string>>& globs) {
      if (!globs) Problem(rule, globs.error().message);
      for (size_t i = 0; globs && i < globs->size(); ++i) out.push_back(Quote((*globs)[i]));
      return globs && !globs->empty();
    };
    for (const std::string& pattern : patterns) {
      if (file && directory && pattern != "/" && take(BothGlobs(pattern))) continue;
      if (file && pattern != "/") take(FileGlobs(pattern));
      if (directory) take(DirectoryGlobs(pattern));
    }
    return out;
  }

  // What is mounted, or the old root, as the call names it; "" for anything.
  std::vector<std::string> Sources(const Rule& rule, int operation) {
    if (!Has(rule, operation, "from")) return {""};
    std::vector<std::string> out;
    for (const std::string& pattern : rule.texts.at("from")) {
      const auto glob = TextGlob(pattern);
      if (!glob) Problem(rule, glob.error().message);
      if (glob && glob->empty()) Problem(rule, "AppArmor has no words for a mount of nothing");
      if (glob) out.push_back(Quote(*glob));
    }
    return out;
  }

  void Lines(const Rule& rule, int operation, const std::string& permission) {
    std::string types;
    if (Has(rule, operation, "fstype")) {
      for (const std::string& type : rule.texts.at("fstype")) types += (types.empty() ? "" : ", ") + LiteralGlob(type);
      types = fmt::format(" fstype=({})", types);
    }
    const std::vector<std::string> sources = Sources(rule, operation);
    for (const std::string& point : Points(rule)) {
      for (const std::string& source : sources) {
        if (permission == "umount") {
          Add("umount" + (point.empty() ? "" : " " + point), rule.from.place);
        } else if (permission == "pivot_root") {
          Add(fmt::format("pivot_root{}{}", source.empty() ? "" : " oldroot=" + source, point.empty() ? "" : " " + point), rule.from.place);
        } else if (!Has(rule, operation, "flags")) {
          Add(fmt::format("mount{}{}{}", types, source.empty() ? "" : " " + source, point.empty() ? "" : " -> " + point), rule.from.place);
        } else {
          Flagged(rule, types, source, point);
        }
      }
    }
  }

  void Flagged(const Rule& rule, const std::string& types, const std::string& source, const std::string& point) {
    for (const uint32_t value : Values(rule)) {
      const std::string options = OptionsOf(value);
      if (options.empty()) {
        Problem(rule, fmt::format("AppArmor has no words for the flags {:#x}", value));
      } else if ((value & (kRemount | kPropagation)) != 0 && (!types.empty() || !source.empty())) {
        Problem(rule, "a remount and a change of propagation name no type and no source");
      } else if ((value & (kBind | kMove)) != 0 && !types.empty()) {
        Problem(rule, "a bind and a move name no type of file system");
      } else {
        if ((value & kRemount) != 0 && (value & ~kCommands) != 0 && !Permits(rule, value & ~kCommands)) {
          Problem(rule, "apparmor_parser 3.0 would permit a mount of anything with these options besides");
          continue;
        }
        Add(fmt::format("mount options=({}){}{}{}", options, types, source.empty() ? "" : " " + source, point.empty() ? "" : " -> " + point), rule.from.place);
      }
    }
  }

  // The flags that AppArmor is asked for, ascending.
  std::vector<uint32_t> Values(const Rule& rule) {
    std::set<uint32_t> values;
    for (const ir::Interval& interval : rule.integers.at("flags").intervals()) {
      if (interval.hi - interval.lo >= kMostValues || values.size() + (interval.hi - interval.lo) >= kMostValues) {
        Problem(rule, "AppArmor names each set of flags by itself, and these are too many: name those that are meant, or none");
        return {};
      }
      for (uint64_t value = interval.lo;; ++value) {
        const auto asked = kernel::AskedMountFlags(value);
        if (asked) values.insert(*asked);
        if (value == interval.hi) break;
      }
    }
    return {values.begin(), values.end()};
  }

  static std::string OptionsOf(uint32_t value) {
    std::string out;
    const auto say = [&](const char* word) { out += (out.empty() ? "" : ", ") + std::string(word); };
    if (const uint32_t change = value & kRemount ? 0 : value & (kBind | kMove | kRecursive | kPropagation); change != 0) {
      for (const auto& [flags, word] : kChanges) {
        if (flags == value) say(word);
      }
      return out;
    }
    for (const auto& [flag, word] : kOptions) {
      if ((value & flag) != 0) say(word);
      value &= ~flag;
    }
    if (value != 0) return "";
    return out.empty() ? "rw" : out;
  }

  // Whether the policy permits to mount anything there with these flags.
  bool Permits(const Rule& rule, uint32_t flags) {
    Rule probe = rule;
    probe.texts.erase("from");
    probe.texts.erase("fstype");
    probe.integers["flags"] = ir::IntervalSet::Single(flags);
    const auto own = ir::BoxOf(probe, 0);
    const auto permitted = ir::PermittedOf(domain_, facet_, 0);
    const auto left = own && permitted ? ir::Minus(ir::Boxes{*own}, *permitted) : Result<ir::Boxes>(tl::make_unexpected(own ? permitted.error() : own.error()));
    return left && left->empty();
  }
  static bool Permits(const ir::Action& action) { return ir::Permits(action); }

  const ir::Domain& domain_;
  Profile& profile_;
  const ir::FacetId facet_;
  std::set<std::string> seen_;
};

}  // namespace

void LowerMounts(const ir::Domain& domain, Profile& profile) { MountLowering(domain, profile).Run(); }

}  // namespace ravelin::apparmor
