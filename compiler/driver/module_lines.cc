#include "compiler/driver/module_lines.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/names.h"
#include "compiler/ir/path_set.h"

namespace ravelin::driver {

ModuleLines::ModuleLines(const selinux::Module& module) : module_(module), emitted_(selinux::Emit(module, selinux::Form::kStandalone)) {
  const std::string base = selinux::StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()});
  before_ = static_cast<uint32_t>(std::count(base.begin(), base.end(), '\n'));
  std::istringstream in(emitted_.cil);
  for (std::string line; std::getline(in, line);) lines_.push_back(line.substr(0, line.find("  ; ")));
}

std::string ModuleLines::TypeOf(const std::string& path) const {
  std::set<std::string> matching;  // of all patterns, those that match
  std::set<std::string> seen;
  for (const selinux::PathType& type : module_.paths) {
    for (const std::string& pattern : type.patterns) {
      if (!seen.insert(pattern).second) continue;
      const auto set = ir::PathSet::Parse(pattern);
      if (set && set->Contains(path)) matching.insert(pattern);
    }
  }
  for (const selinux::PathType& type : module_.paths) {
    if (std::set<std::string>(type.patterns.begin(), type.patterns.end()) == matching) return type.type;
  }
  return selinux::RestFiles(module_.name);
}

std::vector<ArtifactLine> ModuleLines::Granting(const ir::Domain& domain, const std::string& object_class, const std::vector<std::string>& permissions, const std::string& type) const {
  std::vector<ArtifactLine> out;
  const std::string source = selinux::DomainType(domain.name);
  for (const selinux::AllowLine& allow : emitted_.allows) {
    if (allow.access.source != source || allow.access.object_class != object_class || (!type.empty() && allow.access.target != type)) continue;
    const bool grants = std::any_of(permissions.begin(), permissions.end(), [&](const std::string& one) { return std::find(allow.permissions.begin(), allow.permissions.end(), one) != allow.permissions.end(); });
    if (grants) out.push_back({before_ + static_cast<uint32_t>(allow.line) + 1, lines_[allow.line], emitted_.line_sources[allow.line], false});
  }
  return out;
}

}  // namespace ravelin::driver
