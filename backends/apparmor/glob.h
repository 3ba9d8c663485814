// Our path patterns in AppArmor's globbing (apparmor.d(5), "Globbing"; parser 3.0 parser_regex.c convert_aaregex_to_pcre).
//
// Differences: AppArmor sees a directory with a slash behind its name; `*` right after a slash takes at least one byte only
// where a slash or the end follows; a class may match a slash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::apparmor {

// The pattern for names of objects that are no directories; nullopt where no such name matches ("/").
// kUnsupported where AppArmor's globbing has no words for it.
Result<std::optional<std::string>> FileGlob(std::string_view pattern);
// Patterns for directories, with their slash.
Result<std::vector<std::string>> DirectoryGlobs(std::string_view pattern);
// The pattern as it stands: files, and what else it happens to match.
Result<std::string> PlainGlob(std::string_view pattern);
// A glob for both, where there is one that is shorter than two ("/srv/**").
Result<std::optional<std::string>> BothGlob(std::string_view pattern);

// A name as it must be written in a profile: quoted where it has other bytes than the usual ones.
std::string Quote(const std::string& glob);
// A glob that matches this text alone (for peers and profile names).
std::string LiteralGlob(std::string_view text);
// A glob for every text but these.
std::string AllBut(const std::vector<std::string>& texts);

}  // namespace ravelin::apparmor
