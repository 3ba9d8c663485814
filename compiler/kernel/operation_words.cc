#include "compiler/kernel/operation_words.h"

#include <algorithm>
#include <map>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"
#include "compiler/kernel/view.h"

namespace ravelin::kernel {
namespace {

using Key = std::pair<std::string, std::string>;  // facet, word

const std::map<Key, std::vector<std::string>>& Words() {
  static const std::map<Key, std::vector<std::string>> words = [] {
    std::map<Key, std::vector<std::string>> out;
    for (const auto& row : TableRows("facets.tsv")) {
      if (row[0] != "stands") continue;
      RAVELIN_CHECK(row.size() == 5, "facets.tsv has a malformed word");
      auto& operations = out[{std::string(row[1]), std::string(row[2])}];
      for (const std::string_view one : SplitTable(row[3], ' ')) operations.emplace_back(one);
    }
    return out;
  }();
  return words;
}

}  // namespace

std::vector<std::string> OperationsNamed(std::string_view facet, std::string_view word) {
  const auto it = Words().find(Key(facet, word));
  if (it != Words().end()) return it->second;
  const FacetInfo* info = FindFacet(facet);
  if (info == nullptr || std::find(info->operations.begin(), info->operations.end(), word) == info->operations.end()) return {};
  return {std::string(word)};
}

std::vector<std::string> OperationWords(std::string_view facet) {
  std::vector<std::string> out;
  for (const auto& [key, operations] : Words()) {
    if (key.first == facet) out.push_back(key.second);
  }
  return out;
}

}  // namespace ravelin::kernel
