// Where included files are found, and which of them a scope has had already.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/base/result.h"

namespace ravelin::import::apparmor {

struct IncludeOptions {
  std::vector<std::string> folders;  // of `-I`, in order; then kSystemFolder
  std::string own_folder;            // of the file itself: looked in last, for quoted names too
};
inline constexpr const char* kSystemFolder = "/etc/apparmor.d";

class Includes {
 public:
  Includes(source::SourceManager& sources, IncludeOptions options) : sources_(sources), options_(std::move(options)), scopes_(1) {}

  // A profile's body remembers its own includes; a file comes in once per scope.
  void EnterScope() { scopes_.emplace_back(); }
  void LeaveScope() { scopes_.pop_back(); }

  struct Found {
    bool exists = false;
    std::vector<source::FileId> files;  // to be read in this order; none when the scope has had it
  };
  // `angled`: <name>.  A folder stands for the files in it.
  Result<Found> Find(const std::string& name, bool angled);
  // A feature file of an abi rule.
  bool IsFeatureFile(const std::string& name, bool angled) const;

 private:
  std::vector<std::string> Candidates(const std::string& name, bool angled) const;
  Result<source::FileId> Load(const std::string& path);

  source::SourceManager& sources_;
  IncludeOptions options_;
  std::vector<std::set<std::string>> scopes_;
  std::vector<std::pair<std::string, source::FileId>> loaded_;
};

}  // namespace ravelin::import::apparmor
