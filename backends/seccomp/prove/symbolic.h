// The two sides of the proof, in a logic: decision diagrams, or Z3's bit-vectors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/seccomp/program.h"
#include "compiler/ir/bdd.h"
#include "compiler/ir/policy.h"

namespace ravelin::seccomp {

// Terms over the input of a filter: truth values and 32-bit answers.
class Logic {
 public:
  using Term = uint32_t;
  virtual ~Logic() = default;
  virtual Term Bool(bool value) = 0;
  virtual Term Answer(uint32_t value) = 0;
  virtual Term Choose(Term condition, Term yes, Term no) = 0;
  // (low `bits` bits of a register & mask) in set
  virtual Term MaskedIn(int arg, int bits, uint64_t mask, const ir::IntervalSet& set) = 0;
  struct NumberRange {
    uint64_t lo;
    uint64_t hi;  // included
    Term term;
  };
  // By call number; the ranges are ascending and cover all 32-bit numbers.
  virtual Term ByNumber(const std::vector<NumberRange>& ranges) = 0;

  Term And(Term a, Term b) { return Choose(a, b, Bool(false)); }
  Term Or(Term a, Term b) { return Choose(a, Bool(true), b); }
  Term Not(Term a) { return Choose(a, Bool(false), Bool(true)); }
  Term FromPredicate(const ir::Predicate& predicate);
};

class DiagramLogic : public Logic {
 public:
  explicit DiagramLogic(ir::Diagrams& diagrams) : diagrams_(diagrams) {}
  Term Bool(bool value) override { return diagrams_.Terminal(value ? 1 : 0); }
  Term Answer(uint32_t value) override { return diagrams_.Terminal(value); }
  Term Choose(Term condition, Term yes, Term no) override { return diagrams_.Choose(condition, yes, no); }
  Term MaskedIn(int arg, int bits, uint64_t mask, const ir::IntervalSet& set) override;
  Term ByNumber(const std::vector<NumberRange>& ranges) override;

 private:
  ir::Diagrams& diagrams_;
};

// The program's return value for every input, actions as the kernel takes them.  `arch`: the architecture is known to be
// this one.  Fails, naming the instruction, on what cannot be represented.
Result<ir::Diagrams::Node> SymbolicProgram(const Program& program, bool big_endian, std::optional<uint32_t> arch, ir::Diagrams& diagrams);

// Up(A) of one architecture: the action's SECCOMP_RET_* for every number and all arguments (docs/semantics.md, chapter 4).
Logic::Term SymbolicPolicy(const ir::Domain& domain, kernel::Arch arch, Logic& logic);

}  // namespace ravelin::seccomp
