// Names of profiles: `name`, `:namespace:name`, `:namespace://name`, and `&name` in transitions.
#pragma once

#include <string>
#include <string_view>

namespace ravelin::import::apparmor {

struct Label {
  bool stacks = false;
  std::string space;
  std::string name;
  std::string error;  // what is wrong with it, or ""
};
Label ParseLabel(std::string_view text);

}  // namespace ravelin::import::apparmor
