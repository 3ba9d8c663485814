#include "compiler/resolve/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace ravelin::resolve {
namespace {

using ast::Expr;
using ast::ExprKind;
using ast::Op;
using Value = std::variant<uint64_t, std::string, kernel::Version, bool>;

class Evaluator {
 public:
  Evaluator(const Target& target, diag::Sink& sink) : target_(target), sink_(sink) {}

  std::optional<bool> Truth(const Expr& expr, const Scope& scope) {
    if (expr.kind == ExprKind::kUnary && expr.op == Op::kNot) {
      const auto value = Truth(expr.children[0], scope);
      return value ? std::optional(!*value) : std::nullopt;
    }
    if (expr.kind == ExprKind::kBinary && (expr.op == Op::kAnd || expr.op == Op::kOr)) {
      const auto left = Truth(expr.children[0], scope);
      const auto right = Truth(expr.children[1], scope);
      if (!left || !right) return std::nullopt;
      return expr.op == Op::kAnd ? *left && *right : *left || *right;
    }
    if (expr.kind == ExprKind::kBinary) return Compare(expr, scope);
    const auto value = Operand(expr, scope);
    if (!value) return std::nullopt;
    if (const bool* truth = std::get_if<bool>(&*value)) return *truth;
    Report(expr, "a condition is needed here").Help("compare it: `target.kernel >= 6.7`, `target.arch == x86_64`");
    return std::nullopt;
  }

 private:
  diag::Diagnostic& Report(const Expr& expr, std::string message) {
    return sink_.Report(diag::Kind::kBadCondition, expr.span, std::move(message));
  }

  std::optional<bool> Compare(const Expr& expr, const Scope& scope) {
    const Expr& left_expr = expr.children[0];
    const auto left = Operand(left_expr, scope);
    if (!left) return std::nullopt;
    if (expr.op == Op::kIn) return Member(*left, left_expr, expr.children[1], scope);
    const auto right = Against(*left, left_expr, expr.children[1], scope);
    if (!right) return std::nullopt;
    if (left->index() != right->index()) {
      Report(expr, "the two sides are of different kinds");
      return std::nullopt;
    }
    const bool ordered = !std::holds_alternative<std::string>(*left) && !std::holds_alternative<bool>(*left);
    switch (expr.op) {
      case Op::kEq: return *left == *right;
      case Op::kNe: return *left != *right;
      case Op::kLt:
      case Op::kLe:
      case Op::kGt:
      case Op::kGe:
        if (!ordered) {
          Report(expr, "names have no order").Help("use `==`, `!=` or `in`");
          return std::nullopt;
        }
        if (expr.op == Op::kLt) return *left < *right;
        if (expr.op == Op::kLe) return *left <= *right;
        if (expr.op == Op::kGt) return *left > *right;
        return *left >= *right;
      default: Report(expr, "this operator has no place in a condition"); return std::nullopt;
    }
  }

  std::optional<bool> Member(const Value& left, const Expr& left_expr, const Expr& set, const Scope& scope) {
    if (set.kind != ExprKind::kSet) {
      Report(set, "a set in braces is needed after `in`");
      return std::nullopt;
    }
    bool found = false;
    for (const Expr& element : set.children) {
      const auto value = Against(left, left_expr, element, scope);
      if (!value) return std::nullopt;
      found |= *value == left;
    }
    return found;
  }

