// What a domain permits of one operation, as a union of boxes: products of one set per attribute.
//
// docs/semantics.md, chapter 5: (allow minus deny) plus complain, plus the facet's default where it permits.  An attribute
// that a box does not name is unconstrained.  `owner` is the integer attribute 0 (another's) or 1 (one's own).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/interval_set.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/policy.h"

namespace ravelin::ir {

struct Box {
  std::map<std::string, IntervalSet> integers;
  std::map<std::string, PathSet> texts;  // paths as patterns; other texts as themselves
};
using Boxes = std::vector<Box>;

// True for attributes whose texts are patterns of names of files; for those whose texts are patterns of whatever.
bool IsPathAttribute(std::string_view attribute);
bool IsPatternAttribute(std::string_view attribute);
// A pattern that matches this text alone.
std::string LiteralPattern(std::string_view text);

// The constraints of one rule on attempts of an operation (an index into its facet's operations).  kTooLarge where its patterns need too large an automaton; so in all of these.
Result<Box> BoxOf(const Rule& rule, int operation);
Result<std::optional<Box>> Meet(const Box& a, const Box& b);  // nullopt: empty
Result<Boxes> Minus(const Box& a, const Box& b);
Result<Boxes> Minus(const Boxes& a, const Boxes& b);

// What the policy permits of an operation.
Result<Boxes> PermittedOf(const Domain& domain, FacetId facet, int operation);

// One member of a box: values for the attributes that it names.
struct BoxMember {
  std::map<std::string, uint64_t> integers;
  std::map<std::string, std::string> texts;
};
BoxMember MemberOf(const Box& box);

}  // namespace ravelin::ir
