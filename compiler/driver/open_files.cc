#include "compiler/driver/open_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <unordered_set>
#include <utility>
#include <vector>

#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"

namespace ravelin::driver {
namespace {

// A rule's paths; a rule without paths matches every file.
class Paths {
 public:
  Result<void> Add(const std::string& pattern) {
    if (ir::IsLiteral(pattern)) {
      plain_.insert(pattern);
      return {};
    }
    RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
    patterns_.emplace_back(ir::LiteralStart(pattern), std::move(set));
    return {};
  }
  bool Match(const std::string& path) const {
    if (everything || plain_.count(path) != 0) return true;
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& one) { return path.starts_with(one.first) && one.second.Contains(path); });
  }

  bool everything = false;

 private:
  std::unordered_set<std::string> plain_;
  std::vector<std::pair<std::string, ir::PathSet>> patterns_;  // with what all that they match begins with
};

// Rules of one effect that have one of the operations; of denies those that refuse everybody.
Result<std::vector<Paths>> PathsOf(const ir::Domain& domain, ir::Effect effect, ir::OperationSet operations) {
  std::vector<Paths> out;
  for (const ir::Rule& rule : domain.rules) {
    if (rule.facet != ir::FacetOf("file") || rule.effect != effect || (rule.operations & operations) == 0) continue;
    if (effect == ir::Effect::kDeny && rule.owner_only) continue;
    if (rule.texts.count("label") != 0) continue;
    Paths paths;
    const auto patterns = rule.texts.find("path");
    paths.everything = patterns == rule.texts.end();
    for (const std::string& pattern : paths.everything ? std::vector<std::string>() : patterns->second) {
      if (auto added = paths.Add(pattern); !added) return tl::make_unexpected(std::move(added.error()));
    }
    out.push_back(std::move(paths));
  }
  return out;
}

ir::OperationSet Operations(std::initializer_list<const char*> names) {
  const auto& all = kernel::Facets()[ir::FacetOf("file")].operations;
  ir::OperationSet out = 0;
  for (const char* name : names) out |= ir::OperationSet{1} << (std::find(all.begin(), all.end(), name) - all.begin());
  return out;
}

bool IsOn(const std::string& path, dev_t device) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && status.st_dev == device;
}

bool AnyMatches(const std::vector<Paths>& all, const std::string& path) {
  return std::any_of(all.begin(), all.end(), [&](const Paths& paths) { return paths.Match(path); });
}

}  // namespace

Result<std::vector<OpenFile>> ListOpenFiles(const ir::Domain& domain, const std::string& root, size_t* files) {
  namespace fs = std::filesystem;
  const ir::OperationSet reading = Operations({"read", "map_exec"});
  const ir::OperationSet writing = Operations({"write", "append", "truncate"});
  RAVELIN_TRY(read_allowed, PathsOf(domain, ir::Effect::kAllow, reading));
  RAVELIN_TRY(read_denied, PathsOf(domain, ir::Effect::kDeny, Operations({"read"})));
  RAVELIN_TRY(write_allowed, PathsOf(domain, ir::Effect::kAllow, writing));
  RAVELIN_TRY(write_denied, PathsOf(domain, ir::Effect::kDeny, Operations({"write"})));
  struct stat top {};
  if (stat(root.c_str(), &top) != 0 || !S_ISDIR(top.st_mode)) return Fail(ErrorCode::kNotFound, fmt::format("{} is no folder", root));
  std::string prefix = root;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  std::vector<OpenFile> out;
  size_t all = 0;
  // A folder that goes away meanwhile, or that may not be listed, has no files.
  std::vector<std::string> folders = {prefix};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    for (fs::directory_iterator at(folder.empty() ? "/" : folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
      std::error_code unknown;
      const bool is_folder = !at->is_symlink(unknown) && at->is_directory(unknown);
      if (!is_folder && (at->is_symlink(unknown) || !at->is_regular_file(unknown))) continue;
      std::string full = folder + "/" + at->path().filename().string();
      if (is_folder) {
        if (IsOn(full, top.st_dev)) folders.push_back(std::move(full));
        continue;
      }
      ++all;
      OpenFile one{full.substr(prefix.size()), false, false};
      one.read = AnyMatches(read_allowed, one.path) && !AnyMatches(read_denied, one.path);
      one.written = AnyMatches(write_allowed, one.path) && !AnyMatches(write_denied, one.path);
      if ((one.read || one.written) && IsOn(full, top.st_dev)) out.push_back(std::move(one));
    }
  }
  std::sort(out.begin(), out.end(), [](const OpenFile& a, const OpenFile& b) { return a.path < b.path; });
  if (files != nullptr) *files = all;
  return out;
}

Result<OpenFiles> CountOpenFiles(const ir::Domain& domain, const std::string& root) {
  OpenFiles out;
  RAVELIN_TRY(open, ListOpenFiles(domain, root, &out.files));
  for (const OpenFile& one : open) {
    out.read += one.read ? 1 : 0;
    out.written += one.written ? 1 : 0;
  }
  return out;
}

}  // namespace ravelin::driver
