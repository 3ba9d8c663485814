// S-expressions as CIL writes them: symbols, strings in quotes, lists, comments behind `;`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::base {

struct Sexpr {
  std::string atom;  // of what is no list
  bool list = false;
  bool quoted = false;
  unsigned line = 0;
  unsigned column = 0;  // of its first byte, from 1
  size_t offset = 0;
  std::vector<Sexpr> children;

  // The i-th child where it is a symbol or a string; "" otherwise.
  const std::string& Word(size_t i) const;
};

struct SexprError {
  unsigned line = 0;
  unsigned column = 0;
  size_t offset = 0;
  std::string text;
};

// One list of the outermost level at a time: a policy has hundreds of thousands.
class SexprReader {
 public:
  static constexpr int kMaxDepth = 200;
  // `symbols_as_in_cil`: a symbol holds only the characters that CIL's do; otherwise all but spaces and brackets, as decompilers print them.
  explicit SexprReader(std::string_view text, bool symbols_as_in_cil = false) : text_(text), strict_(symbols_as_in_cil) {}

  // False at the end and after a mistake.  Lists that begin with another word than `wanted` likes are passed over.
  bool Next(Sexpr* out, bool (*wanted)(std::string_view word) = nullptr);
  const std::optional<SexprError>& error() const { return error_; }

 private:
  void Skip();
  void PassOver();
  void Read(Sexpr* out, int depth);
  void ReadAtom(Sexpr* out);
  void Mistake(size_t at, std::string text);

  std::string_view text_;
  const bool strict_;
  size_t at_ = 0;
  unsigned line_ = 1;
  size_t line_start_ = 0;
  std::optional<SexprError> error_;
};

}  // namespace ravelin::base
