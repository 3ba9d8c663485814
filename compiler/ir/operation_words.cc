#include "compiler/ir/operation_words.h"

#include <algorithm>

#include "compiler/kernel/operation_words.h"

namespace ravelin::ir {

OperationSet OperationsNamed(FacetId facet, std::string_view word) {
  OperationSet out = 0;
  const auto& names = kernel::Facets()[facet].operations;
  for (const std::string& operation : kernel::OperationsNamed(kernel::Facets()[facet].name, word)) {
    out |= OperationSet{1} << (std::find(names.begin(), names.end(), operation) - names.begin());
  }
  return out;
}

std::vector<std::string> WordsFor(FacetId facet, OperationSet operations) {
  std::vector<std::string> names = OperationNames(facet, operations);
  const std::string& of = kernel::Facets()[facet].name;
  for (const std::string& word : kernel::OperationWords(of)) {
    const auto whole = kernel::OperationsNamed(of, word);
    const auto first = std::search(names.begin(), names.end(), whole.begin(), whole.end());
    if (first == names.end()) continue;
    *first = word;
    names.erase(first + 1, first + static_cast<std::ptrdiff_t>(whole.size()));
  }
  return names;
}

}  // namespace ravelin::ir
