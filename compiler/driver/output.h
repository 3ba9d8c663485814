// What is written: single artifacts, bundles and their manifest, reports.
#pragma once

#include <map>
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

// The bundle of a policy: file name -> content.  NAME.bpf, NAME.oci.json, NAME.apparmor (all profiles), manifest.json, INSTALL.md, and NAME.DOMAIN.*
// for further domains.
// `filters`: NAME.bpf and NAME.oci.json are wanted; `chosen[i]` is the domain that `artifacts[i]` was made of.
std::map<std::string, std::string> Bundle(const std::string& name, const Frontend& front, const std::vector<size_t>& chosen, const std::vector<SeccompArtifact>& artifacts, bool filters, const std::optional<apparmor::Artifact>& profiles);

// Writes a bundle into a temporary folder beside `folder` and renames: a reader sees all of it or the old one.
Result<void> WriteBundle(const std::string& folder, const std::map<std::string, std::string>& files);

// One paragraph for people: what was proved, what is not known.
std::string Summary(const apparmor::Artifact& profiles, const Frontend& front);
std::string Summary(const ir::Domain& domain, const SeccompArtifact& artifact);

}  // namespace ravelin::driver
