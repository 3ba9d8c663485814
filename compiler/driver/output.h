// What is written: single artifacts, bundles and their manifest, reports.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"

namespace ravelin::driver {

std::string Version();       // "0.1.0"
std::string VersionText();   // the answer to --version

// One domain's artifact in one form: "bpf", "oci", "c" or "listing".
Result<std::string> Emit(const ir::Domain& domain, const SeccompArtifact& artifact, const std::string& form);

// What was made of one policy file.
struct Built {
  std::vector<size_t> chosen;                // domains, by position in the file
  std::vector<SeccompArtifact> filters;      // one for each of them
  bool writes_filters = true;                // NAME.bpf and NAME.oci.json are wanted
  std::optional<apparmor::Artifact> profiles;
  std::optional<selinux::Artifact> module;
  selinux::Form module_form = selinux::Form::kStandalone;
};

// The bundle of a policy: file name -> content.  NAME.bpf, NAME.oci.json, NAME.apparmor (all profiles), NAME.cil and NAME.fc (one module),
// manifest.json, INSTALL.md, and NAME.DOMAIN.* for further domains.
std::map<std::string, std::string> Bundle(const std::string& name, const Frontend& front, const Built& built);

// Writes a bundle into a temporary folder beside `folder` and renames: a reader sees all of it or the old one.
Result<void> WriteBundle(const std::string& folder, const std::map<std::string, std::string>& files);

// One paragraph for people: what was proved, what is not known.
std::string Summary(const apparmor::Artifact& profiles, const Frontend& front);
std::string Summary(const selinux::Artifact& module, selinux::Form form);
std::string Summary(const ir::Domain& domain, const SeccompArtifact& artifact);

}  // namespace ravelin::driver
