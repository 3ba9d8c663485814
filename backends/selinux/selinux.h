// SELinux: from a policy to a proven module.
#pragma once

#include <string>
#include <vector>

#include "backends/selinux/emit.h"
#include "backends/selinux/host.h"
#include "backends/selinux/module.h"
#include "backends/selinux/prove/prove.h"
#include "backends/selinux/sepol/sepol.h"
#include "backends/selinux/target.h"

namespace ravelin::selinux {

struct Options {
  Form form = Form::kStandalone;
  std::string name;  // of the module; "": the first policy's
  TargetFacts target;
  const Host* host = nullptr;  // of the module form: proved beside this policy; nullptr: beside our own base
};

// A grant beyond the rules, with its reason: printed with every artifact.
struct Grant {
  std::string text;  // (allow ...)
  std::string reason;
};

// Where module.conflicts is not empty nothing else is here.
struct Artifact {
  Module module;
  std::string cil;  // of the module; a standalone one begins with the base
  std::string file_contexts;
  std::string binary;  // what a kernel loads; of the standalone form only
  ProofResult proof;
  std::vector<Grant> base_grants;
  std::vector<std::string> wide;         // facets that are permitted where no rule refuses them
  std::vector<std::string> host_grants;  // of the module form beside a host: what the host grants to every domain, beyond the rules
  std::vector<std::string> choices;      // of types of paths and ports: which are the host's, which are new, and why
  std::vector<std::string> differences;  // new objects whose label is not that of their path
};

// What the module of that form will say, its conflicts with the host included; kUnsupported names what cannot be expressed.
Result<Module> LowerFor(const ir::Policy& policy, const Options& options);
// kMalformed: libsepol refused the module; the message names the places of the source (a `never` that does not hold, say).
Result<Artifact> Compile(const ir::Policy& policy, const Options& options);

}  // namespace ravelin::selinux
