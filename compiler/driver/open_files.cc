#include "compiler/driver/open_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "compiler/ir/path_set.h"

namespace ravelin::driver {
namespace {

// A rule's paths; a rule without paths matches every file.
struct Paths {
  bool everything = false;
  std::vector<ir::PathSet> sets;
  bool Match(const std::string& path) const {
    return everything || std::any_of(sets.begin(), sets.end(), [&](const ir::PathSet& set) { return set.Contains(path); });
  }
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
      RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
      paths.sets.push_back(std::move(set));
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
      struct stat status {};
      const std::string full = folder + "/" + at->path().filename().string();
      if (lstat(full.c_str(), &status) != 0 || status.st_dev != top.st_dev) continue;
      if (S_ISDIR(status.st_mode)) folders.push_back(full);
      if (!S_ISREG(status.st_mode)) continue;
      ++all;
      OpenFile one{full.substr(prefix.size()), false, false};
      one.read = AnyMatches(read_allowed, one.path) && !AnyMatches(read_denied, one.path);
      one.written = AnyMatches(write_allowed, one.path) && !AnyMatches(write_denied, one.path);
      if (one.read || one.written) out.push_back(std::move(one));
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
