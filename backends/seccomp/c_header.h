// A filter as a C header.
#pragma once

#include <string>

#include "backends/seccomp/program.h"

namespace ravelin::seccomp {

// `static const struct sock_filter NAME_filter[]` and its length; letters that C lacks become `_`.
std::string FormatCHeader(const Program& program, const std::string& name);

}  // namespace ravelin::seccomp
