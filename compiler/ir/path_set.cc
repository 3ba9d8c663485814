#include "compiler/ir/path_set.h"

namespace ravelin::ir {
namespace {

constexpr size_t kMaxSetStates = 40000;

Automaton Constant(uint32_t label) {
  Automaton one;
  one.next = {0};
  one.label = {label};
  return one;
}

}  // namespace

PathSet::PathSet() : automaton_(Constant(0)) {}

PathSet PathSet::All() {
  return PathSet(Constant(0)).Complement();
}

Result<PathSet> PathSet::Parse(std::string_view pattern) {
  const std::string one(pattern);
  return ParseAny({&one, 1});
}

Result<PathSet> PathSet::ParseAny(std::span<const std::string> patterns) {
  RAVELIN_TRY(compiled, CompilePatterns(patterns, patterns.size() == 1 ? kMaxSetStates : kMaxMapStates));
  for (uint32_t& label : compiled.automaton.label) label = label != 0 ? 1 : 0;
  return PathSet(std::move(compiled.automaton));
}

Result<PathSet> PathSet::Intersect(const PathSet& other) const {
  RAVELIN_TRY(both, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a & b; }));
  return PathSet(std::move(both));
}

Result<PathSet> PathSet::Minus(const PathSet& other) const {
  RAVELIN_TRY(rest, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a & ~b; }));
  return PathSet(std::move(rest));
}

Result<PathSet> PathSet::Union(const PathSet& other) const {
  RAVELIN_TRY(either, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a | b; }));
  return PathSet(std::move(either));
}

PathSet PathSet::Complement() const {
  PathSet out = *this;
  for (uint32_t& label : out.automaton_.label) label ^= 1;
  return out;
}

Result<bool> PathSet::Includes(const PathSet& other) const {
  RAVELIN_TRY(rest, other.Minus(*this));
  return rest.Empty();
}

std::optional<std::string> PathSet::Witness() const {
  return automaton_.Find([](uint32_t label) { return label != 0; });
}

}  // namespace ravelin::ir
