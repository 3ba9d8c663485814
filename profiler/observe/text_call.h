// Calls as tracers print them: name(argument, argument) = result.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/observe/calls.h"

namespace ravelin::observe {

struct TextCall {
  std::string name;
  std::vector<std::string> args;  // cut at the commas of the outermost level
  std::string result;             // behind the `=`
};
// Nothing where the line is no whole call.
std::optional<TextCall> ParseTextCall(std::string_view text);

// "O_RDONLY|O_CLOEXEC", "0x1f", "SIGCHLD": nothing where a part is no constant of this architecture.
std::optional<uint64_t> ValueOf(kernel::Arch arch, std::string_view text);
// "\"a\\x62\"" and "\"...\"...": the string, without what C needs; `whole` is false where the tracer cut it.
std::optional<std::string> StringOf(std::string_view text, bool* whole = nullptr);
// The text between two marks; "" where one is missing.
std::string Between(std::string_view text, std::string_view before, std::string_view after);

}  // namespace ravelin::observe
