#include "backends/selinux/selinux.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/booleans.h"
#include "backends/selinux/host.h"
#include "backends/selinux/lower.h"
#include "backends/selinux/names.h"
#include "compiler/base/check.h"
#include "compiler/ir/booleans.h"

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

// What stands beside the module: its own base, or the host's policy, as far as it is not the module that this one replaces.
struct Beside {
  std::vector<CilFile> policy;
  HostFacts facts;
};

Result<Beside> BesideOf(const Host& host, const std::string& module) {
  Host others = host;
  std::erase_if(others.policy, [&](const CilFile& file) { return file.name == module + ".cil"; });
  Beside out;
  RAVELIN_TRY(facts, ReadHost(others));
  out.policy = PolicyOfHost(others, facts);
  out.facts = std::move(facts);
  return out;
}

std::vector<CilFile> Around(const Module& module, const Options& options, const Beside& beside) {
  std::vector<CilFile> files;
  const bool whole = options.host != nullptr && !options.host->policy.empty();
  if (!whole) files.push_back({"base.cil", StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()})});
  if (!whole && options.form != Form::kStandalone) files.push_back({"names.cil", NamedTypes(module)});
  if (options.form == Form::kContainer) files.push_back({"container.cil", ContainerBase()});
  files.insert(files.end(), beside.policy.begin(), beside.policy.end());
  if (options.host != nullptr) files.push_back({"probe.cil", fmt::format("(type {0})\n(typeattributeset {1} ({0}))\n(roletype {2} {0})\n", kProbe, kDomains, kRole)});
  return files;
}

TargetFacts TargetOf(const Options& options) {
  TargetFacts target = options.target;
  target.container = options.form == Form::kContainer;
  return target;
}

std::string NameOf(const ir::Policy& policy, const Options& options) { return options.name.empty() ? policy.domains.front().name : options.name; }

Result<Module> LowerBeside(const ir::Policy& policy, const Options& options, const HostFacts* host) {
  // Directories near the root are the host's, which other programs share.
  const LowerOptions how = {NameOf(policy, options), options.form == Form::kStandalone ? 0 : 3, TargetOf(options), host};
  const auto lower = [&](const ir::Policy& one) { return Lower(one, how); };
  const std::set<std::string> booleans = ir::BooleansOf(policy);
  return booleans.empty() ? lower(policy) : LowerBooleans(policy, booleans, lower);
}

// All file_contexts in the order in which they would be installed.
std::string Installed(const CilPolicy& compiled, const Host* host) {
  std::string out = compiled.file_contexts;
  if (host == nullptr || host->policy.empty()) return out;
  const auto local = ReadContexts(host->file_contexts);
  const auto known = ReadContexts(out);
  if (!local || !known) return out;
  std::set<std::string> lines;
  for (const HostContext& context : *known) lines.insert(FormatContext(context));
  for (const HostContext& context : *local) {
    if (lines.insert(FormatContext(context)).second) out += FormatContext(context);
  }
  return out;
}

// Where an entry of the host's wins against the module's, that is no defect but a conflict.
std::vector<Conflict> LabelConflicts(const ir::Policy& policy, const ProofResult& proof) {
  std::vector<Conflict> conflicts;
  for (const Difference& difference : proof.differences) {
    if (difference.patterns.empty()) continue;
    Conflict conflict{Conflict::Kind::kLabel, 0, std::nullopt, difference.text, "name the path in a rule of its own, or grant what is needed on `label(...)`"};
    PlaceConflict(policy, difference.patterns, conflict);
    conflicts.push_back(std::move(conflict));
  }
  return conflicts;
}

}  // namespace

Result<Module> LowerFor(const ir::Policy& policy, const Options& options) {
  if (policy.domains.empty()) return Fail(ErrorCode::kMalformed, "there is no policy to compile");
  RAVELIN_CHECK(options.host == nullptr || options.form == Form::kModule, "only a module stands beside a host's policy");
  if (options.host == nullptr) return LowerBeside(policy, options, nullptr);
  RAVELIN_TRY(beside, BesideOf(*options.host, NameOf(policy, options)));
  return LowerBeside(policy, options, &beside.facts);
}

