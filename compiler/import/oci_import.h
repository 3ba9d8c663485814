// A runtime's seccomp profile to policy source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/ast.h"
#include "compiler/base/diag.h"
#include "compiler/base/result.h"
#include "compiler/kernel/facts.h"

namespace ravelin::import {

struct OciImportOptions {
  std::vector<kernel::Arch> arches;        // empty: x86_64 alone resolves includes/excludes; several: `when target.arch`
  std::vector<std::string> capabilities;   // granted to the container, with or without CAP_
  kernel::Version kernel{6, 1};            // for minKernel
  bool literal = false;                    // keep 64-bit comparisons on 32-bit parameters as wide(...)
  std::string policy_name = "imported";
  std::string origin;                      // file name, for the head comment
};

// Policy source text (formatted, commented), or an error when the input is no profile at all.  Findings go to `sink`,
// with spans into `file` (the profile's text).
Result<std::string> ImportOciSeccomp(source::FileId file, std::string_view json, const OciImportOptions& options,
                                     diag::Sink& sink);

}  // namespace ravelin::import
