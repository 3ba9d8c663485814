// Modules of the standard library in the place of rules that they cover.
//
// A module is a name that a reviewer knows: to use one costs little to say, whatever it grants, and every file that it opens and nobody used costs what a pattern pays for it
// (costs.h).  It stands for two rules at least, or it grants exactly what one rule does.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "profiler/generalize/paths.h"

namespace ravelin::generalize {

// What stands for the value of a module's parameter, at the beginning of its patterns.
inline constexpr const char* kParameterValue = "/parameter-of-a-module";

// A module that grants files, and calls or commands of ioctl(2) beside them.
struct Module {
  struct Part {
    std::string pattern;
    std::set<std::string> operations;
  };
  std::string name;       // "std::user_names"
  std::string parameter;  // its only one, a folder; "" where it has none
  std::vector<Part> files;
  std::set<std::string> calls;                             // permitted whatever their arguments
  size_t commands = 0;                                     // of ioctl(2)
  std::set<std::pair<std::string, std::string>> granted;   // facets with operations, those on files among them
};

// A module that is used, as the policy says it.
struct ModuleUse {
  Module module;
  std::string text;        // "std::owned_data(folder = \"/srv\")"
  double cost = 0;
  double instead = 0;      // of the rules that it stands for
  size_t used = 0;
  size_t rules = 0;        // of the paths that it grants
  std::vector<std::string> beyond;  // files that it opens and nobody used
};

// Rules that modules cover give way to those of the modules (PathRule::module), the greatest gain first.
std::vector<ModuleUse> UseModules(const std::vector<Module>& modules, size_t runs, const Sensitive& sensitive, const System& system, std::vector<PathRule>& rules);

}  // namespace ravelin::generalize
