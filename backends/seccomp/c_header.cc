#include "backends/seccomp/c_header.h"

#include <fmt/format.h>

#include <cctype>

namespace ravelin::seccomp {

std::string FormatCHeader(const Program& program, const std::string& name) {
  std::string id;
  for (const char c : name) id += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (id.empty() || std::isdigit(static_cast<unsigned char>(id.front())) != 0) id = "p_" + id;
  std::string out = fmt::format("/* Seccomp filter of policy {}, made by ravelin.  Install with no_new_privs set. */\n#pragma once\n#include <linux/filter.h>\n\nstatic const struct sock_filter {}_filter[] = {{\n", name, id);
  for (const Instruction& i : program) out += fmt::format("  {{{:#06x}, {}, {}, {:#010x}}},\n", i.code, i.jt, i.jf, i.k);
  out += fmt::format("}};\nstatic const unsigned short {}_filter_length = {};\n", id, program.size());
  return out;
}

}  // namespace ravelin::seccomp
