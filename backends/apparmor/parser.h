// The installed apparmor_parser: text to what the kernel loads.  Nothing is loaded and nothing is cached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::apparmor {

struct ParserVerdict {
  bool accepted = false;
  std::vector<uint8_t> binary;  // where accepted
  int line = 0;                 // of the text, where the message names one
  std::string message;          // where not
};

// Compiles `text` for a kernel with these features (text of a features file), warnings as errors.
// Fails with kEnvironment where the parser is not installed or cannot run.
Result<ParserVerdict> RunParser(const std::string& text, const std::string& features);
// "3.0.8", asked of the installed parser.
Result<std::string> ParserVersion();

}  // namespace ravelin::apparmor
