// Facts that tie layers together: which calls use a capability, which names are links to others.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ravelin::kernel {

// Table: compiler/kernel/tables/capability_calls.tsv.  A capability without a row can be used by too many calls to be judged.
struct CapabilityUse {
  std::string capability;
  std::vector<std::string> calls;  // of any architecture
};
std::span<const CapabilityUse> CapabilityUses();

// Table: compiler/kernel/tables/path_aliases.tsv.
struct PathAlias {
  std::string name;     // "/bin", a symbolic link
  std::string pattern;  // "/usr/bin": what it is resolved to
};
std::span<const PathAlias> PathAliases();

}  // namespace ravelin::kernel
