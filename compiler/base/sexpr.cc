#include "compiler/base/sexpr.h"

#include <algorithm>
#include <cctype>

namespace ravelin::base {
namespace {

bool IsSymbolByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 ? static_cast<unsigned char>(c) < 128 : c != '\0' && std::string_view("[].@=/*-_$%+!|&^:~`#{}'<>?,").find(c) != std::string_view::npos; }

}  // namespace

const std::string& Sexpr::Word(size_t i) const {
  static const std::string none;
  return i < children.size() && !children[i].list ? children[i].atom : none;
}

bool SexprReader::Next(Sexpr* out, bool (*wanted)(std::string_view word)) {
  for (Skip(); wanted != nullptr && !error_ && at_ < text_.size() && text_[at_] == '('; Skip()) {
    const size_t end = std::min(text_.size(), text_.find_first_of(" ()\n\t\r", at_ + 1));
    if (wanted(text_.substr(at_ + 1, end - at_ - 1))) break;
    PassOver();
  }
  if (error_ || at_ >= text_.size()) return false;
  if (text_[at_] == ')') Mistake(at_, "`)` without `(`");
  if (text_[at_] != '(' && text_[at_] != ')') Mistake(at_, "a statement begins with `(`");
  if (!error_) Read(out, 0);
  return !error_.has_value();
}

void SexprReader::Mistake(size_t at, std::string text) {
  if (!error_) error_ = SexprError{line_, static_cast<unsigned>(at - line_start_) + 1, at, std::move(text)};
}

void SexprReader::Skip() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    } else if (c == ';') {
      at_ = std::min(text_.size(), text_.find('\n', at_)) - 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}

void SexprReader::PassOver() {
  const SexprError open{line_, static_cast<unsigned>(at_ - line_start_) + 1, at_, "`(` is not closed"};
  int depth = 0;
  for (Skip(); at_ < text_.size(); Skip()) {
    const char c = text_[at_];
    if (c == '"') {
      Sexpr quoted;
      ReadAtom(&quoted);
      if (error_) return;
      continue;
    }
    ++at_;
    depth += c == '(' ? 1 : c == ')' ? -1
                                     : 0;
    if (depth == 0) return;
  }
  error_ = open;
}

void SexprReader::Read(Sexpr* out, int depth) {
  *out = Sexpr();
  out->line = line_;
  out->column = static_cast<unsigned>(at_ - line_start_) + 1;
  out->offset = at_;
  if (text_[at_] != '(') return ReadAtom(out);
  if (depth >= kMaxDepth) return Mistake(at_, "lists are nested too deep");
  const SexprError open{out->line, out->column, at_, "`(` is not closed"};
  out->list = true;
  ++at_;
  for (Skip(); at_ < text_.size() && text_[at_] != ')'; Skip()) {
    Read(&out->children.emplace_back(), depth + 1);
    if (error_) return;
  }
  if (at_ >= text_.size()) {
    error_ = open;
    return;
  }
  ++at_;
}

void SexprReader::ReadAtom(Sexpr* out) {
  const size_t begin = at_;
  if (text_[at_] == '"') {
    const size_t end = text_.find_first_of(std::string_view("\"\n\0", 3), at_ + 1);
    if (end == std::string_view::npos || text_[end] != '"') return Mistake(at_, "`\"` is not closed on its line");
    out->quoted = true;
    out->atom = text_.substr(begin + 1, end - begin - 1);
    at_ = end + 1;
    return;
  }
  if (strict_) {
    while (at_ < text_.size() && IsSymbolByte(text_[at_])) ++at_;
    if (at_ == begin) return Mistake(at_, "a character that no symbol holds");
  } else {
    at_ = std::min(text_.size(), text_.find_first_of(" ()\n\t\r", at_));
  }
  out->atom = text_.substr(begin, at_ - begin);
}

}  // namespace ravelin::base
