// SELinux modules for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/selinux.h"
#include "compiler/base/source.h"
#include "tests/support/compiled.h"

namespace ravelin::testing {

inline std::string SelinuxSource(const std::string& lines) { return "language 1\npolicy web {\n  layers { seccomp + selinux }\n  default deny\n" + lines + "\n}\n"; }

inline ir::Policy PolicyOf(const std::string& text) {
  const auto front = ReadText(text);
  EXPECT_FALSE(front->sink.HasErrors()) << Messages(*front) << text;
  return front->policy;
}

// Its modules as CIL; nullopt where tests/fetch_refpolicy.sh has not put them.
inline std::optional<selinux::Host> DebiansReferencePolicy() {
  const std::string folder = RAVELIN_SOURCE_DIR "/build/deps/refpolicy/cil";
  if (!std::filesystem::is_directory(folder)) return std::nullopt;
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path().string());
  selinux::Host host;
  for (const std::string& file : files) host.policy.push_back({std::filesystem::path(file).filename().string(), source::ReadFile(file).value_or("")});
  return host;
}

// Compiles and expects the proof to hold.
inline selinux::Artifact ProvedModule(const std::string& text, const selinux::Options& options = {}) {
  auto artifact = selinux::Compile(PolicyOf(text), options);
  EXPECT_TRUE(artifact.has_value()) << artifact.error().message << "\n"
                                    << text;
  if (!artifact) return {};
  EXPECT_TRUE(artifact->proof.proved) << text;
  for (const auto& d : artifact->proof.differences) ADD_FAILURE() << d.text;
  for (const auto& i : artifact->proof.inconclusive) ADD_FAILURE() << i;
  return std::move(*artifact);
}

// "append open read": what the rules (not the base) grant, in alphabetical order.
inline std::string Granted(const selinux::Artifact& artifact, const std::string& source, const std::string& target, const std::string& object_class) {
  std::string text;
  const auto at = artifact.module.allows.find({source, target, object_class});
  if (at == artifact.module.allows.end()) return text;
  for (const auto& permission : at->second.permissions) text += (text.empty() ? "" : " ") + permission.first;
  return text;
}

// Of the first domain of `lines` on one of its own types.
inline std::string GrantedBy(const std::string& lines, const std::string& target, const std::string& object_class) { return Granted(ProvedModule(SelinuxSource(lines)), "web_t", target, object_class); }

// The part of the CIL that is the module's.
inline std::string RulesOf(const selinux::Artifact& artifact) { return artifact.cil.substr(artifact.cil.find("; SELinux policy")); }

// What the proof says of other text for the same policy; nullopt where libsepol refuses it.
inline std::optional<selinux::ProofResult> ProofOf(const ir::Policy& policy, const std::string& cil, const std::string& file_contexts, const selinux::TargetFacts& target = {}) {
  const auto compiled = selinux::CompileCil({{"module.cil", cil}});
  if (!compiled || !compiled->compiled) return std::nullopt;
  auto proof = selinux::Prove(policy, {cil.substr(cil.find("; SELinux policy")), compiled->binary, compiled->decompiled, file_contexts, compiled->file_contexts, {}, "", {}, {}, true}, target);
  if (!proof) return std::nullopt;
  return std::move(*proof);
}

}  // namespace ravelin::testing
