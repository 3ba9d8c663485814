#include "backends/selinux/paths/single.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "compiler/ir/pattern.h"

namespace ravelin::selinux {
namespace {

constexpr size_t kMostWays = 64;

std::optional<std::vector<std::string>> WaysThrough(const ir::PatternItems& items) {
  std::vector<std::string> out = {""};
  for (const ir::PatternItem& item : items) {
    std::vector<std::string> next;
    if (item.kind == ir::PatternItem::kBytes && item.bytes.count() == 1) {
      char byte = 0;
      for (size_t i = 0; i < item.bytes.size(); ++i) {
        if (item.bytes[i]) byte = static_cast<char>(i);
      }
      next.emplace_back(1, byte);
    } else if (item.kind == ir::PatternItem::kGroup) {
      for (const ir::PatternItems& one : item.alternatives) {
        const auto ways = WaysThrough(one);
        if (!ways) return std::nullopt;
        next.insert(next.end(), ways->begin(), ways->end());
      }
    } else {
      return std::nullopt;
    }
    std::vector<std::string> more;
    for (const std::string& before : out) {
      for (const std::string& after : next) more.push_back(before + after);
    }
    if (more.size() > kMostWays) return std::nullopt;
    out = std::move(more);
  }
  return out;
}

}  // namespace

std::vector<std::string> SinglePaths(const std::string& pattern) {
  const auto items = ir::ParsePattern(pattern);
  if (!items) return {};
  auto ways = WaysThrough(*items);
  if (!ways) return {};
  std::sort(ways->begin(), ways->end());
  ways->erase(std::unique(ways->begin(), ways->end()), ways->end());
  return std::move(*ways);
}

bool IsBelow(const std::string& path, const KernelFileSystem& there) {
  if (path.size() < there.mount.size() + 2 || path.compare(0, there.mount.size(), there.mount) != 0 || path[there.mount.size()] != '/') return false;
  if (path.find_first_not_of(kNameCharacters) != std::string::npos || path.find("//") != std::string::npos || path.back() == '/') return false;
  if (there.name != "proc") return true;
  // /proc/net leads to /proc/PID/net, whose files are labelled as if they lay here.
  return std::isdigit(static_cast<unsigned char>(path[there.mount.size() + 1])) == 0 && path.compare(0, 10, "/proc/net/") != 0;
}

std::vector<std::string> LabelledFiles(const std::vector<std::string>& patterns) {
  std::set<std::string> all;
  for (const std::string& pattern : patterns) {
    for (const std::string& path : SinglePaths(pattern)) {
      if (std::any_of(kKernelFileSystems.begin(), kKernelFileSystems.end(), [&](const KernelFileSystem& one) { return IsBelow(path, one); })) all.insert(path);
    }
  }
  std::vector<std::string> out(all.begin(), all.end());
  out.resize(std::min(out.size(), kMostSingleFiles));
  return out;
}

}  // namespace ravelin::selinux
