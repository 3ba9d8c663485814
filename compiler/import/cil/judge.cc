#include "compiler/import/cil/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/names.h"
#include "backends/selinux/prove/compare.h"
#include "compiler/base/check.h"
#include "compiler/resolve/resolve.h"
#include "compiler/syntax/parse.h"

namespace ravelin::import::cil {
namespace {

using ravelin::selinux::CilFile;
using ravelin::selinux::Comparison;
using ravelin::selinux::Demand;
using ravelin::selinux::DemandKey;
using ravelin::selinux::TargetFacts;
using ravelin::selinux::World;

constexpr const char* kModule = "module.cil";

std::string StandIns(const Module& module) {
  std::string out = "(typeattribute cil_gen_require)\n(roleattribute cil_gen_require)\n";
  for (const auto& [name, attribute] : module.outside) out += fmt::format("(type {0})\n(typeattributeset {1} ({0}))\n", name, attribute);
  return out;
}

// The first place of the module that a message names, else its beginning.
source::Span PlaceOf(const ravelin::selinux::CilMessage& message, source::FileId file, std::string_view text) {
  for (const auto& [name, line] : message.places) {
    if (name != kModule) continue;
    size_t at = 0;
    for (int i = 1; i < line && at < text.size(); ++i) at = std::min(text.size(), text.find('\n', at) + 1);
    const size_t begin = std::min(text.size(), text.find_first_not_of(" \t", at));
    return {file, static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min(begin + 1, text.size()))};
  }
  return {file, 0, 0};
}

std::optional<ir::Policy> PolicyOf(const std::string& text, const resolve::Target& target) {
  source::SourceManager sources;
  diag::Sink sink;
  resolve::Program program;
  program.files.push_back(syntax::Parse(sources, sources.Add("candidate", text), sink));
  program.imports.emplace_back();
  if (sink.HasErrors()) return std::nullopt;
  ir::Policy policy = resolve::Build(resolve::Resolve(program, sources, target, sink), sources, sink);
  return sink.HasErrors() ? std::nullopt : std::optional(std::move(policy));
}

}  // namespace

std::optional<Judge> Judge::Of(source::FileId file, std::string_view text, const Module& module, diag::Sink& sink) {
  const auto malformed = [&](source::Span span, const std::string& what) {
    sink.Report(diag::Kind::kImportMalformed, span, what);
    return std::nullopt;
  };
  Judge judge;
  auto target = resolve::BuiltinTarget(resolve::kDefaultTarget);
  RAVELIN_CHECK(target.has_value(), "the default target is not built in");
  judge.target_ = std::move(*target);
  const auto& capabilities = TargetFacts().policy_capabilities;
  auto compiled = ravelin::selinux::CompileCil({{"base.cil", ravelin::selinux::StandaloneBase({capabilities.begin(), capabilities.end()})}, {"outside.cil", StandIns(module)}, {kModule, std::string(text)}});
  if (!compiled) return malformed({file, 0, 0}, compiled.error().message);
  if (!compiled->compiled) {
    const auto placed = std::find_if(compiled->messages.begin(), compiled->messages.end(), [](const auto& message) { return !message.places.empty(); });
    if (compiled->messages.empty()) return malformed({file, 0, 0}, "libsepol refuses it without a word");
    const auto& message = placed == compiled->messages.end() ? compiled->messages.front() : *placed;
    return malformed(PlaceOf(message, file, text), "libsepol: " + message.text);
  }
  auto decoded = ravelin::selinux::DecodePolicy(compiled->decompiled);
  if (!decoded) return malformed({file, 0, 0}, decoded.error().message);
  auto contexts = ravelin::selinux::DecodeContexts(compiled->file_contexts);
  if (!contexts) return malformed({file, 0, 0}, contexts.error().message);
  judge.compiled_ = std::move(*compiled);
  judge.decoded_ = std::move(*decoded);
  judge.contexts_ = std::move(*contexts);
  judge.file_contexts_ = judge.compiled_.file_contexts;
  judge.FindGranted(module.types);
  return judge;
}

