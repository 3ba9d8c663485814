// The names of a system that a pattern matches.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "profiler/generalize/places.h"

namespace ravelin::generalize {

// By what is listed of folders, those alone that the pattern leads to; `is_file`: of a listed name that is no folder.  Folders have "/" at the end.
std::vector<std::string> NamesMatching(const std::string& pattern, const Listing& listing, const std::function<bool(const std::string&)>& is_file);

}  // namespace ravelin::generalize
