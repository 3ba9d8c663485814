#include "compiler/resolve/layer_sets.h"

#include "compiler/resolve/target.h"

namespace ravelin::resolve {

std::vector<std::vector<std::string>> ParseLayerSets(std::string_view text) {
  std::vector<std::vector<std::string>> sets = {{}};
  std::string word;
  for (const char c : std::string(text) + ",") {
    if (c == ' ' || c == '\t') continue;
    if (c != ',' && c != '+') {
      word += c;
      continue;
    }
    if (!IsLayerName(word)) return {};
    sets.back().push_back(word);
    word.clear();
    if (c == ',') sets.emplace_back();
  }
  sets.pop_back();
  return sets;
}

}  // namespace ravelin::resolve
