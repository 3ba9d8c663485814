#include "compiler/resolve/predicates.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::resolve {
namespace {

using ast::Expr;
using ast::ExprKind;
using ast::Op;
using ir::IntervalSet;
using ir::Predicate;
using kernel::ArgType;

// One side of a comparison: a register as the kernel reads it, masked.
struct Operand {
  uint8_t arg = 0;
  IntegerType type;
  int bits = 64;  // 32 or 64: what of the register is looked at
  uint64_t mask = ~uint64_t{0};
  bool masked = false;
};

Op Mirrored(Op op) {
  switch (op) {
    case Op::kLt: return Op::kGt;
    case Op::kLe: return Op::kGe;
    case Op::kGt: return Op::kLt;
    case Op::kGe: return Op::kLe;
    default: return op;
  }
}

class Builder {
 public:
  Builder(const kernel::Syscall& call, kernel::Arch arch, const Scope& scope, Values& values, diag::Sink& sink)
      : call_(call), arch_(arch), scope_(scope), values_(values), sink_(sink) {}

  std::optional<Predicate> Condition(const Expr& expr) {
    if (expr.kind == ExprKind::kUnary && expr.op == Op::kNot) {
      auto inner = Condition(expr.children[0]);
      return inner ? std::optional(Predicate::Not(std::move(*inner))) : std::nullopt;
    }
    if (expr.kind == ExprKind::kBinary && (expr.op == Op::kAnd || expr.op == Op::kOr)) {
      auto left = Condition(expr.children[0]);
      auto right = Condition(expr.children[1]);
      if (!left || !right) return std::nullopt;
      std::vector<Predicate> terms;
      terms.push_back(std::move(*left));
      terms.push_back(std::move(*right));
      return expr.op == Op::kAnd ? Predicate::And(std::move(terms)) : Predicate::Or(std::move(terms));
    }
    if (expr.kind == ExprKind::kBinary && expr.op >= Op::kEq && expr.op <= Op::kIn) return Comparison(expr);
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a condition is needed here")
        .Help(fmt::format("compare an argument: `{}(... == ...)`", call_.name));
    return std::nullopt;
  }

 private:
  // Whether an expression reads an argument (rather than being a constant).
  bool ReadsArgument(const Expr& expr) const {
    if (expr.kind == ExprKind::kCall) return expr.text == "argument" || expr.text == "wide";
    if (expr.kind == ExprKind::kName && FindParam(expr.text) != nullptr) return true;
    return std::any_of(expr.children.begin(), expr.children.end(), [&](const Expr& child) { return ReadsArgument(child); });
  }

  const kernel::Param* FindParam(const std::string& name) const {
    for (const kernel::Param& param : call_.params) {
      if (param.name == name) return &param;
    }
    return nullptr;
  }

  std::optional<Operand> Argument(const Expr& expr) {
    if (expr.kind == ExprKind::kBinary && expr.op == Op::kBitAnd) return Masked(expr);
    if (expr.kind == ExprKind::kCall && expr.text == "wide") return WideArgument(expr);
    const auto index = Index(expr);
    if (!index) return std::nullopt;
    return Typed(expr, *index);
  }

  std::optional<size_t> Index(const Expr& expr) {
    if (expr.kind == ExprKind::kName) {
      for (size_t i = 0; i < call_.params.size(); ++i) {
        if (call_.params[i].name == expr.text) return i;
      }
      ReportUnknownArgument(expr);
      return std::nullopt;
    }
    if (expr.kind == ExprKind::kCall && expr.text == "argument" && expr.children.size() == 1 && expr.children[0].kind == ExprKind::kNumber &&
        expr.children[0].number < 6) {
      const size_t index = expr.children[0].number;
      if (call_.signature_known && index >= call_.params.size()) {
        sink_.Report(diag::Kind::kUnknownArgument, expr.span, fmt::format("`{}` has {} argument{}", call_.name, call_.params.size(), call_.params.size() == 1 ? "" : "s"));
        return std::nullopt;
      }
      return index;
    }
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, "an argument of the call is needed here").Help("only `&` may stand between an argument and a comparison");
    return std::nullopt;
  }

