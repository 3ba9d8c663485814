// Whether patterns of the policy language match the paths that an AppArmor pattern matches.
#pragma once

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/pattern.h"

namespace ravelin::import::apparmor {

// Over all paths that can occur: absolute, no empty component, a directory with a slash behind it on AppArmor's side only.
// False also where the question is too large to decide.
// The same with texts of any kind, but for NUL.
bool SameTexts(const Automaton& theirs, const std::string& ours);
bool SameNames(const Automaton& theirs, const Names& ours);

}  // namespace ravelin::import::apparmor
