// What a seccomp filter has to decide: the result of lowering, the input of code generation.
//
// For each accepted architecture every 32-bit number is covered: `calls` lists the numbers whose answer is their own,
// `ranges` the rest.  Within a call the clauses are tried in order; the last has a true condition.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/action.h"
#include "compiler/ir/predicate.h"
#include "compiler/kernel/facts.h"

namespace ravelin::seccomp {

// Why an answer is given: ids of rules of the domain (empty: a default) and a short text for listings.
struct Reason {
  std::vector<uint32_t> rules;
  std::string text;  // "web.rav:15:3 allow syscall", "default deny"
  bool operator==(const Reason&) const = default;
};

struct Clause {
  ir::Predicate when;
  ir::Action action;
  Reason reason;
};

struct CallAnswer {
  uint32_t number = 0;
  std::string name;
  std::vector<Clause> clauses;
};

struct RangeAnswer {
  uint32_t lo = 0;
  uint32_t hi = 0;  // included
  ir::Action action;
  Reason reason;
};

struct ArchSpec {
  kernel::Arch arch = kernel::Arch::kX86_64;
  std::vector<CallAnswer> calls;    // ascending by number
  std::vector<RangeAnswer> ranges;  // ascending; with `calls` they cover 0 .. 0xffffffff exactly once
};

struct FilterSpec {
  std::vector<ArchSpec> arches;  // at least one
  ir::Action foreign;            // any other architecture
  Reason foreign_reason;
};

// Registers for which the call is permitted.
ir::Predicate PermittedBy(const CallAnswer& call);
// The answer for a call of an architecture by number; null where no call of its own answers.
const CallAnswer* AnswerOf(const FilterSpec& spec, kernel::Arch arch, uint32_t number);

}  // namespace ravelin::seccomp
