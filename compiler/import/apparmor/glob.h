// AppArmor's patterns in the policy language's globbing (docs/semantics.md, chapter 6).
//
// AppArmor sees a directory with a slash behind its name; the language sees it without.  So one pattern becomes two lists:
// the names that are files, and the directories.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::import::apparmor {

struct Names {
  std::vector<std::string> files;
  std::vector<std::string> directories;
};
// Equal for every path that can occur: absolute, without empty components.  nullopt: the language has no words for it.
// The pattern is one that Check() has accepted.
std::optional<Names> TranslatePattern(std::string_view pattern);

// Of texts that are no paths: equal for every text without NUL; one pattern.
std::optional<std::string> TranslateText(std::string_view pattern);

// The texts that a pattern without wildcards and classes stands for; nullopt where it has some, or stands for too many.
std::optional<std::vector<std::string>> LiteralsOf(std::string_view pattern);

}  // namespace ravelin::import::apparmor
