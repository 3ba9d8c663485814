// The letters of a file rule: rwalkm and the exec modes.
#pragma once

#include <string>
#include <string_view>

#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// The letters are those that the lexer lets through.  False: `why` says which of them do not go together.
bool ParseModes(std::string_view letters, FileModes& modes, std::string& why);

// r and w of dbus, unix, signal and ptrace rules: 1 for r, 2 for w; -1 for any other letter.
int ParseReadWrite(std::string_view letters);

}  // namespace ravelin::import::apparmor
