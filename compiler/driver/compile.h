// IR to proven artifacts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/apparmor/apparmor.h"
#include "backends/seccomp/codegen.h"
#include "backends/seccomp/filter_spec.h"
#include "backends/seccomp/prove/prove.h"
#include "backends/selinux/selinux.h"
#include "compiler/base/diag.h"
#include "compiler/driver/analyze.h"
#include "compiler/ir/policy.h"
#include "compiler/resolve/target.h"

namespace ravelin::driver {

struct CompileOptions {
  std::map<std::string, double> frequencies;
  bool optimize = true;
  bool second_proof = false;  // also with Z3
  bool oci = false;           // also the runtime profile, read back and proved
  combine::LayerFacts facts;  // of the target
  GapsAre gaps = GapsAre::kOfSeccompAlone;
  const selinux::Module* module = nullptr;  // what SELinux is told, where a layer set names it
};

// How the runtime profile came out on one architecture through the installed libseccomp.
struct LibseccompCheck {
  kernel::Arch arch;
  std::string result;  // "proved", "inconclusive: ...", "differs: ..."
};

struct SeccompArtifact {
  seccomp::FilterSpec spec;
  seccomp::Generated filter;
  seccomp::ProofResult proof;
  std::optional<seccomp::ProofResult> second_proof;
  std::string oci;  // the profile's text; empty when not asked for or not expressible
  std::vector<LibseccompCheck> libseccomp;
  Analysis analysis;
  bool big_endian = false;
};

// Lowers, analyses, generates and proves one domain.  nullopt after an error in the sink: no artifact may be written.
std::optional<SeccompArtifact> CompileSeccomp(const ir::Policy& policy, const ir::Domain& domain, const CompileOptions& options, diag::Sink& sink);

// All profiles of the policy, compiled and proved.  Fails where apparmor_parser is missing or rejects them; nullopt after an
// error in the sink.
struct Frontend;
Result<std::optional<apparmor::Artifact>> CompileApparmor(const Frontend& front, diag::Sink& sink);

// The module of all policies of the file, compiled by libsepol and proved.  Fails where libsepol does; nullopt after an error in the sink.
// `host`: of the module form, the policy that it is to stand beside; what cannot stand there is an error in the sink.
Result<std::optional<selinux::Artifact>> CompileSelinux(const Frontend& front, selinux::Form form, const selinux::Host* host, diag::Sink& sink);
// Modules (*.cil) and file_contexts, by name or in folders.
Result<selinux::Host> ReadSelinuxHost(const std::vector<std::string>& paths);
// What the module will say; nullopt where no layer set names SELinux, or after an error in the sink.
std::optional<selinux::Module> LowerSelinux(const Frontend& front, selinux::Form form, diag::Sink& sink);
selinux::TargetFacts SelinuxFactsOf(const resolve::Target& target);

// "socket(AF_ALG, 0, 0)" on x86_64 for an event's registers.
std::string ShowEvent(const ir::Event& event);

}  // namespace ravelin::driver
