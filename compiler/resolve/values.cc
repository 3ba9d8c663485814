#include "compiler/resolve/values.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::resolve {
namespace {

using ast::Expr;
using ast::ExprKind;
using ast::Op;
using kernel::Arch;

std::string ShowWide(Wide value) {
  return value < 0 ? fmt::format("-{}", static_cast<uint64_t>(-value)) : fmt::format("{}", static_cast<uint64_t>(value));
}

uint64_t Truncate(Wide value, int bits) {
  const uint64_t low = static_cast<uint64_t>(value);
  return bits >= 64 ? low : low & ((uint64_t{1} << bits) - 1);
}

std::string ConstantHint(std::string_view name) {
  std::vector<std::string_view> candidates;
  for (const std::string& constant : kernel::ConstantNames()) candidates.push_back(constant);
  return diag::DidYouMean(name, candidates);
}

}  // namespace

bool Values::Enter(const Expr& expr) {
  if (++depth_ < 64) return true;
  sink_.Report(diag::Kind::kImportCycle, expr.span, "a name is defined by itself");
  return false;
}

std::optional<Wide> Values::Integer(const Expr& expr, const Scope& scope, Arch arch, const IntegerType& type) {
  switch (expr.kind) {
    case ExprKind::kNumber: return Wide{expr.number};
    case ExprKind::kName: return Named(expr, scope, arch, type);
    case ExprKind::kUnary:
    case ExprKind::kBinary: return Operation(expr, scope, arch, type);
    default: break;
  }
  sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("{} needs a number or a constant", type.what));
  return std::nullopt;
}

std::optional<Wide> Values::Named(const Expr& expr, const Scope& scope, Arch arch, const IntegerType& type) {
  const Definition* definition = scope.Find(expr.text);
  if (definition != nullptr) {
    if (definition->kind == Definition::Kind::kResource || definition->kind == Definition::Kind::kSet || definition->values->size() != 1) {
      sink_.Report(diag::Kind::kTypeMismatch, expr.span, fmt::format("`{}` is no single number", expr.text)).Note(definition->span, "declared here");
      return std::nullopt;
    }
    const std::tuple key(definition, arch, type.prefix);
    if (const auto known = integers_.find(key); known != integers_.end()) return known->second;
    if (!Enter(expr)) return --depth_, std::nullopt;
    const auto value = Integer(definition->values->front(), *definition->scope, arch, type);
    --depth_;
    return integers_[key] = value;
  }
  if (!type.prefix.empty()) {
    if (const auto value = kernel::FindConstant(arch, type.prefix + expr.text)) return Wide{*value};
  }
  if (const auto value = kernel::FindConstant(arch, expr.text)) return Wide{*value};
  const bool elsewhere = std::any_of(kernel::kFilterArches.begin(), kernel::kFilterArches.end(),
                                     [&](Arch other) { return kernel::FindConstant(other, expr.text).has_value(); });
  auto& d = sink_.Report(diag::Kind::kUnknownConstant, expr.span,
                         elsewhere ? fmt::format("{} has no constant `{}`", kernel::ArchName(arch), expr.text)
                                   : fmt::format("unknown constant `{}`", expr.text));
  const std::string hint = elsewhere ? "" : ConstantHint(expr.text);
  if (!hint.empty()) d.Help(hint);
  return std::nullopt;
}

std::optional<Wide> Values::Operation(const Expr& expr, const Scope& scope, Arch arch, const IntegerType& type) {
  const auto left = Integer(expr.children[0], scope, arch, type);
  if (!left) return std::nullopt;
  if (expr.op == Op::kMinus) return -*left;
  if (expr.op == Op::kBitNot) return ~*left;
  if (expr.children.size() == 2) {
    const auto right = Integer(expr.children[1], scope, arch, type);
    if (!right) return std::nullopt;
    switch (expr.op) {
      case Op::kBitOr: return *left | *right;
      case Op::kBitXor: return *left ^ *right;
      case Op::kBitAnd: return *left & *right;
      case Op::kShl:
      case Op::kShr:
        if (*right < 0 || *right > 63 || *left < 0) {
          sink_.Report(diag::Kind::kValueTooWide, expr.span, "a shift is by 0 to 63 places, of a value that is not negative");
          return std::nullopt;
        }
        return expr.op == Op::kShl ? Wide{static_cast<uint64_t>(*left) << static_cast<int>(*right)} : *left >> static_cast<int>(*right);
      default: break;
    }
  }
  sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a comparison is no number");
  return std::nullopt;
}

