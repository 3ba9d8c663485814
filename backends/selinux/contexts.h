// From sets of matching patterns to entries of file_contexts that give each path the type of its set.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/selinux/module.h"

namespace ravelin::selinux {

// What the sorting of file_contexts looks at: an entry with more of it wins.
struct Precedence {
  bool exact = false;  // no metacharacter
  size_t stem = 0;     // characters before the first metacharacter
  size_t length = 0;
  auto operator<=>(const Precedence&) const = default;
};
Precedence PrecedenceOf(const std::string& regex);

// The pattern as a regular expression of file_contexts.
std::string RegexOf(const std::string& pattern);

// `cells`: the sets of patterns that occur, with the type of each.  In the order in which file_contexts are sorted.
std::vector<FileContext> MakeContexts(const std::vector<std::string>& patterns, const std::map<std::vector<uint32_t>, std::string>& cells);

}  // namespace ravelin::selinux
