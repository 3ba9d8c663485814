// Words of the language that name operations: each operation names itself, and some words stand for several (`rename`: both of its
// names).  Table: compiler/kernel/tables/facets.tsv, rows `stands`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::kernel {

// In the facet's order; empty: there is no such word.
std::vector<std::string> OperationsNamed(std::string_view facet, std::string_view word);
// Words that stand for several operations.
std::vector<std::string> OperationWords(std::string_view facet);

}  // namespace ravelin::kernel
