#include "compiler/driver/compile.h"

#include <fmt/format.h>

#include "backends/seccomp/lower.h"
#include "backends/seccomp/oci/oci.h"
#include "compiler/driver/permitted.h"

namespace ravelin::driver {
namespace {

const kernel::Arch* ArchOf(uint32_t audit_arch) {
  for (const kernel::Arch& arch : kernel::kFilterArches) {
    if (kernel::AuditArch(arch) == audit_arch) return &arch;
  }
  return nullptr;
}

std::string DescribeCounterexample(const seccomp::Counterexample& c) {
  const auto actual = ir::FromSeccompReturn(c.actual);
  return fmt::format("{}: the policy says {}, the artifact {}", ShowEvent(c.event), FormatAction(c.expected), actual ? FormatAction(*actual) : fmt::format("{:#x}", c.actual));
}

// True when proved; reports otherwise.
bool Report(const seccomp::ProofResult& proof, const char* artifact, const ir::Domain& domain, diag::Sink& sink) {
  if (proof.proved) return true;
  sink.Report(diag::Kind::kProofFailed, domain.from.span, fmt::format("the {} of policy `{}` is not proved: {}", artifact, domain.name, proof.counterexample ? DescribeCounterexample(*proof.counterexample) : proof.why_not))
      .Help("nothing was written; this is a defect of the compiler, please report it with the policy");
  return false;
}

// The profile, its own decisions, and what the installed libseccomp makes of it.
bool MakeProfile(const ir::Domain& domain, SeccompArtifact& artifact, diag::Sink& sink) {
  auto text = seccomp::WriteOciProfile(domain);
  if (!text) {
    sink.Report(diag::Kind::kOciNotExpressible, domain.from.span, text.error().message).Help("the raw filter is available: `--emit bpf`");
    return false;
  }
  const auto profile = seccomp::ReadOciProfile(*text);
  if (!profile) {
    sink.Report(diag::Kind::kProofFailed, domain.from.span, fmt::format("the runtime profile of policy `{}` cannot be read back: {}", domain.name, profile.error().message));
    return false;
  }
  if (!Report(seccomp::ProveOciProfile(domain, *profile), "runtime profile", domain, sink)) return false;
  for (const kernel::Arch arch : domain.architectures) {
    auto program = seccomp::CompileWithLibseccomp(*profile, arch);
    if (!program) {
      artifact.libseccomp.push_back({arch, "inconclusive: " + program.error().message});
      continue;
    }
    seccomp::ProofScope scope;
    scope.exact_outside = false;
    scope.only_arch = arch;
    const auto proof = seccomp::Prove(domain, *program, kernel::IsBigEndian(arch), scope);
    if (proof.proved) {
      artifact.libseccomp.push_back({arch, "proved"});
      continue;
    }
    const std::string how = proof.counterexample ? DescribeCounterexample(*proof.counterexample) : proof.why_not;
    artifact.libseccomp.push_back({arch, (proof.counterexample ? "differs: " : "inconclusive: ") + how});
    if (!proof.counterexample) continue;
    sink.Report(diag::Kind::kOciMiscompiled, domain.from.span, fmt::format("libseccomp {} makes another filter of the runtime profile on {}: {}", seccomp::LibseccompVersion(), kernel::ArchName(arch), how))
        .Help("the raw filter is available: `--emit bpf`; a newer libseccomp may know the call");
    return false;
  }
  artifact.oci = std::move(*text);
  return true;
}

}  // namespace

std::string ShowEvent(const ir::Event& event) {
  const kernel::Arch* arch = ArchOf(event.audit_arch);
  if (arch == nullptr) return fmt::format("call {} of architecture {:#x}", event.number, event.audit_arch);
  const kernel::Syscall* call = kernel::FindSyscall(*arch, event.number);
  if (call != nullptr && !ir::IsX32Number(*arch, event.number)) return ShowCall(*arch, *call, event.args) + " on " + std::string(kernel::ArchName(*arch));
  return fmt::format("call {} on {}", event.number, kernel::ArchName(*arch));
}

std::optional<SeccompArtifact> CompileSeccomp(const ir::Policy& policy, const ir::Domain& domain, const CompileOptions& options, diag::Sink& sink) {
  SeccompArtifact artifact;
  const size_t errors = sink.ErrorCount();
  artifact.spec = seccomp::Lower(domain);
  artifact.analysis = Analyze(policy, domain, artifact.spec, options.facts, options.gaps, options.module, sink);
  artifact.big_endian = kernel::IsBigEndian(domain.architectures.front());
  auto filter = seccomp::Generate(artifact.spec, {options.frequencies, options.optimize});
  if (!filter) {
    sink.Report(diag::Kind::kFilterTooLarge, domain.from.span, filter.error().message);
    return std::nullopt;
  }
  artifact.filter = std::move(*filter);
  artifact.proof = seccomp::Prove(domain, artifact.filter.program, artifact.big_endian);
  if (!Report(artifact.proof, "filter", domain, sink)) return std::nullopt;
  if (options.second_proof) {
    artifact.second_proof = seccomp::ProveWithZ3(domain, artifact.filter.program, artifact.big_endian);
    if (artifact.second_proof->counterexample && !Report(*artifact.second_proof, "filter (Z3)", domain, sink)) return std::nullopt;
  }
  if (options.oci && !MakeProfile(domain, artifact, sink)) return std::nullopt;
  if (sink.ErrorCount() != errors) return std::nullopt;
  return artifact;
}

}  // namespace ravelin::driver
