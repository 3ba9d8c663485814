// Single files of /proc and /sys, which the kernel labels by the beginning of their names (genfscon).
#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/names.h"
#include "backends/selinux/paths/single.h"
#include "backends/selinux/prove/compare.h"
#include "compiler/ir/path_set.h"

namespace ravelin::selinux {

namespace {

// The kind of a path: that of all patterns which match it.
const PathKind* KindOf(const World& world, const std::vector<ir::PathSet>& sets, const std::string& path) {
  std::vector<uint32_t> matching;
  for (uint32_t i = 0; i < sets.size(); ++i) {
    if (sets[i].Contains(path)) matching.push_back(i);
  }
  const auto kind = std::find_if(world.kinds.begin(), world.kinds.end(), [&](const PathKind& one) { return one.patterns == matching; });
  return kind == world.kinds.end() ? nullptr : &*kind;
}

}  // namespace

void Comparison::KernelNames(bool standalone) const {
  std::map<std::pair<std::string, std::string>, std::string> labelled;  // (file system, beginning) -> type
  std::set<std::string> ours;
  for (const PathKind& kind : world.kinds) {
    if (!kind.patterns.empty() && reused.count(kind.type) == 0) ours.insert(kind.type);
  }
  for (const DecodedKernelName& one : decoded.kernel_names) {
    if (one.object_class.empty() && labelled.emplace(std::pair(one.filesystem, one.begin), one.type).second) continue;
    if (ours.count(one.type) != 0) Report({"", one.begin, one.object_class.empty() ? "file" : one.object_class, "", false, fmt::format("names of {} that begin with {} have type {} as well", one.filesystem, one.begin, one.type)});
  }
  std::vector<ir::PathSet> sets;
  for (const std::string& pattern : world.patterns) {
    auto set = ir::PathSet::Parse(pattern);
    if (!set) return result.inconclusive.push_back(fmt::format("`{}` is too large to look up single files by", pattern));
    sets.push_back(std::move(*set));
  }
  std::set<std::pair<std::string, std::string>> wanted;
  for (const std::string& path : standalone ? LabelledFiles(world.patterns) : std::vector<std::string>()) {
    for (const KernelFileSystem& there : kKernelFileSystems) {
      if (!IsBelow(path, there)) continue;
      const std::string begin = path.substr(there.mount.size());
      const PathKind* kind = KindOf(world, sets, path);
      const auto at = labelled.find({std::string(there.name), begin});
      if (kind == nullptr || at == labelled.end() || at->second != kind->type) Report({"", path, "file", "", true, fmt::format("{} has type {}, not {}", path, at == labelled.end() ? "that of its file system" : at->second, kind == nullptr ? "one of its own" : kind->type)});
      wanted.emplace(there.name, begin);
    }
  }
  for (const auto& [where, type] : labelled) {
    if (ours.count(type) != 0 && wanted.count(where) == 0) Report({"", where.second, "file", "", false, fmt::format("names of {} that begin with {} have type {}", where.first, where.second, type)});
  }
  // Longer names that begin so have the file system's label again, by entries of their own.
  for (const auto& [filesystem, begin] : wanted) {
    const auto whole = labelled.find({filesystem, "/"});
    for (const char next : kNameCharacters) {
      const auto at = labelled.find({filesystem, begin + next});
      if (at != labelled.end() && (wanted.count({filesystem, begin + next}) != 0 || (whole != labelled.end() && at->second == whole->second))) continue;
      Report({"", begin + next, "file", "", false, fmt::format("names of {} that begin with {}{} have type {}", filesystem, begin, next, at == labelled.end() ? "of " + begin : at->second)});
    }
  }
}

}  // namespace ravelin::selinux
