// Whether two compiled profiles permit the same.
#pragma once

#include <string>

#include "backends/apparmor/read/compiled.h"

namespace ravelin::import::apparmor {

// "" where they do: for every name of a file and of a directory that can occur, with links and transitions, for everything
// that the other automaton decides, for capabilities, limits and the programs that the profile attaches to.  Else the
// difference in words.
std::string Difference(const ravelin::apparmor::CompiledProfile& a, const ravelin::apparmor::CompiledProfile& b);

}  // namespace ravelin::import::apparmor
