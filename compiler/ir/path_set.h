// Path patterns as regular languages over bytes (docs/semantics.md, chapter 6).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compiler/base/result.h"
#include "compiler/ir/automaton.h"

namespace ravelin::ir {

// A set of byte strings without NUL.  All operations are exact; kTooLarge beyond a limit of states.
class PathSet {
 public:
  PathSet();  // the empty set
  static Result<PathSet> Parse(std::string_view pattern);
  // What any of the patterns matches.
  static Result<PathSet> ParseAny(std::span<const std::string> patterns);
  static PathSet All();
  // Names in normal form: absolute, without empty components, no slash at the end but for "/".
  static PathSet Names();
  bool Contains(std::string_view path) const { return automaton_.LabelOf(path) != 0; }
  Result<PathSet> Intersect(const PathSet& other) const;
  Result<PathSet> Minus(const PathSet& other) const;
  Result<PathSet> Union(const PathSet& other) const;
  PathSet Complement() const;
  // Directories of which a member is an entry; all directories on the way to a member.  In normal form: absolute, without empty
  // components, no slash at the end but for "/".
  Result<PathSet> Parents() const { return Directories(false); }
  Result<PathSet> Above() const { return Directories(true); }
  // What may stand in a directory that is a member: its name, a slash, one component.
  PathSet Entries() const;
  // All paths that the patterns tell apart from no member: the classes of `cells` that hold one.
  Result<PathSet> ClosedUnder(const PatternAutomaton& cells) const;
  bool Empty() const { return !Witness().has_value(); }
  Result<bool> Includes(const PathSet& other) const;
  // A shortest member, readable bytes preferred.
  std::optional<std::string> Witness() const;
  const Automaton& automaton() const { return automaton_; }  // labels: 1 in the set, 0 not

 private:
  Result<PathSet> Directories(bool at_any_depth) const;
  explicit PathSet(Automaton automaton) : automaton_(std::move(automaton)) {}
  Automaton automaton_;
};

}  // namespace ravelin::ir
