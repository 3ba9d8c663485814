// Expressions to values: integers, sets of integers, strings, actions.
//
// An integer may mean another value on each architecture (constants differ), so evaluation names one.  Every function
// reports what is wrong and returns nothing then.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/ir/action.h"
#include "compiler/ir/interval_set.h"
#include "compiler/kernel/facts.h"
#include "compiler/resolve/scope.h"

namespace ravelin::resolve {

// Wide enough for every signed and unsigned 64-bit value.
using Wide = __int128;

// How an integer stands in a register or an attribute.
struct IntegerType {
  int bits = 64;            // 16, 32 or 64
  bool is_signed = false;
  std::string what;         // for messages: "`domain`", "a port"
  std::string family;       // family of constants that fits, or ""
  std::string prefix;       // tried before a bare name: "SIG" makes `TERM` mean SIGTERM
  Wide Min() const { return is_signed ? -(Wide{1} << (bits - 1)) : Wide{0}; }
  Wide Max() const { return is_signed ? (Wide{1} << (bits - 1)) - 1 : (Wide{1} << bits) - 1; }
};

class Values {
 public:
  explicit Values(diag::Sink& sink) : sink_(sink) {}

  // A constant expression: numbers, constants, `let`s, parameters, | & ^ << >> ~ -.
  std::optional<Wide> Integer(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, const IntegerType& type);
  // The bits of a value of that type; reports a value that does not fit.  Negative values stand for their bits, and
  // bit patterns of the width for signed values.
  std::optional<uint64_t> Bits(const ast::Expr& expr, Wide value, const IntegerType& type);
  // Unsigned bits of every element: integers, ranges (in the type's order), sets, names of sets.
  std::optional<ir::IntervalSet> Set(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, const IntegerType& type);
  // The closed range lo..hi in the type's own order, as unsigned bits (a signed range may wrap).
  static ir::IntervalSet RangeBits(Wide lo, Wide hi, const IntegerType& type);

  // Content of a string with ${name} replaced.
  std::optional<std::string> String(const ast::Expr& expr, const Scope& scope);
  // `errno(EPERM)`, `kill process`, `log` ...
  std::optional<ir::Action> Action(const ast::Expr& expr, const Scope& scope, kernel::Arch arch);

 private:
  std::optional<Wide> Named(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, const IntegerType& type);
  std::optional<Wide> Operation(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, const IntegerType& type);
  std::optional<ir::Action> CallAction(const ast::Expr& expr, const Scope& scope, kernel::Arch arch);
  bool Enter(const ast::Expr& expr);

  diag::Sink& sink_;
  int depth_ = 0;
  // What names stood for before: names that mention one another twice would double the work at each step.
  std::map<std::tuple<const Definition*, kernel::Arch, std::string>, std::optional<Wide>> integers_;
  std::map<const Definition*, std::optional<std::string>> strings_;
  std::set<const Definition*> in_set_;  // already part of the set that is being read
};

}  // namespace ravelin::resolve
