// Our path patterns in AppArmor's globbing (apparmor.d(5), "Globbing"; parser 3.0 parser_regex.c convert_aaregex_to_pcre).
//
// Differences: AppArmor sees a directory with a slash behind its name; `*` right after a slash takes at least one byte only
// where a slash or the end follows; a class may match a slash.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::apparmor {

// Each gives globs that together match what the pattern does: one, but for a pattern whose beginning is in braces, since a line of a
// profile begins with a slash; none where it matches nothing of the kind.  kTooLarge where an automaton would be.
// For names of objects that are no directories.
Result<std::vector<std::string>> FileGlobs(std::string_view pattern);
// For directories, with their slash.
Result<std::vector<std::string>> DirectoryGlobs(std::string_view pattern);
// As it stands: files, and what else it happens to match.
Result<std::vector<std::string>> PlainGlobs(std::string_view pattern);
// For both, where that is shorter than the two ("/srv/**"); else none.
Result<std::vector<std::string>> BothGlobs(std::string_view pattern);

// For names that are no paths: one glob that matches what the pattern does.
Result<std::string> TextGlob(std::string_view pattern);

// A name as it must be written in a profile: quoted where it has other bytes than the usual ones.
std::string Quote(const std::string& glob);
// A glob that matches this text alone (for peers and profile names).
std::string LiteralGlob(std::string_view text);
// A glob for every text but these.
std::string AllBut(const std::vector<std::string>& texts);

}  // namespace ravelin::apparmor