std::optional<uint64_t> Values::Bits(const Expr& expr, Wide value, const IntegerType& type) {
  const Wide lowest = -(Wide{1} << (type.bits - 1));
  const Wide highest = (Wide{1} << type.bits) - 1;
  if (value >= lowest && value <= highest) return Truncate(value, type.bits);
  sink_.Report(diag::Kind::kValueTooWide, expr.span, fmt::format("{} does not fit {}, which the kernel reads as {} bits", ShowWide(value), type.what, type.bits));
  return std::nullopt;
}

ir::IntervalSet Values::RangeBits(Wide lo, Wide hi, const IntegerType& type) {
  if (lo > hi) return {};
  if (lo >= 0 || hi < 0) return ir::IntervalSet::Range(Truncate(lo, type.bits), Truncate(hi, type.bits));
  return ir::IntervalSet::Range(0, Truncate(hi, type.bits)).Union(ir::IntervalSet::Range(Truncate(lo, type.bits), Truncate(-1, type.bits)));
}

std::optional<ir::IntervalSet> Values::Set(const Expr& expr, const Scope& scope, Arch arch, const IntegerType& type) {
  if (expr.kind == ExprKind::kSet) {
    std::vector<ir::Interval> all;
    bool good = true;
    for (const Expr& child : expr.children) {
      const auto part = Set(child, scope, arch, type);
      if (part) all.insert(all.end(), part->intervals().begin(), part->intervals().end());
      good &= part.has_value();
    }
    return good ? std::optional(ir::IntervalSet(std::move(all))) : std::nullopt;
  }
  if (expr.kind == ExprKind::kRange) {
    const auto lo = Integer(expr.children[0], scope, arch, type);
    const auto hi = Integer(expr.children[1], scope, arch, type);
    if (!lo || !hi || !Bits(expr.children[0], *lo, type) || !Bits(expr.children[1], *hi, type)) return std::nullopt;
    if (*lo > *hi) {
      sink_.Report(diag::Kind::kNeverTrue, expr.span, "the range is empty: its first value is larger than its last");
      return ir::IntervalSet();
    }
    return RangeBits(*lo, *hi, type);
  }
  if (expr.kind == ExprKind::kName) {
    const Definition* definition = scope.Find(expr.text);
    if (definition != nullptr && definition->kind != Definition::Kind::kResource) {
      if (depth_ == 0) in_set_.clear();
      if (definition->kind != Definition::Kind::kParameter && in_set_.count(definition) != 0) return ir::IntervalSet();
      if (!Enter(expr)) return --depth_, std::nullopt;
      std::optional<ir::IntervalSet> all = ir::IntervalSet();
      for (const Expr& value : *definition->values) {
        const auto part = Set(value, *definition->scope, arch, type);
        all = part && all ? std::optional(all->Union(*part)) : std::nullopt;
      }
      --depth_;
      in_set_.insert(definition);
      return all;
    }
  }
  const auto value = Integer(expr, scope, arch, type);
  const auto bits = value ? Bits(expr, *value, type) : std::nullopt;
  return bits ? std::optional(ir::IntervalSet::Single(*bits)) : std::nullopt;
}

std::optional<std::string> Values::String(const Expr& expr, const Scope& scope) {
  if (expr.kind == ExprKind::kName) {
    const Definition* definition = scope.Find(expr.text);
    if (definition != nullptr && definition->values->size() == 1 && definition->kind != Definition::Kind::kResource) {
      if (!Enter(expr)) return --depth_, std::nullopt;
      auto text = String(definition->values->front(), *definition->scope);
      --depth_;
      return text;
    }
  }
  if (expr.kind != ExprKind::kString) {
    sink_.Report(diag::Kind::kTypeMismatch, expr.span, "a string is needed here").Help("strings stand in double quotes");
    return std::nullopt;
  }
  std::string out;
  for (size_t i = 0; i < expr.text.size();) {
    if (expr.text.compare(i, 2, "${") != 0) {
      out += expr.text[i++];
      continue;
    }
    const size_t close = expr.text.find('}', i);
    const std::string name = expr.text.substr(i + 2, close == std::string::npos ? std::string::npos : close - i - 2);
    const Definition* definition = close == std::string::npos ? nullptr : scope.Find(name);
    if (definition == nullptr || definition->values->size() != 1) {
      auto& d = sink_.Report(diag::Kind::kUnknownName, expr.span, fmt::format("`${{{}}}` names no string", name));
      const std::string hint = diag::DidYouMean(name, scope.Visible());
      d.Help(hint.empty() ? fmt::format("write `let {} = \"...\"`", name) : hint);
      return std::nullopt;
    }
    if (strings_.count(definition) == 0) {
      if (!Enter(expr)) return --depth_, std::nullopt;
      const Expr& value = definition->values->front();
      auto replaced = value.kind == ExprKind::kNumber ? std::optional(fmt::format("{}", value.number)) : String(value, *definition->scope);
      --depth_;
      strings_[definition] = std::move(replaced);
    }
    const std::optional<std::string>& text = strings_[definition];
    if (!text) return std::nullopt;
    out += *text;
    if (out.size() > 65536) {
      sink_.Report(diag::Kind::kValueTooWide, expr.span, "the string is longer than 64 KiB once its names are replaced");
      return std::nullopt;
    }
    i = close + 1;
  }
  return out;
}

