// Names and what they stand for.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/ast/ast.h"
#include "compiler/base/diag.h"

namespace ravelin::resolve {

class Scope;

// A named resource, set, let or module parameter; its values are to be read in `scope`.
struct Definition {
  enum class Kind { kResource, kSet, kLet, kParameter };
  Kind kind = Kind::kLet;
  const std::vector<ast::Expr>* values = nullptr;
  const Scope* scope = nullptr;
  source::Span span;
};

class Scope {
 public:
  explicit Scope(const Scope* parent) : parent_(parent) {}
  // False when the name is taken in this very scope.
  bool Define(const std::string& name, Definition definition) { return names_.emplace(name, definition).second; }
  // The innermost definition, or null.
  const Definition* Find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      const auto it = scope->names_.find(name);
      if (it != scope->names_.end()) return &it->second;
    }
    return nullptr;
  }
  const Definition* FindHere(const std::string& name) const {
    const auto it = names_.find(name);
    return it == names_.end() ? nullptr : &it->second;
  }
  const std::unordered_map<std::string, Definition>& names() const { return names_; }
  // All visible names, for "did you mean".
  std::vector<std::string_view> Visible() const {
    std::vector<std::string_view> all;
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      for (const auto& [name, definition] : scope->names_) all.push_back(name);
    }
    return all;
  }

 private:
  const Scope* parent_;
  std::unordered_map<std::string, Definition> names_;
};

}  // namespace ravelin::resolve
