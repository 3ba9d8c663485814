// RAVELIN_CHECK: the loud abort for our own bugs, in every build type.
#pragma once

namespace ravelin::base {
// Prints "internal error: <condition>: <message> (<file>:<line>)" to stderr and ends the process with status 70.
[[noreturn]] void CheckFailed(const char* condition, const char* message, const char* file, int line);
}  // namespace ravelin::base

#define RAVELIN_CHECK(condition, message) \
  ((condition) ? static_cast<void>(0)     \
               : ::ravelin::base::CheckFailed(#condition, message, __FILE__, __LINE__))
