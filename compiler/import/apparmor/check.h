// What apparmor_parser 3.0.8 makes of a profile after reading it, and refuses then.
#pragma once

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// Puts variables, aliases and slashes of names and patterns right, in place, and reports what stands in the way of
// compiling the policy: undeclared variables, malformed patterns, exec modes in conflict, mount rules that mean nothing,
// too many named transitions.  A rule that apparmor_parser forgets is reported (as a warning) and taken out.
// False: something was refused.
bool Check(Policy& policy, diag::Sink& sink);

}  // namespace ravelin::import::apparmor
