// Variables of a profile: @{X} in names and patterns.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// "X" of "@{X}", "@X", "${X}" and "$X".
std::string VariableName(std::string_view written);

// Replaces variables by their values: one value stands for itself, several become {a,b}.
class Expander {
 public:
  // `profile_name` is what @{profile_name} stands for; "" where it stands for nothing yet.
  Expander(const std::map<std::string, Variable>& variables, std::string profile_name) : variables_(variables), profile_name_(std::move(profile_name)) {}
  // False: `why` says which variable stands in the way.
  bool Expand(std::string& text, std::string& why);
  // Values of a variable with the variables in them replaced.
  const std::vector<std::string>* Values(const std::string& name, std::string& why);

 private:
  bool ExpandValues(const std::string& name, std::vector<std::string>& out, std::string& why);

  const std::map<std::string, Variable>& variables_;
  std::string profile_name_;
  std::map<std::string, std::vector<std::string>> expanded_;
  std::vector<std::string> seen_;
};

}  // namespace ravelin::import::apparmor
