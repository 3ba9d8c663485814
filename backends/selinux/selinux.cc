#include "backends/selinux/selinux.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/host.h"
#include "backends/selinux/lower.h"
#include "backends/selinux/names.h"
#include "compiler/base/check.h"

namespace ravelin::selinux {
namespace {

constexpr const char* kModuleFile = "module.cil";
constexpr const char* kProbe = "ravelin_probe_t";

// The compiler's messages, with the places of the source that the named lines come from.
std::string Explain(const std::vector<CilMessage>& messages, const std::vector<std::string>& line_sources) {
  std::string text;
  std::vector<std::string> sources;
  for (const CilMessage& message : messages) {
    text += (text.empty() ? "" : "; ") + message.text;
    for (const auto& [file, line] : message.places) {
      const auto index = static_cast<size_t>(line - 1);
      if (file != kModuleFile || index >= line_sources.size() || line_sources[index].empty()) continue;
      if (std::find(sources.begin(), sources.end(), line_sources[index]) == sources.end()) sources.push_back(line_sources[index]);
    }
  }
  return sources.empty() ? text : fmt::format("{}: libsepol: {}", fmt::join(sources, "; "), text);
}

// What stands beside the module when it is compiled: our own base, or the host's policy and the probe.
std::vector<CilFile> Around(const Module& module, const Options& options) {
  if (options.host != nullptr) {
    std::vector<CilFile> files = options.host->policy;
    files.push_back({"probe.cil", fmt::format("(type {0})\n(typeattributeset {1} ({0}))\n(roletype {2} {0})\n", kProbe, kDomains, kRole)});
    return files;
  }
  std::vector<CilFile> files = {{"base.cil", StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()})}};
  if (options.form == Form::kModule) files.push_back({"names.cil", NamedTypes(module)});
  return files;
}

}  // namespace

Result<Module> LowerFor(const ir::Policy& policy, const Options& options) {
  if (policy.domains.empty()) return Fail(ErrorCode::kMalformed, "there is no policy to compile");
  RAVELIN_CHECK(options.host == nullptr || options.form == Form::kModule, "a standalone policy has no host");
  const std::string name = options.name.empty() ? policy.domains.front().name : options.name;
  // Directories near the root are the host's, which other programs share.
  LowerOptions lower{name, options.form == Form::kStandalone ? 0 : 3, options.target, {}};
  if (options.host != nullptr) {
    for (const CilFile& file : options.host->policy) {
      for (HostPort& port : HostPorts(file.text)) lower.host_ports.push_back(std::move(port));
    }
  }
  return Lower(policy, lower);
}

Result<Artifact> Compile(const ir::Policy& policy, const Options& options) {
  RAVELIN_TRY(module, LowerFor(policy, options));
  const Emitted emitted = Emit(module, options.form);
  std::vector<CilFile> files = Around(module, options);
  const std::string base = options.form == Form::kStandalone ? files.front().text : "";
  files.push_back({kModuleFile, emitted.cil});
  RAVELIN_TRY(compiled, CompileCil(files, options.host != nullptr));
  if (!compiled.compiled) return Fail(ErrorCode::kMalformed, Explain(compiled.messages, emitted.line_sources));
  RAVELIN_TRY(proof, Prove(policy, {emitted.cil, compiled.binary, compiled.decompiled, emitted.file_contexts, compiled.file_contexts, options.host == nullptr ? "" : kProbe}, options.target));
  Artifact artifact;
  artifact.cil = base + emitted.cil;
  artifact.file_contexts = emitted.file_contexts;
  if (options.form == Form::kStandalone) artifact.binary = std::move(compiled.binary);
  artifact.host_grants = std::move(proof.host_grants);
  artifact.proof = std::move(proof);
  artifact.choices = module.choices;
  if (options.host != nullptr) {
    for (std::string& choice : ExplainPaths(module, compiled.file_contexts)) artifact.choices.push_back(std::move(choice));
  }
  for (const auto& [access, allowed] : module.base) {
    for (const auto& [permission, places] : allowed.permissions) {
      artifact.base_grants.push_back({fmt::format("(allow {} {} ({} ({})))", access.source, access.target, access.object_class, permission), *places.begin()});
    }
  }
  for (const auto& [facet, places] : module.wide) artifact.wide.push_back(fmt::format("{}: {}", facet, fmt::join(places, ", ")));
  for (const LabelDifference& d : module.differences) artifact.differences.push_back(fmt::format("{} creates {} as {}, and file_contexts say {}", d.domain, d.path, d.created, d.labelled));
  artifact.module = std::move(module);
  return artifact;
}

}  // namespace ravelin::selinux
