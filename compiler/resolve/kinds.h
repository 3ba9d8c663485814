// Which clauses each rule kind takes, and what they constrain.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ravelin::resolve {

enum class ClauseType {
  kIntegers,     // a set of integers -> Rule::integers
  kObjects,      // paths, labels, resources -> Rule::texts["path"], ["label"]
  kPatterns,     // strings that may be patterns -> Rule::texts
  kPeer,         // self, outside, a policy, label("...") -> Rule::texts
  kTransport,    // tcp, udp, unix, netlink: a word without values
  kOwner,        // the word `owner`
  kTransition,   // `as NAME`
  kNames,        // paths -> Rule::texts
  kSubset,       // the word `subset`: Rule::integers
  kKind,         // file, directory -> Rule::integers
  kDomains,      // a policy, label("...") with patterns -> Rule::texts
  kEnvironment,  // the word `unscrubbed_danger`
};

struct ClauseSpec {
  std::string_view facet;
  std::string_view keyword;
  ClauseType type;
  std::string_view attribute;
  int bits = 32;                 // kIntegers
  std::string_view prefix = "";  // of the constants, tried before the bare word
};

// All clauses, grouped by facet in the order that help texts name them.
std::span<const ClauseSpec> Clauses();
// The clause of a facet, or null.
const ClauseSpec* FindClause(std::string_view facet, std::string_view keyword);

}  // namespace ravelin::resolve
