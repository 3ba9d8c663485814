// Texts as JSON has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::json {

// With its quotes; bytes that are no control characters stay as they are.
std::string Quote(std::string_view text);
std::string List(const std::vector<std::string>& texts);  // ["a", "b"]

}  // namespace ravelin::json