  void ReportUnknownArgument(const Expr& expr) {
    if (!call_.signature_known) {
      sink_.Report(diag::Kind::kUnknownSignature, expr.span, fmt::format("the arguments of `{}` are not in the tables", call_.name))
          .Help("name an argument by its position and compare all of its bits: `wide(argument(0))`");
      return;
    }
    std::vector<std::string_view> names;
    for (const kernel::Param& param : call_.params) names.push_back(param.name);
    auto& d = sink_.Report(diag::Kind::kUnknownArgument, expr.span, fmt::format("`{}` has no argument `{}`", call_.name, expr.text));
    const std::string hint = diag::DidYouMean(expr.text, names);
    if (!hint.empty()) d.Help(hint);
    if (hint.empty() && names.empty()) d.Help("it takes none");
    if (hint.empty() && !names.empty()) d.Help(fmt::format("its arguments are {}", fmt::join(names, ", ")));
  }

  std::optional<Operand> Typed(const Expr& expr, size_t index) {
    if (!call_.signature_known) {
      ReportUnknownArgument(expr);
      return std::nullopt;
    }
    const kernel::Param& param = call_.params[index];
    if (param.type == ArgType::kPtr) return ReportPointer(expr, param.name);
    Operand operand;
    operand.arg = static_cast<uint8_t>(index);
    const bool is_long = param.type == ArgType::kI64 || param.type == ArgType::kU64;
    operand.bits = is_long ? 64 : 32;
    operand.type.bits = is_long ? 64 : param.type == ArgType::kU16 ? 16 : 32;
    operand.type.is_signed = param.type == ArgType::kI32 || param.type == ArgType::kI64;
    operand.type.what = fmt::format("`{}`", param.name);
    operand.type.family = param.family;
    operand.mask = operand.type.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << operand.type.bits) - 1;
    return operand;
  }

  std::optional<Operand> ReportPointer(const Expr& expr, const std::string& name) {
    sink_.Report(diag::Kind::kPointerArgument, expr.span, fmt::format("`{}` of `{}` is a pointer", name, call_.name))
        .Help("a filter sees the address, not what it points to, and the program may change that at any time; use a rule on the object (file, network, ...)");
    return std::nullopt;
  }

  std::optional<Operand> WideArgument(const Expr& expr) {
    if (expr.children.size() != 1) {
      sink_.Report(diag::Kind::kTypeMismatch, expr.span, "`wide` takes one argument of the call");
      return std::nullopt;
    }
    const auto index = Index(expr.children[0]);
    if (!index) return std::nullopt;
    if (*index < call_.params.size() && call_.params[*index].type == ArgType::kPtr) return ReportPointer(expr.children[0], call_.params[*index].name);
    Operand operand;
    operand.arg = static_cast<uint8_t>(*index);
    operand.type.what = fmt::format("register {}", *index);
    if (*index < call_.params.size()) operand.type.family = call_.params[*index].family;
    return operand;
  }

  std::optional<Operand> Masked(const Expr& expr) {
    const bool first = ReadsArgument(expr.children[0]);
    if (first && ReadsArgument(expr.children[1])) {
      sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a mask is a constant, not another argument");
      return std::nullopt;
    }
    auto operand = Argument(expr.children[first ? 0 : 1]);
    if (!operand) return std::nullopt;
    const Expr& mask_expr = expr.children[first ? 1 : 0];
    const auto value = values_.Integer(mask_expr, scope_, arch_, operand->type);
    const auto bits = value ? values_.Bits(mask_expr, *value, operand->type) : std::nullopt;
    if (!bits) return std::nullopt;
    operand->mask &= *bits;
    operand->masked = true;
    // C: the masked value keeps the type; without the sign bit in the mask it is never negative.
    if ((operand->mask >> (operand->type.bits - 1) & 1) == 0) operand->type.is_signed = false;
    return operand;
  }

  std::optional<Predicate> Comparison(const Expr& expr) {
    const bool left = ReadsArgument(expr.children[0]);
    const bool right = expr.op != Op::kIn && ReadsArgument(expr.children[1]);
    if (left && right) {
      sink_.Report(diag::Kind::kTypeMismatch, expr.span, "an argument is compared with a constant, not with another argument");
      return std::nullopt;
    }
    if (!left && !right) {
      const Expr& side = expr.children[0];
      if (side.kind == ExprKind::kName) {
        ReportUnknownArgument(side);
      } else if (side.kind == ExprKind::kBinary && side.children[0].kind == ExprKind::kName) {
        ReportUnknownArgument(side.children[0]);
      } else {
        sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("no argument of `{}` is compared here", call_.name));
      }
      return std::nullopt;
    }
    const auto operand = Argument(expr.children[left ? 0 : 1]);
    if (!operand) return std::nullopt;
    const auto set = Accepted(*operand, expr.children[left ? 1 : 0], left ? expr.op : Mirrored(expr.op));
    if (!set) return std::nullopt;
    Predicate predicate = Predicate::Test({operand->arg, static_cast<uint8_t>(operand->bits), operand->mask, *set});
    if (predicate.IsFalse()) sink_.Report(diag::Kind::kNeverTrue, expr.span, "the condition can never hold");
    if (predicate.IsTrue()) sink_.Report(diag::Kind::kAlwaysTrue, expr.span, "the condition always holds");
    return predicate;
  }

  // Unsigned bits of the values for which the comparison holds.
  std::optional<IntervalSet> Accepted(const Operand& operand, const Expr& constant, Op op) {
    const IntegerType& type = operand.type;
    if (op == Op::kIn) return values_.Set(constant, scope_, arch_, type);
    const auto value = values_.Integer(constant, scope_, arch_, type);
    const auto bits = value ? values_.Bits(constant, *value, type) : std::nullopt;
    if (!bits) return std::nullopt;
    if (op == Op::kEq) return IntervalSet::Single(*bits);
    if (op == Op::kNe) return IntervalSet::Single(*bits).Complement(type.bits);
    if (*value < type.Min() || *value > type.Max()) {
      sink_.Report(diag::Kind::kValueTooWide, constant.span, fmt::format("the kernel reads {} as {} {} bits, so this value has no place in its order", type.what, type.is_signed ? "signed" : "unsigned", type.bits))
          .Help(type.is_signed ? "compare bit patterns with `==`, `!=`, `in` or a mask" : "write the value without a sign");
      return std::nullopt;
    }
    switch (op) {
      case Op::kLt: return Values::RangeBits(type.Min(), *value - 1, type);
      case Op::kLe: return Values::RangeBits(type.Min(), *value, type);
      case Op::kGt: return Values::RangeBits(*value + 1, type.Max(), type);
      default: return Values::RangeBits(*value, type.Max(), type);
    }
  }

  const kernel::Syscall& call_;
  kernel::Arch arch_;
  const Scope& scope_;
  Values& values_;
  diag::Sink& sink_;
};

}  // namespace

std::optional<Predicate> BuildPredicate(const Expr& call_expr, const kernel::Syscall& call, kernel::Arch arch, const Scope& scope, Values& values,
                                        diag::Sink& sink) {
  Builder builder(call, arch, scope, values, sink);
  std::vector<Predicate> terms;
  bool good = true;
  for (const Expr& child : call_expr.children) {
    auto term = builder.Condition(child);
    good &= term.has_value();
    if (term) terms.push_back(std::move(*term));
  }
  return good ? std::optional(Predicate::And(std::move(terms))) : std::nullopt;
}

}  // namespace ravelin::resolve
