// Input of resolution: the trees of all files that one compilation reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ast/ast.h"

namespace ravelin::resolve {

struct Program {
  // files[0] is the policy's own; the others are imported or belong to the standard library.
  std::vector<ast::File> files;
  // imports[i]: indices of the files that files[i] imports, one for each `import` statement that was found.
  std::vector<std::vector<size_t>> imports;
  // Name after `std::` to the index of the file that defines it.
  std::map<std::string, size_t> library;
  // Every name that the library has, read or not, with `std::`.
  std::vector<std::string> library_names;
};

}  // namespace ravelin::resolve
