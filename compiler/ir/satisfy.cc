#include "compiler/ir/satisfy.h"

#include "compiler/ir/bdd.h"

namespace ravelin::ir {

std::optional<Args> FindArgs(const Predicate& predicate) {
  if (predicate.IsFalse()) return std::nullopt;
  Diagrams diagrams;
  const auto input = diagrams.Find(diagrams.FromPredicate(predicate), [](uint32_t value) { return value != 0; });
  return input ? std::optional(input->args) : std::nullopt;
}

}  // namespace ravelin::ir
