// What a module has to know of the policy that it is to stand beside.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/selinux/module.h"

namespace ravelin::selinux {

// The portcon statements of a file of CIL as hll/pp writes them, one a line.
std::vector<HostPort> HostPorts(std::string_view cil);

// The types of paths by a host's file_contexts (in the order in which they are installed: the last entry that matches decides).
// A path that no entry takes, or one that is not understood, is left out.
std::map<std::string, std::string> HostTypes(std::string_view file_contexts, const std::vector<std::string>& paths);

// For each type of paths of the module: why it is new, and which type of the host's it takes such paths from.
std::vector<std::string> ExplainPaths(const Module& module, std::string_view file_contexts);

}  // namespace ravelin::selinux
