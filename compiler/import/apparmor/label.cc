#include "compiler/import/apparmor/label.h"

namespace ravelin::import::apparmor {

Label ParseLabel(std::string_view text) {
  Label out;
  if (text.starts_with('&')) {
    out.stacks = true;
    text.remove_prefix(1);
  }
  if (text.starts_with(':')) {
    const size_t end = text.find(':', 1);
    if (end == std::string_view::npos) {
      out.error = "the namespace has no end";
      return out;
    }
    out.space = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    if (text.starts_with("//")) text.remove_prefix(2);
    if (out.space.empty()) out.error = "the namespace is empty";
  }
  out.name = std::string(text);
  if (out.error.empty() && out.name.empty()) out.error = "the name is empty";
  return out;
}

}  // namespace ravelin::import::apparmor
