// A module as text: CIL and file_contexts.
#pragma once

#include <string>
#include <vector>

#include "backends/selinux/module.h"

namespace ravelin::selinux {

enum class Form : uint8_t {
  kStandalone,  // with our own base (base/standalone.cil)
  kModule,      // beside a host's policy
  kContainer,   // the same, each domain a block that inherits `container` (base/container.cil)
};

// A line that grants.
struct AllowLine {
  size_t line = 0;  // 0 is the first
  Access access;
  std::vector<std::string> permissions;  // `ioctl` too where the line names commands
};

struct Emitted {
  std::string cil;
  std::string file_contexts;
  std::vector<AllowLine> allows;
  std::vector<std::string> line_sources;  // by line of the CIL (0 is the first): where it comes from, or ""
};

// Declarations of the types that rules name and a host has: what a module needs where there is no host.
std::string NamedTypes(const Module& module);

Emitted Emit(const Module& module, Form form);

}  // namespace ravelin::selinux
