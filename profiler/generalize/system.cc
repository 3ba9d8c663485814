// What a folder, a package and a program's headers say.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>

#include "compiler/kernel/facts.h"
#include "profiler/binary/needs.h"
#include "profiler/binary/reachable.h"
#include "profiler/generalize/matches.h"
#include "profiler/generalize/places.h"

namespace ravelin::generalize {
namespace {

constexpr size_t kMostListed = 20000;

std::vector<std::string> NamesIn(const std::vector<std::string>& roots, const std::string& folder) {
  std::set<std::string> out;
  // What processes come and go by says nothing of a system.
  if (folder.rfind("/proc", 0) == 0 || folder.find_first_of("*?[{") != std::string::npos) return {};
  for (const std::string& root : roots) {
    DIR* dir = opendir(((root == "/" ? "" : root) + folder).c_str());
    if (dir == nullptr) continue;
    while (const dirent* entry = readdir(dir)) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      out.insert(name + (entry->d_type == DT_DIR ? "/" : ""));
      if (out.size() >= kMostListed) break;
    }
    closedir(dir);
  }
  return {out.begin(), out.end()};
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A regular file that may be started and changes nobody's rights.
bool IsPlainProgram(const std::string& file) {
  struct stat status {};
  if (lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return (status.st_mode & S_IXOTH) != 0 && (status.st_mode & (S_ISUID | S_ISGID)) == 0 && getxattr(file.c_str(), "security.capability", nullptr, 0) < 0;
}

// dpkg's lists: one file for each package, one path on each line, folders among them.
class Packages {
 public:
  explicit Packages(const std::vector<std::string>& roots) : roots_(roots), find_(binary::FindIn(roots)) {}

  std::vector<std::string> Base(const std::string& folder) {
    const std::set<std::string> packages = BasePackages();
    std::set<std::string> out;
    for (const auto& [package, files] : In(folder)) {
      if (packages.count(package) == 0) continue;
      for (const std::string& path : Plain(files)) out.insert(path);
    }
    return {out.begin(), out.end()};
  }

  std::vector<std::string> Siblings(const std::string& program) {
    const std::string folder = FolderOf(program);
    for (const auto& [package, files] : In(folder)) {
      if (files.count(program) != 0) return Plain(files);
    }
    return {};
  }

 private:
  std::vector<std::string> Plain(const std::set<std::string>& files) const {
    std::vector<std::string> out;
    for (const std::string& path : files) {
      const auto place = find_(path);
      if (place && place->path == path && IsPlainProgram(place->file)) out.push_back(path);
    }
    return out;
  }

  // Essential ones and those of the priority `required` (deb-control(5)): no system of the distribution is without them.
  std::set<std::string> BasePackages() const {
    std::set<std::string> out;
    for (const std::string& root : roots_) {
      std::ifstream in((root == "/" ? "" : root) + "/var/lib/dpkg/status");
      std::string package;
      for (std::string line; std::getline(in, line);) {
        if (line.rfind("Package: ", 0) == 0) package = line.substr(9);
        if (line == "Essential: yes" || line == "Priority: required") out.insert(package);
      }
    }
    return out;
  }

  // The files of the folder, by package.
  const std::map<std::string, std::set<std::string>>& In(const std::string& folder) {
    const auto [at, is_new] = by_folder_.emplace(folder, std::map<std::string, std::set<std::string>>());
    if (!is_new) return at->second;
    // "/bin" where that leads to /usr/bin: packages may name files by either.
    std::vector<std::string> names = {folder};
    if (folder.rfind("/usr/", 0) == 0) {
      const auto other = find_(folder.substr(4));
      if (other && other->path == folder) names.push_back(folder.substr(4));
    }
    for (const std::string& root : roots_) {
      const std::string info = (root == "/" ? "" : root) + "/var/lib/dpkg/info";
      for (const std::string& name : NamesIn({root}, "/var/lib/dpkg/info")) {
        if (name.size() < 5 || name.compare(name.size() - 5, 5, ".list") != 0) continue;
        std::set<std::string> files;
        std::ifstream in(info + "/" + name);
        for (std::string line; std::getline(in, line);) {
          const size_t slash = line.rfind('/');
          if (slash == std::string::npos || std::none_of(names.begin(), names.end(), [&](const std::string& one) { return line.compare(0, slash, one) == 0; })) continue;
          files.insert(folder + line.substr(slash));
        }
        // "libc-bin.list", "libc6:amd64.list"
        if (!files.empty()) at->second[name.substr(0, std::min(name.find(':'), name.size() - 5))].merge(files);
      }
    }
    return at->second;
  }

  const std::vector<std::string> roots_;
  const binary::Find find_;
  std::map<std::string, std::map<std::string, std::set<std::string>>> by_folder_;
};

// The function, each question answered once.
template <typename Function>
auto Once(Function function) {
  using Answer = decltype(function(std::string()));
  auto known = std::make_shared<std::map<std::string, Answer>>();
  return [known, function](const std::string& question) {
    const auto [at, is_new] = known->emplace(question, Answer());
    if (is_new) at->second = function(question);
    return at->second;
  };
}

}  // namespace

System SystemOf(const std::vector<std::string>& roots) {
  auto packages = std::make_shared<Packages>(roots);
  System out;
  out.listing = Once([roots](const std::string& folder) { return NamesIn(roots, folder); });
  out.matches = Once([listing = out.listing, find = binary::FindIn(roots)](const std::string& pattern) {
    // Links that lead elsewhere are matched by where they lead.
    return NamesMatching(pattern, listing, [&](const std::string& path) {
      const auto place = find(path);
      struct stat status {};
      return place && place->path == path && lstat(place->file.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    });
  });
  out.siblings = Once([packages](const std::string& program) { return packages->Siblings(program); });
  out.programs = Once([roots, find = binary::FindIn(roots)](const std::string& folder) {
    std::vector<std::string> programs;
    for (const std::string& name : NamesIn(roots, folder)) {
      const auto place = find(folder + "/" + name);
      if (place && place->path == folder + "/" + name && IsPlainProgram(place->file)) programs.push_back(place->path);
    }
    return programs;
  });
  out.base = Once([packages](const std::string& folder) { return packages->Base(folder); });
  out.reaches = Once([find = binary::FindIn(roots)](const std::string& program) {
    Reach out;
    const auto reachable = binary::ReachableCalls(program, find);
    if (!reachable) return out;
    for (const uint32_t number : reachable->numbers) {
      if (const kernel::Syscall* call = kernel::FindSyscall(kernel::Arch::kX86_64, number)) out.calls.insert(call->name);
    }
    out.unresolved = reachable->unresolved;
    out.loads_more = reachable->loads_more;
    out.unread = !reachable->unread.empty();
    return out;
  });
  out.needs = Once([find = binary::FindIn(roots)](const std::string& program) { return binary::NeedsOf(program, find); });
  return out;
}

}  // namespace ravelin::generalize
