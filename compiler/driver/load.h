// Files to trees: the policy's own, what it imports, and what it uses of the standard library.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/base/result.h"
#include "compiler/base/source.h"
#include "compiler/resolve/program.h"

namespace ravelin::driver {

struct LoadOptions {
  std::vector<std::string> import_folders;  // -I, tried in order after the importing file's own folder
  std::string library_folder;               // --std; empty: the library built into the program
};

// Reads and parses.  Fails only if `path` itself cannot be read; everything else is a diagnostic.
Result<resolve::Program> Load(const std::string& path, const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink);

// Version and hash of the standard library in force, for manifests: "1 (sha256 ...)".
std::string LibraryVersion();

}  // namespace ravelin::driver
