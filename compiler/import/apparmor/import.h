// An AppArmor profile to policy source.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/includes.h"

namespace ravelin::import::apparmor {

struct ImportOptions {
  IncludeOptions includes;
  std::string origin;  // file name, for the head comment
};

// Policy source (formatted, commented): one policy a profile.  What apparmor_parser 3.0.8 would refuse, and what the language
// cannot say, goes to `sink` as errors; the text is then to be thrown away ("").
std::string ImportProfiles(source::SourceManager& sources, source::FileId file, const ImportOptions& options, diag::Sink& sink);

}  // namespace ravelin::import::apparmor
