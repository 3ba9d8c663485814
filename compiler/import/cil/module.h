// The statements of a module.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/base/sexpr.h"

namespace ravelin::import::cil {

struct Label {
  std::string regex;
  std::string type;
  source::Span span;
};

struct Module {
  std::set<std::string> types;
  std::vector<std::string> declared;  // the types in their order
  std::set<std::string> attributes;
  std::vector<base::Sexpr> allows;  // and allowx
  std::vector<base::Sexpr> transitions;
  std::vector<base::Sexpr> nevers;
  std::vector<base::Sexpr> ports;
  std::vector<Label> labels;
  std::map<std::string, std::string> outside;  // names that are not the module's -> attribute of the host's that such a type has
};

// Statements that it does not know are refused by their names; false where anything was refused.
bool ReadModule(source::FileId file, std::string_view text, diag::Sink& sink, Module& out);

inline source::Span SpanOf(source::FileId file, const base::Sexpr& at) { return {file, static_cast<uint32_t>(at.offset), static_cast<uint32_t>(at.offset + 1)}; }

}  // namespace ravelin::import::cil
