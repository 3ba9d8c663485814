// Exec rules of one profile that lead a path to two places.
#pragma once

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// Rules without wildcards win over those with some; among rules of one sort, all that match a path must agree.
// The profile's patterns are well-formed.  False: a conflict was reported.
bool CheckExecConflicts(const Profile& profile, diag::Sink& sink);

}  // namespace ravelin::import::apparmor
