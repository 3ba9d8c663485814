#include "compiler/ast/print_expr.h"

#include <fmt/format.h>

#include "compiler/ast/ast_text.h"

namespace ravelin::ast {
namespace {

// How tightly an operator binds; the order of the alternatives in grammar/RavelinParser.g4.
int Precedence(const Expr& expr) {
  if (expr.kind == ExprKind::kRange) return 5;
  if (expr.kind == ExprKind::kAssign) return 0;
  if (expr.kind != ExprKind::kUnary && expr.kind != ExprKind::kBinary) return 100;
  switch (expr.op) {
    case Op::kOr: return 1;
    case Op::kAnd: return 2;
    case Op::kNot: return 3;
    case Op::kEq: case Op::kNe: case Op::kLt: case Op::kLe: case Op::kGt: case Op::kGe: case Op::kIn: return 4;
    case Op::kBitOr: return 6;
    case Op::kBitXor: return 7;
    case Op::kBitAnd: return 8;
    case Op::kShl: case Op::kShr: return 9;
    default: return 10;
  }
}

const char* OpText(Op op) {
  switch (op) {
    case Op::kNot: return "!";
    case Op::kBitNot: return "~";
    case Op::kMinus: return "-";
    case Op::kOr: return "||";
    case Op::kAnd: return "&&";
    case Op::kEq: return "==";
    case Op::kNe: return "!=";
    case Op::kLt: return "<";
    case Op::kLe: return "<=";
    case Op::kGt: return ">";
    case Op::kGe: return ">=";
    case Op::kIn: return "in";
    case Op::kBitOr: return "|";
    case Op::kBitXor: return "^";
    case Op::kBitAnd: return "&";
    case Op::kShl: return "<<";
    case Op::kShr: return ">>";
    case Op::kNone: return "";
  }
  return "";
}

}  // namespace

std::string ExprPrinter::String(const ast::Expr& expr) const {
  if (!text_.empty() && expr.span.end <= text_.size() && expr.span.begin < expr.span.end && text_[expr.span.begin] == '"') return std::string(text_.substr(expr.span.begin, expr.span.end - expr.span.begin));
  std::string out = "\"";
  for (const char c : expr.text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ExprPrinter::Print(const ast::Expr& expr, int outer) const {
  std::string out;
  const int own = Precedence(expr);
  switch (expr.kind) {
    case ExprKind::kNumber: return expr.text.empty() ? fmt::format("{}", expr.number) : expr.text;
    case ExprKind::kName:
    case ExprKind::kVersion: return expr.text;
    case ExprKind::kString: return String(expr);
    case ExprKind::kAssign: return expr.text + " = " + Print(expr.children[0], 0);
    case ExprKind::kCall:
      out = expr.text + "(";
      for (size_t i = 0; i < expr.children.size(); ++i) out += (i == 0 ? "" : ", ") + Print(expr.children[i], 0);
      return out + ")";
    case ExprKind::kSet:
      if (expr.children.empty()) return "{}";
      for (const ast::Expr& child : expr.children) out += (out.empty() ? "{ " : ", ") + Print(child, 0);
      return out + " }";
    case ExprKind::kRange: out = Print(expr.children[0], own + 1) + ".." + Print(expr.children[1], own + 1); break;
    case ExprKind::kUnary: {
      // `!(a in b)`, though `!a in b` is the same; but `!!a`, so that a chain adds no brackets to the reader's limit.
      const ast::Expr& child = expr.children[0];
      const bool chain = expr.op == Op::kNot && child.kind == ExprKind::kUnary && child.op == Op::kNot;
      out = OpText(expr.op) + Print(child, chain ? own : 10);
      break;
    }
    case ExprKind::kBinary: out = Print(expr.children[0], own) + " " + OpText(expr.op) + " " + Print(expr.children[1], own + 1); break;
  }
  return own < outer ? "(" + out + ")" : out;
}

std::string ExprPrinter::Action(const ast::Expr& expr) const {
  if (expr.kind == ExprKind::kCall && expr.text == "kill" && expr.children.size() == 1) return "kill " + Print(expr.children[0], 0);
  return Expr(expr);
}

std::string FormatExpr(const Expr& expr) { return ExprPrinter({}).Expr(expr); }

}  // namespace ravelin::ast
