// The words of a profile, and the states in which they are read.
#pragma once

#include <string>

#include "compiler/base/source.h"

namespace ravelin::import::apparmor {

enum class TokenKind {
  kEnd, kError,
  kId, kConditionId, kConditionListId, kValue, kMode, kSetVariable, kBoolVariable,
  kKeyword,   // a word of the language: the text says which
  kProfile, kHat, kCaret,
  kOpen, kClose, kOpenParen, kCloseParen, kEquals, kAddAssign, kArrow, kLessEqual, kIn, kEndOfRule,
  kPath       // the <name> of an abi rule
};

// `text` is the word with its escapes resolved (kMode, kSetVariable, kBoolVariable and kKeyword: as written).
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  source::Span span;
};

// What a word means depends on the rule that it stands in.
enum class LexState {
  kInitial, kSubId, kSubIdSpaced, kSubValue, kCondition, kConditionList, kListValues, kListConditions, kListConditionValue, kListConditionValues,
  kAssign, kNetwork, kChangeProfile, kRlimit, kMount, kDbus, kSignal, kPtrace, kUnix, kInclude, kIncludeIfExists, kAbi
};

}  // namespace ravelin::import::apparmor
