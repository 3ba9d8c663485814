// The regular expressions of apparmor_parser's lexer, each as a function from a place in the text to the end of the
// longest match (or kNone).  None of them looks behind `pos`.
#pragma once

#include <cstddef>
#include <string_view>

namespace ravelin::import::apparmor {

inline constexpr size_t kNone = static_cast<size_t>(-1);

bool IsBlank(char c);  // space and tab
size_t SkipBlanks(std::string_view text, size_t pos);

size_t MatchIds(std::string_view text, size_t pos);             // a bare word: paths, names
size_t MatchIncludeName(std::string_view text, size_t pos);     // <name>, "name" or name
size_t MatchQuoted(std::string_view text, size_t pos, bool empty_too);
size_t MatchListValue(std::string_view text, size_t pos);       // a bare word in brackets
size_t MatchConditionName(std::string_view text, size_t pos);   // a bare word in peer=( ... )
size_t MatchIdsWithoutEquals(std::string_view text, size_t pos);
size_t MatchVariableName(std::string_view text, size_t pos);    // letters, digits and _
size_t MatchSetVariable(std::string_view text, size_t pos);     // @{x} or @x
size_t MatchBoolVariable(std::string_view text, size_t pos);
size_t MatchLabel(std::string_view text, size_t pos);           // what begins with /, @{x}, : or &
size_t MatchQuotedLabel(std::string_view text, size_t pos);
size_t MatchModes(std::string_view text, size_t pos);           // file permissions, before white space or a comma
size_t MatchWord(std::string_view text, size_t pos, std::string_view word);  // that very text
size_t MatchLineEnd(std::string_view text, size_t pos);         // \n or \r\n
size_t MatchRestOfLine(std::string_view text, size_t pos);      // anything up to and with the line's end

}  // namespace ravelin::import::apparmor
