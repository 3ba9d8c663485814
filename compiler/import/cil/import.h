// A SELinux module in CIL to policy source.
#pragma once

#include <string>

#include "compiler/base/diag.h"
#include "compiler/base/source.h"

namespace ravelin::import::cil {

struct ImportOptions {
  std::string origin;  // file name, for the head comment
};

// Policy source (formatted, commented): one policy for each domain of the module, which compiles back to a module that permits the
// same.  What libsepol refuses, and what the language cannot say exactly, goes to `sink` as errors; the text is then "".
std::string ImportCil(const source::SourceManager& sources, source::FileId file, const ImportOptions& options, diag::Sink& sink);

}  // namespace ravelin::import::cil
