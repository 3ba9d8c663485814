#include "profiler/generalize/matches.h"

#include <algorithm>
#include <set>

#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"

namespace ravelin::generalize {
namespace {

// The pattern without braces: each way through them.
std::vector<std::string> WaysThrough(const ir::PatternItems& items) {
  std::vector<std::string> out = {""};
  for (const ir::PatternItem& item : items) {
    std::vector<std::string> more;
    if (item.kind == ir::PatternItem::kGroup) {
      for (const ir::PatternItems& one : item.alternatives) {
        for (const std::string& way : WaysThrough(one)) {
          for (const std::string& before : out) more.push_back(before + way);
        }
      }
    } else {
      for (const std::string& before : out) more.push_back(before + item.text);
    }
    out = std::move(more);
  }
  return out;
}

class Walk {
 public:
  Walk(const Listing& listing, const std::function<bool(const std::string&)>& is_file, std::set<std::string>& out) : listing_(listing), is_file_(is_file), out_(out) {}

  void Way(const std::string& pattern) {
    const auto whole = ir::PathSet::Parse(pattern);
    if (!whole || pattern.empty() || pattern.front() != '/') return;
    whole_ = &*whole;
    Step("", pattern.substr(1));
  }

 private:
  // `rest`: of the pattern, below the folder.
  void Step(const std::string& folder, const std::string& rest) {
    const size_t slash = rest.find('/');
    const std::string first = rest.substr(0, slash);
    if (first.find("**") != std::string::npos) return Below(folder);
    if (slash != std::string::npos && first.find_first_of("*?[\\") == std::string::npos) return Step(folder + "/" + first, rest.substr(slash + 1));
    const auto names = ir::PathSet::Parse("/" + first);
    if (!names) return;
    for (const std::string& entry : listing_(folder)) {
      const bool is_folder = entry.back() == '/';
      const std::string name = is_folder ? entry.substr(0, entry.size() - 1) : entry;
      if (!names->Contains("/" + name)) continue;
      const std::string path = folder + "/" + name;
      if (slash == std::string::npos) Found(path, is_folder);
      else if (is_folder) Step(path, rest.substr(slash + 1));
    }
  }

  void Below(const std::string& folder) {
    for (const std::string& entry : listing_(folder)) {
      const bool is_folder = entry.back() == '/';
      const std::string path = folder + "/" + (is_folder ? entry.substr(0, entry.size() - 1) : entry);
      if (whole_->Contains(path)) Found(path, is_folder);
      if (is_folder) Below(path);
    }
  }

  void Found(const std::string& path, bool is_folder) {
    if (is_folder) out_.insert(path + "/");
    else if (is_file_(path)) out_.insert(path);
  }

  const Listing& listing_;
  const std::function<bool(const std::string&)>& is_file_;
  std::set<std::string>& out_;
  const ir::PathSet* whole_ = nullptr;
};

}  // namespace

std::vector<std::string> NamesMatching(const std::string& pattern, const Listing& listing, const std::function<bool(const std::string&)>& is_file) {
  const auto items = ir::ParsePattern(pattern);
  if (!items) return {};
  std::set<std::string> out;
  for (const std::string& way : WaysThrough(*items)) Walk(listing, is_file, out).Way(way);
  return {out.begin(), out.end()};
}

}  // namespace ravelin::generalize
