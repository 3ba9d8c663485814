// A regular expression of file_contexts as a path pattern.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ravelin::import::cil {

// The pattern that matches the same paths, all that can occur; nullopt where there is none, or none is known.
std::optional<std::string> PatternOf(std::string_view regex);

}  // namespace ravelin::import::cil
