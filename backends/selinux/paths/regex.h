// The regular expressions of file_contexts, as parts of an automaton of patterns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/pattern_nfa.h"

namespace ravelin::selinux {

// What PCRE calls lookahead is cut out, since it is a condition on the whole path.
//   /srv/(?!private/.*$)(?=.*\.html$).+   ->  body /srv/.+, refused /srv/private/.*, required /srv/.*\.html
struct SplitRegex {
  std::string body;
  std::vector<std::string> required;
  std::vector<std::string> refused;
};
Result<SplitRegex> SplitLookahead(std::string_view regex);

// A regular expression without lookahead, anchored at both ends, as pattern `index` of the automaton.  Fails with the
// construct's name on what it does not know.
Result<void> AddRegex(std::string_view regex, uint32_t index, ir::PatternNfa& nfa);

// What genhomedircon writes for every user without an entry of its own.
std::string WithoutTemplates(std::string regex);

}  // namespace ravelin::selinux
