#include "tests/support/profiles.h"

#include <fmt/format.h>

#include <stdexcept>

#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/compiled.h"

namespace ravelin::testing {
namespace {

struct Made {
  std::unique_ptr<driver::Frontend> front;
  apparmor::Artifact artifact;
};

Made Make(const std::string& text) {
  Made made{ReadText(text), {}};
  if (made.front->sink.HasErrors()) throw std::runtime_error(Messages(*made.front));
  auto artifact = apparmor::Compile(made.front->policy, {"6.1"}, {"test"});
  if (!artifact) throw std::runtime_error(artifact.error().message);
  made.artifact = std::move(*artifact);
  return made;
}

}  // namespace

apparmor::Artifact CompileProfiles(const std::string& text) { return Make(text).artifact; }

std::string WhyNotProved(const std::string& text) {
  const apparmor::Artifact artifact = CompileProfiles(text);
  if (artifact.profiles.empty()) return "no profile";
  std::string out;
  for (const apparmor::ProfileResult& profile : artifact.profiles) {
    for (const apparmor::Problem& problem : profile.problems) out += fmt::format("{}: {}\n", profile.name, problem.message);
    if (!profile.proved) out += fmt::format("{}: not proved: {}\n{}", profile.name, profile.why_not, artifact.text);
  }
  return out;
}

std::string ProofAfter(const std::string& text, size_t domain, const std::string& old_text, const std::string& new_text) {
  const Made made = Make(text);
  for (const apparmor::Problem& problem : made.artifact.profiles[domain].problems) return "problem: " + problem.message;
  std::string emitted = made.artifact.text;
  const size_t at = emitted.find(old_text);
  if (at == std::string::npos) return "no such text in " + emitted;
  emitted.replace(at, old_text.size(), new_text);
  const auto verdict = apparmor::RunParser(emitted, kernel::ApparmorFeaturesText("6.1"));
  if (!verdict || !verdict->accepted) return "not accepted: " + (verdict ? verdict->message : verdict.error().message);
  const auto compiled = apparmor::ReadCompiled(verdict->binary);
  if (!compiled) return compiled.error().message;
  const ir::Domain& wanted = made.front->policy.domains[domain];
  for (const apparmor::CompiledProfile& profile : *compiled) {
    if (profile.name != ir::QualifiedName(wanted)) continue;
    const auto proof = apparmor::Prove(made.front->policy, wanted, profile, "6.1");
    return !proof ? proof.error().message : proof->proved ? "proved"
                                                          : proof->difference;
  }
  return "no profile of that name";
}

}  // namespace ravelin::testing
