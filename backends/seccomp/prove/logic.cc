#include "backends/seccomp/prove/symbolic.h"

namespace ravelin::seccomp {

using ir::Diagrams;

Logic::Term Logic::FromPredicate(const ir::Predicate& p) {
  Term out = 0;
  switch (p.kind()) {
    case ir::PredicateKind::kTrue: return Bool(true);
    case ir::PredicateKind::kFalse: return Bool(false);
    case ir::PredicateKind::kTest: return MaskedIn(p.test().arg, p.test().bits, p.test().mask, p.test().values);
    case ir::PredicateKind::kNot: return Not(FromPredicate(p.terms().front()));
    case ir::PredicateKind::kAnd:
      out = Bool(true);
      for (const ir::Predicate& term : p.terms()) out = And(out, FromPredicate(term));
      return out;
    case ir::PredicateKind::kOr:
      out = Bool(false);
      for (const ir::Predicate& term : p.terms()) out = Or(out, FromPredicate(term));
      return out;
  }
  return out;
}

Logic::Term DiagramLogic::MaskedIn(int arg, int bits, uint64_t mask, const ir::IntervalSet& set) {
  return diagrams_.MaskedIn(static_cast<uint16_t>(Diagrams::ArgBase(arg) + (64 - bits)), bits, mask, set);
}

Logic::Term DiagramLogic::ByNumber(const std::vector<NumberRange>& ranges) {
  std::vector<Diagrams::Range> out;
  for (const NumberRange& range : ranges) out.push_back({range.lo, range.hi, range.term});
  return diagrams_.FromRanges(Diagrams::kNumber, 32, out);
}

}  // namespace ravelin::seccomp
