// Which mount rules mean anything, in apparmor_parser's encoding.
#pragma once

#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// False: no mount can match (a bind with a file system type, a change of propagation with a source, ...).
bool MeansSomething(const MountRule& rule);

}  // namespace ravelin::import::apparmor
