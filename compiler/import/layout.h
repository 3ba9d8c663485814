// The canonical layout of policy source that an importer wrote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::import {

// A string as the language writes it.
std::string StringText(std::string_view value);
// path("...", "...")
std::string PathsText(const std::vector<std::string>& patterns);

// That the text parses is the importer's to ensure: it aborts otherwise.
std::string Layout(const std::string& text);

}  // namespace ravelin::import
