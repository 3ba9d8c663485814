// What is checked before any token is cut: encoding, size, nesting.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/base/diag.h"

namespace ravelin::syntax {

struct Scanned {
  bool readable = false;             // false: an error was reported that makes parsing pointless
  std::vector<uint32_t> byte_of;     // byte offset of each code point; empty for ASCII text, where both are the same
};
Scanned Prescan(source::FileId file, std::string_view text, diag::Sink& sink);

}  // namespace ravelin::syntax
