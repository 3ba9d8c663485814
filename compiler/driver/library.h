// The standard library's trees, and policies that use it without being a file.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "compiler/driver/frontend.h"

namespace ravelin::driver {

// Files of the library in force that define a module, by the names after `std::`.
std::map<std::string, ast::File> LoadModules(const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink);
// As Load and ReadPolicy (load.h, frontend.h) of a file; `name` is what diagnostics call it.
resolve::Program LoadText(const std::string& name, std::string text, const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink);
std::unique_ptr<Frontend> ReadPolicyText(const std::string& name, std::string text, const LoadOptions& options, const resolve::Target& target);

}  // namespace ravelin::driver
