// Which lines of an emitted SELinux module grant what an attempt asks.
#pragma once

#include <string>
#include <vector>

#include "backends/selinux/selinux.h"
#include "compiler/driver/artifact_line.h"

namespace ravelin::driver {

// The standalone form, as `compile` writes it by default.
class ModuleLines {
 public:
  explicit ModuleLines(const selinux::Module& module);

  // The type of a path by the module's contexts, or the attribute of all that no rule speaks of.
  std::string TypeOf(const std::string& path) const;
  // Lines that grant the domain one of the permissions on objects of that type ("": of whatever type), in their order.
  std::vector<ArtifactLine> Granting(const ir::Domain& domain, const std::string& object_class, const std::vector<std::string>& permissions, const std::string& type) const;

 private:
  const selinux::Module& module_;
  selinux::Emitted emitted_;
  std::vector<std::string> lines_;  // of the module
  uint32_t before_ = 0;             // lines of the base
};

}  // namespace ravelin::driver
