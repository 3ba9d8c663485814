// Words of the language as sets of a facet's operations (compiler/kernel/operation_words.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::ir {

// 0: there is no such word.
OperationSet OperationsNamed(FacetId facet, std::string_view word);
// The fewest words that name exactly these operations, in the facet's order.
std::vector<std::string> WordsFor(FacetId facet, OperationSet operations);

}  // namespace ravelin::ir
