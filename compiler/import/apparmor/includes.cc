#include "compiler/import/apparmor/includes.h"

#include <algorithm>
#include <filesystem>

namespace ravelin::import::apparmor {
namespace {

namespace fs = std::filesystem;

// Names that packaging and editors leave behind (apparmor.d(5)); a folder's own files only.
bool IsLeftOver(const std::string& name) {
  if (name.empty() || name[0] == '.' || name == "README") return true;
  for (const char* suffix : {".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-bak", ".dpkg-remove", ".pacsave", ".pacnew", ".rpmnew", ".rpmsave", ".orig", ".rej", "~"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

std::string WithoutTrailingSlashes(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

}  // namespace

std::vector<std::string> Includes::Candidates(const std::string& name, bool angled) const {
  std::vector<std::string> out;
  if (!angled) {
    out.push_back(name);
    if (!name.starts_with('/')) out.push_back(options_.own_folder + "/" + name);
    return out;
  }
  for (const std::string& folder : options_.folders) out.push_back(WithoutTrailingSlashes(folder) + "/" + name);
  out.push_back(std::string(kSystemFolder) + "/" + name);
  out.push_back(options_.own_folder + "/" + name);
  return out;
}

Result<source::FileId> Includes::Load(const std::string& path) {
  for (const auto& [known, file] : loaded_) {
    if (known == path) return file;
  }
  RAVELIN_TRY(file, sources_.Load(path));
  loaded_.emplace_back(path, file);
  return file;
}

Result<Includes::Found> Includes::Find(const std::string& name, bool angled) {
  std::set<std::string>& had = scopes_.back();
  Found found;
  std::error_code ignored;
  for (const std::string& path : Candidates(name, angled)) {
    if (had.count(path) != 0) {
      found.exists = true;
      return found;
    }
    if (!fs::exists(path, ignored)) continue;
    found.exists = true;
    had.insert(path);
    if (!fs::is_directory(path, ignored)) {
      RAVELIN_TRY(file, Load(path));
      found.files.push_back(file);
      return found;
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path, ignored)) {
      if (fs::is_regular_file(entry.path(), ignored) && !IsLeftOver(entry.path().filename())) names.push_back(entry.path().filename());
    }
    // Each file is put before what was put there already: the last one is read first.
    std::sort(names.rbegin(), names.rend());
    for (const std::string& one : names) {
      const std::string inner = path + "/" + one;
      if (!had.insert(inner).second) continue;
      RAVELIN_TRY(file, Load(inner));
      found.files.push_back(file);
    }
    return found;
  }
  return found;
}

bool Includes::IsFeatureFile(const std::string& name, bool angled) const {
  if (angled && name == "kernel") return true;
  std::error_code ignored;
  for (const std::string& path : Candidates(name, angled)) {
    if (fs::exists(path, ignored)) return fs::is_regular_file(path, ignored);
  }
  return false;
}

}  // namespace ravelin::import::apparmor
