// Result<T>: how a function reports that the world failed (a file, the kernel, a tool).
//
// A user's mistake is a diagnostic (compiler/base/diag.h), our own bug is RAVELIN_CHECK; only the rest is a Result.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace ravelin {

enum class ErrorCode { kNotFound, kPermission, kIo, kTooLarge, kMalformed, kUnsupported, kEnvironment };

struct Error {
  ErrorCode code = ErrorCode::kIo;
  std::string message;  // one line, no full stop, names the thing that failed

  // The same error, said of a larger undertaking: "<what>: <message>".
  Error In(const std::string& what) && { return {code, what + ": " + message}; }
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::make_unexpected(Error{code, std::move(message)});
}

}  // namespace ravelin

// Evaluates `expr` (a Result); returns its error from the enclosing function, else declares `name` as its value.
#define RAVELIN_TRY(name, expr)                                             \
  auto name##_result = (expr);                                              \
  if (!name##_result) return tl::make_unexpected(std::move(name##_result.error())); \
  auto& name = *name##_result  // NOLINT(bugprone-macro-parentheses): a name that is declared
