// The canonical layout of policy source that an importer wrote.
#pragma once

#include <string>

namespace ravelin::import {

// That the text parses is the importer's to ensure: it aborts otherwise.
std::string Layout(const std::string& text);

}  // namespace ravelin::import
