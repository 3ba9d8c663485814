// Escapes of AppArmor's strings: those that the lexer resolves, and those that patterns keep.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ravelin::import::apparmor {

// The character that the escape sequence after a backslash stands for (octal, dNNN, xHH, a e f n r t " \ and those of
// `also`), or -1; `pos` is then where it was, else behind the sequence.
int EscapeAt(std::string_view text, size_t& pos, std::string_view also);

// A word as the lexer reads it: quotes taken off, escapes resolved but for those that mean something in a pattern.
std::string Unescape(std::string_view word);

// Slashes in a row are one, but for exactly two that begin a path.
std::string SqueezeSlashes(std::string_view path);

}  // namespace ravelin::import::apparmor