  // The right side of a comparison, where a bare word stands for itself if the left side is a name of the target.
  std::optional<Value> Against(const Value& left, const Expr& left_expr, const Expr& expr, const Scope& scope) {
    if (left_expr.text == "target.arch" && (expr.kind == ExprKind::kName || expr.kind == ExprKind::kString)) {
      const auto arch = kernel::ArchFromName(expr.text);
      if (!arch) {
        std::vector<std::string_view> names;
        for (const kernel::Arch a : kernel::kFilterArches) names.push_back(kernel::ArchName(a));
        auto& d = Report(expr, fmt::format("unknown architecture `{}`", expr.text));
        const std::string hint = diag::DidYouMean(expr.text, names);
        d.Help(hint.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : hint);
        return std::nullopt;
      }
      return Value(std::string(kernel::ArchName(*arch)));
    }
    if (left_expr.text == "target.kernel" && expr.kind == ExprKind::kNumber) {
      return Value(kernel::Version{static_cast<uint16_t>(std::min<uint64_t>(expr.number, 65535)), 0});
    }
    const bool word = expr.kind == ExprKind::kName && std::holds_alternative<std::string>(left) && scope.Find(expr.text) == nullptr &&
                      expr.text.rfind("target.", 0) != 0;
    if (word) return Value(expr.text);
    return Operand(expr, scope);
  }

  std::optional<Value> Operand(const Expr& expr, const Scope& scope) {
    switch (expr.kind) {
      case ExprKind::kNumber: return Value(expr.number);
      case ExprKind::kString: return Value(expr.text);
      case ExprKind::kVersion: return Version(expr);
      case ExprKind::kCall: return Feature(expr);
      case ExprKind::kName: return Named(expr, scope);
      default: break;
    }
    Report(expr, "this has no place in a condition").Help("conditions compare `target.kernel`, `target.arch`, `target.name` and module parameters");
    return std::nullopt;
  }

  std::optional<Value> Version(const Expr& expr) {
    if (const auto version = kernel::ParseVersion(expr.text)) return Value(*version);
    Report(expr, fmt::format("`{}` is no kernel version", expr.text));
    return std::nullopt;
  }

  std::optional<Value> Feature(const Expr& expr) {
    if (expr.text == "target.feature" && expr.children.size() == 1 && expr.children[0].kind == ExprKind::kString) {
      return Value(target_.features.count(expr.children[0].text) != 0);
    }
    Report(expr, fmt::format("`{}(...)` has no place in a condition", expr.text)).Help("use `target.feature(\"NAME\")`");
    return std::nullopt;
  }

  std::optional<Value> Named(const Expr& expr, const Scope& scope) {
    if (expr.text == "target.kernel") return Value(target_.kernel);
    if (expr.text == "target.arch") return Value(std::string(kernel::ArchName(target_.arch)));
    if (expr.text == "target.name") return Value(target_.name);
    if (expr.text == "true" || expr.text == "false") return Value(expr.text == "true");
    const Definition* definition = depth_ > 64 ? nullptr : scope.Find(expr.text);
    if (definition != nullptr && definition->values->size() == 1 &&
        (definition->kind == Definition::Kind::kLet || definition->kind == Definition::Kind::kParameter)) {
      ++depth_;
      const Expr& value = definition->values->front();
      auto result = value.kind == ExprKind::kName && definition->scope->Find(value.text) == nullptr && value.text.rfind("target.", 0) != 0 &&
                            value.text != "true" && value.text != "false"
                        ? std::optional<Value>(value.text)
                        : Operand(value, *definition->scope);
      --depth_;
      return result;
    }
    auto& d = Report(expr, fmt::format("`{}` is nothing that a condition can ask for", expr.text));
    std::vector<std::string_view> names = {"target.kernel", "target.arch", "target.name", "target.feature"};
    const std::string hint = diag::DidYouMean(expr.text, names);
    d.Help(hint.empty() ? "conditions compare `target.kernel`, `target.arch`, `target.name`, `target.feature(\"...\")` and module parameters" : hint);
    return std::nullopt;
  }

  const Target& target_;
  diag::Sink& sink_;
  int depth_ = 0;
};

}  // namespace

std::optional<bool> EvaluateCondition(const Expr& expr, const Scope& scope, const Target& target, diag::Sink& sink) {
  return Evaluator(target, sink).Truth(expr, scope);
}

}  // namespace ravelin::resolve