std::set<std::string> Judge::MembersOf(const std::string& name) const {
  const auto at = decoded_.attributes.find(name);
  return at == decoded_.attributes.end() ? std::set<std::string>{name} : at->second;
}

// Of the module's own types, as subjects.
void Judge::FindGranted(const std::set<std::string>& sources) {
  auto query = ravelin::selinux::PolicyQuery::Load(compiled_.binary);
  RAVELIN_CHECK(query.has_value(), "a policy that libsepol wrote cannot be loaded");
  const auto context = [&](const std::string& type) {
    const auto as = [&](const char* role) { return query->Context(fmt::format("{}:{}:{}:s0", ravelin::selinux::kUser, role, type)); };
    const auto process = as(ravelin::selinux::kRole);
    return process ? process : as(ravelin::selinux::kObjectRole);
  };
  for (const std::string& source : sources) {
    const auto source_id = context(source);
    if (!source_id) continue;
    for (const std::string& type : decoded_.types) {
      const auto type_id = context(type);
      if (!type_id) continue;
      for (const auto& [name, permissions] : decoded_.classes) {
        const auto id = query->Class(name);
        const unsigned allowed = id ? query->Allowed(*source_id, *type_id, *id) : 0;
        for (const std::string& permission : permissions) {
          if ((allowed & query->Permission(*id, permission).value_or(0)) != 0) granted_.insert({source, type, name, permission});
        }
      }
    }
  }
}

namespace {

// What `demand` asks of the artifact's types.
CheckSet Expand(const std::map<DemandKey, std::map<std::string, std::string>>& checks, bool of_base, const Comparison& comparison) {
  CheckSet out;
  for (const auto& [key, permissions] : checks) {
    for (const std::string& type : comparison.TypesOf(key.target)) {
      for (const auto& [permission, event] : permissions) {
        if ((event.rfind("the base: ", 0) == 0) == of_base) out.insert({key.source, type, key.object_class, permission});
      }
    }
  }
  return out;
}

}  // namespace

std::map<std::vector<std::string>, std::string> Judge::Cells(const std::string& text) const {
  std::map<std::vector<std::string>, std::string> cells;
  const auto policy = PolicyOf(text, target_);
  if (!policy) return cells;
  const auto world = World::Build(*policy, contexts_, {});
  if (!world) return cells;
  for (const auto& kind : world->kinds) {
    std::vector<std::string> patterns;
    for (const uint32_t p : kind.patterns) patterns.push_back(world->patterns[p]);
    const auto [at, fresh] = cells.emplace(std::move(patterns), kind.type);
    if (!fresh && at->second != kind.type) at->second.clear();
  }
  return cells;
}

std::optional<CheckSet> Judge::AskedBy(const std::string& text, By by) const {
  const auto policy = PolicyOf(text, target_);
  if (!policy) return std::nullopt;
  const auto world = World::Build(*policy, contexts_, {});
  if (!world) return std::nullopt;
  const auto demand = ravelin::selinux::DemandOf(*policy, *world, decoded_.ports, TargetFacts());
  if (!demand) return std::nullopt;
  const ravelin::selinux::DecodedModule own;
  const std::string probe;
  const std::set<std::string> reused;
  const std::map<std::string, std::string> called;
  const TargetFacts facts;
  ravelin::selinux::ProofResult result;
  return Expand(by == By::kNevers ? demand->nevers : demand->checks, by == By::kBase, {*policy, *world, *demand, decoded_, own, probe, reused, called, facts, result});
}

Result<ravelin::selinux::ProofResult> Judge::Prove(const std::string& text, std::string_view module) const {
  const auto policy = PolicyOf(text, target_);
  RAVELIN_CHECK(policy.has_value(), "the imported policy is none");
  return ravelin::selinux::Prove(*policy, {std::string(module), compiled_.binary, compiled_.decompiled, file_contexts_, file_contexts_}, TargetFacts());
}

}  // namespace ravelin::import::cil