std::optional<ir::Action> Values::Action(const Expr& expr, const Scope& scope, Arch arch) {
  using ir::ActionKind;
  if (expr.kind == ExprKind::kCall) return CallAction(expr, scope, arch);
  if (expr.kind == ExprKind::kName) {
    if (expr.text == "log") return ir::Action{ActionKind::kLog, 0};
    if (expr.text == "notify") return ir::Action{ActionKind::kNotify, 0};
    if (expr.text == "trap") return ir::Action{ActionKind::kTrap, 0};
    if (expr.text == "allow") return ir::Action{ActionKind::kAllow, 0};
    if (kernel::FindErrno(expr.text)) {
      sink_.Report(diag::Kind::kBadAction, expr.span, fmt::format("`{}` is an error number, not an action", expr.text)).Help(fmt::format("write `errno({})`", expr.text));
      return std::nullopt;
    }
  }
  auto& d = sink_.Report(diag::Kind::kBadAction, expr.span, expr.kind == ExprKind::kName ? fmt::format("unknown action `{}`", expr.text) : "this is no action");
  const std::string hint = expr.kind == ExprKind::kName ? diag::DidYouMean(expr.text, {"log", "notify", "trap", "trace", "errno", "kill"}) : "";
  d.Help(hint.empty() ? "actions are `errno(E)`, `kill process`, `kill thread`, `trap`, `log`, `trace(N)` and `notify`" : hint);
  return std::nullopt;
}

std::optional<ir::Action> Values::CallAction(const Expr& expr, const Scope& scope, Arch arch) {
  using ir::ActionKind;
  const Expr* argument = expr.children.size() == 1 ? &expr.children[0] : nullptr;
  if (expr.text == "kill" && argument != nullptr && argument->kind == ExprKind::kName) {
    if (argument->text == "process") return ir::Action{ActionKind::kKillProcess, 0};
    if (argument->text == "thread") return ir::Action{ActionKind::kKillThread, 0};
  }
  const bool is_errno = expr.text == "errno";
  if (argument != nullptr && (is_errno || expr.text == "trap" || expr.text == "trace")) {
    std::optional<Wide> value;
    if (is_errno && argument->kind == ExprKind::kName && scope.Find(argument->text) == nullptr) {
      if (const auto number = kernel::FindErrno(argument->text)) {
        value = *number;
      } else {
        std::vector<std::string_view> names;
        for (const std::string& name : kernel::ErrnoNames()) names.push_back(name);
        auto& d = sink_.Report(diag::Kind::kBadAction, argument->span, fmt::format("unknown error number `{}`", argument->text));
        const std::string hint = diag::DidYouMean(argument->text, names);
        if (!hint.empty()) d.Help(hint);
        return std::nullopt;
      }
    } else {
      value = Integer(*argument, scope, arch, {64, false, fmt::format("`{}`", expr.text), "", ""});
    }
    if (!value) return std::nullopt;
    if (is_errno && *value == 0) {
      sink_.Report(diag::Kind::kErrnoZero, argument->span, "errno(0) would report success for a call that did not run").Help("write the error that the caller should see, such as `errno(EPERM)`");
      return std::nullopt;
    }
    const Wide most = is_errno ? 4095 : 65535;
    if (*value < 0 || *value > most) {
      sink_.Report(diag::Kind::kBadAction, argument->span, fmt::format("`{}` takes a number from {} to {}", expr.text, is_errno ? 1 : 0, static_cast<int>(most)));
      return std::nullopt;
    }
    const ActionKind kind = is_errno ? ActionKind::kErrno : expr.text == "trap" ? ActionKind::kTrap : ActionKind::kTrace;
    return ir::Action{kind, static_cast<uint16_t>(*value)};
  }
  sink_.Report(diag::Kind::kBadAction, expr.span, fmt::format("`{}` is used in a way that is no action", expr.text))
      .Help("actions are `errno(E)`, `kill process`, `kill thread`, `trap`, `log`, `trace(N)` and `notify`");
  return std::nullopt;
}

}  // namespace ravelin::resolve