Result<Artifact> Compile(const ir::Policy& policy, const Options& options) {
  if (policy.domains.empty()) return Fail(ErrorCode::kMalformed, "there is no policy to compile");
  RAVELIN_CHECK(options.host == nullptr || options.form == Form::kModule, "only a module stands beside a host's policy");
  Beside beside;
  if (options.host != nullptr) {
    RAVELIN_TRY(known, BesideOf(*options.host, NameOf(policy, options)));
    beside = std::move(known);
  }
  RAVELIN_TRY(module, LowerBeside(policy, options, options.host == nullptr ? nullptr : &beside.facts));
  Artifact artifact;
  if (!module.conflicts.empty()) {
    artifact.module = std::move(module);
    return artifact;
  }
  const Emitted emitted = Emit(module, options.form);
  std::vector<CilFile> files = Around(module, options, beside);
  const std::string base = options.form == Form::kStandalone ? files.front().text : "";
  files.push_back({kModuleFile, emitted.cil});
  std::set<std::string> reused;
  for (const PathType& path : module.paths) {
    if (path.host) reused.insert(path.type);
  }
  std::map<std::string, std::string> called;
  for (const DomainTypes& domain : module.domains) {
    if (options.form == Form::kContainer) called[ContainerType(domain.name)] = domain.type;
  }
  const std::set<std::string> booleans = ir::BooleansOf(policy);
  CilPolicy compiled;  // with every boolean off, as it is written
  ProofResult proof;
  for (const std::set<std::string>& on : StatesOf(booleans)) {
    files.back().text = InState(emitted.cil, booleans, on);
    RAVELIN_TRY(made, CompileCil(files, options.host != nullptr, options.target.policy_version));
    if (!made.compiled) return Fail(ErrorCode::kMalformed, Explain(made.messages, emitted.line_sources));
    RAVELIN_TRY(here, Prove(ir::WithBooleans(policy, on), {emitted.cil, made.binary, made.decompiled, emitted.file_contexts, Installed(made, options.host), reused, options.host == nullptr ? "" : kProbe, called, booleans, options.form == Form::kStandalone}, TargetOf(options)));
    if (on.empty()) {
      compiled = std::move(made);
      proof = std::move(here);
    } else {
      proof.quadruples += here.quadruples;
      proof.proved = proof.proved && here.proved;
      for (Difference& difference : here.differences) difference.text += fmt::format(" (while {} on)", fmt::join(on, ", "));
      proof.differences.insert(proof.differences.end(), here.differences.begin(), here.differences.end());
      proof.inconclusive.insert(proof.inconclusive.end(), here.inconclusive.begin(), here.inconclusive.end());
    }
  }
  if (auto conflicts = LabelConflicts(policy, proof); !conflicts.empty()) {
    module.conflicts = std::move(conflicts);
    artifact.module = std::move(module);
    return artifact;
  }
  artifact.cil = base + emitted.cil;
  artifact.file_contexts = emitted.file_contexts;
  if (options.form == Form::kStandalone) artifact.binary = std::move(compiled.binary);
  artifact.host_grants = std::move(proof.host_grants);
  artifact.proof = std::move(proof);
  artifact.choices = module.choices;
  for (const auto& [access, allowed] : module.base) {
    for (const auto& [permission, places] : allowed.permissions) {
      artifact.base_grants.push_back({fmt::format("(allow {} {} ({} ({})))", access.source, access.target, access.object_class, permission), *places.begin()});
    }
  }
  if (options.form == Form::kContainer) {
    for (const DomainTypes& domain : module.domains) {
      for (const BaseGrant& grant : ContainerGrants()) {
        artifact.base_grants.push_back({fmt::format("(allow {} {} ({} ({})))", ContainerType(domain.name), grant.target == "socket" ? domain.name + ".socket" : grant.target, grant.object_class, fmt::join(grant.permissions, " ")), "base: " + grant.reason});
      }
    }
  }
  for (const auto& [facet, places] : module.wide) artifact.wide.push_back(fmt::format("{}: {}", facet, fmt::join(places, ", ")));
  for (const LabelDifference& d : module.differences) artifact.differences.push_back(DifferenceText(d));
  artifact.module = std::move(module);
  return artifact;
}

}  // namespace ravelin::selinux
