// The tree of a path pattern (docs/semantics.md, 6.2): what automata are built of and what back ends write in their own globbing.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::ir {

using ByteSet = std::bitset<256>;

struct PatternItem {
  enum Kind { kBytes, kStar, kDeep, kGroup } kind = kBytes;
  ByteSet bytes;             // kBytes: one of these; never NUL, and a slash only where it is written
  bool one_or_more = false;  // a star right after a slash
  std::vector<std::vector<PatternItem>> alternatives;  // kGroup
  std::string text;          // as it is written
};
using PatternItems = std::vector<PatternItem>;

// The text up to where it stops to stand for itself: all that the pattern matches begins so.
std::string LiteralStart(std::string_view pattern);
// The pattern is the one path that it matches.
bool IsLiteral(std::string_view pattern);

// Bytes of names: all but NUL and the slash.
ByteSet NameBytes();

// kMalformed says what is wrong with it.
Result<PatternItems> ParsePattern(std::string_view pattern);

}  // namespace ravelin::ir
