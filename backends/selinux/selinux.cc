#include "backends/selinux/selinux.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/lower.h"

namespace ravelin::selinux {
namespace {

constexpr const char* kModuleFile = "module.cil";

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

}  // namespace

Result<Module> LowerFor(const ir::Policy& policy, const Options& options) {
  if (policy.domains.empty()) return Fail(ErrorCode::kMalformed, "there is no policy to compile");
  const std::string name = options.name.empty() ? policy.domains.front().name : options.name;
  // Directories near the root are the host's, which other programs share.
  return Lower(policy, {name, options.form == Form::kStandalone ? 0 : 3, options.target});
}

Result<Artifact> Compile(const ir::Policy& policy, const Options& options) {
  RAVELIN_TRY(module, LowerFor(policy, options));
  const Emitted emitted = Emit(module, options.form);
  const std::string base = StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()});
  RAVELIN_TRY(compiled, CompileCil({{"base.cil", base}, {kModuleFile, emitted.cil}}));
  if (!compiled.compiled) return Fail(ErrorCode::kMalformed, Explain(compiled.messages, emitted.line_sources));
  RAVELIN_TRY(proof, Prove(policy, {compiled.binary, compiled.decompiled, emitted.file_contexts, compiled.file_contexts}, options.target));
  Artifact artifact;
  artifact.cil = (options.form == Form::kStandalone ? base : "") + emitted.cil;
  artifact.file_contexts = emitted.file_contexts;
  if (options.form == Form::kStandalone) artifact.binary = std::move(compiled.binary);
  artifact.proof = std::move(proof);
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
