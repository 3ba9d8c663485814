// Lists of layer sets as they are written outside of policies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::resolve {

// "seccomp + apparmor, seccomp"; empty where a word of it is no layer.
std::vector<std::vector<std::string>> ParseLayerSets(std::string_view text);

}  // namespace ravelin::resolve
