#include "compiler/driver/output.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "backends/seccomp/c_header.h"
#include "backends/seccomp/oci/oci.h"
#include "compiler/base/sha256.h"
#include "compiler/base/source.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kManifestFormat = 1;

// The first domain has the bundle's name; the others add their own.
std::string Stem(const std::string& name, const Frontend& front, const std::vector<size_t>& chosen, size_t i) {
  return i == 0 ? name : name + "." + front.policy.domains[chosen[i]].name;
}

Json DescribeProof(const seccomp::ProofResult& proof, const char* method) {
  return {{"method", method}, {"result", proof.proved ? "proved" : "inconclusive"}, {"detail", proof.proved ? fmt::format("{} diagram nodes", proof.nodes) : proof.why_not}};
}

Json DescribeNever(const ir::Domain& domain, const NeverResult& never) {
  const char* words[] = {"proved", "violated", "inconclusive"};
  Json out = {{"rule", domain.rules[never.rule].from.place}, {"result", words[static_cast<int>(never.verdict)]}};
  if (!never.why.empty()) out["why"] = never.why;
  return out;
}

Json DescribeDomain(const std::string& stem, const ir::Domain& domain, const SeccompArtifact& artifact, const std::map<std::string, std::string>& files) {
  Json out = {{"name", domain.name}, {"attach", domain.attach}, {"reference_kernel", kernel::FormatVersion(domain.reference_kernel)}};
  Json arches = Json::array();
  for (const kernel::Arch arch : domain.architectures) arches.push_back(kernel::ArchName(arch));
  out["architectures"] = std::move(arches);
  if (files.count(stem + ".bpf") != 0) {
    Json bpf = {{"file", stem + ".bpf"}, {"sha256", base::Sha256Hex(files.at(stem + ".bpf"))}, {"instructions", artifact.filter.program.size()}, {"byte_order", artifact.big_endian ? "big" : "little"}};
    bpf["proofs"].push_back(DescribeProof(artifact.proof, "decision diagrams, all inputs"));
    if (artifact.second_proof) bpf["proofs"].push_back(DescribeProof(*artifact.second_proof, "Z3, bit-vectors"));
    out["artifacts"].push_back(std::move(bpf));
  }
  if (files.count(stem + ".oci.json") != 0) {
    Json oci = {{"file", stem + ".oci.json"}, {"sha256", base::Sha256Hex(artifact.oci)}, {"proofs", {{{"method", "profile read back, decision diagrams"}, {"result", "proved"}}}}};
    for (const LibseccompCheck& check : artifact.libseccomp) {
      oci["libseccomp"].push_back({{"version", seccomp::LibseccompVersion()}, {"architecture", kernel::ArchName(check.arch)}, {"result", check.result}});
    }
    out["artifacts"].push_back(std::move(oci));
  }
  out["layer_sets"] = domain.layer_sets;
  for (const std::string& layer : artifact.analysis.layers_not_built) out["not_built"].push_back({{"layer", layer}, {"gap", "unknown"}});
  for (const NeverResult& never : artifact.analysis.nevers) out["never"].push_back(DescribeNever(domain, never));
  for (const ir::GapAcceptance& gap : domain.acceptances) {
    out["accepted_gaps"].push_back({{"rule", gap.rule_label}, {"direction", gap.wider ? "wider" : "narrower"}, {"layers", gap.layers}, {"because", gap.from.because}});
  }
  Json unmediated = Json::array();
  for (size_t i = 0; i < kernel::Facets().size(); ++i) {
    if (!domain.defaults[i].stated) unmediated.push_back(kernel::Facets()[i].name);
  }
  out["unmediated"] = std::move(unmediated);
  return out;
}

std::string InstallText(const std::string& name, const Frontend& front, const std::vector<size_t>& chosen, bool apparmor) {
  std::string out = fmt::format("# Installing {}\n\nMade by ravelin {} for target {}.\n", name, Version(), front.policy.target_name);
  for (size_t i = 0; i < chosen.size(); ++i) {
    const std::string stem = Stem(name, front, chosen, i);
    out += fmt::format("\n## Policy {}\n\n", front.policy.domains[chosen[i]].name);
    out += fmt::format("- `{0}.bpf`: an array of `struct sock_filter`. Any loader that calls seccomp(2) with it will do:\n  `bwrap --seccomp 10 ... 10<{0}.bpf`, or `ravelin run {0}.rav -- COMMAND` from source.\n", stem);
    out += fmt::format("- `{0}.oci.json`: the `linux.seccomp` object of a container's config.json; `docker run --security-opt seccomp={0}.oci.json`.\n", stem);
  }
  if (apparmor) {
    out += fmt::format("\n## AppArmor\n\n`{0}.apparmor` holds the profiles of all policies of the file.\n\n", name);
    out += fmt::format("- install: `install -m 644 {0}.apparmor /etc/apparmor.d/{0} && apparmor_parser -r /etc/apparmor.d/{0}`\n- check: `aa-status | grep -w {1}`\n- rollback: `apparmor_parser -R /etc/apparmor.d/{0} && rm /etc/apparmor.d/{0}`\n", name, front.policy.domains.front().name);
    out += "\nWhere the kernel lacks AppArmor's extended unix mediation the parser says that `network unix` rules are downgraded; the generic\nrule is what is meant and what was proved.\n";
  }
  return out;
}

}  // namespace

std::string Version() { return RAVELIN_VERSION; }

std::string VersionText() {
  return fmt::format("ravelin {}\nlanguage 1, standard library {}\nparser {}\nlibseccomp {}\n", Version(), LibraryVersion(), syntax::ParserVersion(),
                     seccomp::LibseccompVersion().empty() ? "not built in" : seccomp::LibseccompVersion());
}

Result<std::string> Emit(const ir::Domain& domain, const SeccompArtifact& artifact, const std::string& form) {
  if (form == "bpf") return seccomp::EncodeProgram(artifact.filter.program, artifact.big_endian);
  if (form == "oci") return artifact.oci;
  if (form == "listing") return seccomp::FormatListing(artifact.filter.program, artifact.filter.notes);
  if (form == "c") return seccomp::FormatCHeader(artifact.filter.program, domain.name);
  return Fail(ErrorCode::kUnsupported, fmt::format("`{}` is no form of a seccomp artifact (bpf, oci, c, listing)", form));
}

std::map<std::string, std::string> Bundle(const std::string& name, const Frontend& front, const std::vector<size_t>& chosen, const std::vector<SeccompArtifact>& artifacts, bool filters, const std::optional<apparmor::Artifact>& profiles) {
  std::map<std::string, std::string> files;
  Json manifest = {{"ravelin_manifest", kManifestFormat}, {"ravelin", Version()}, {"target", front.policy.target_name}, {"library", LibraryVersion()}, {"parser", syntax::ParserVersion()}};
  Json sources = Json::array();
  for (source::FileId file = 0; file < front.sources.size(); ++file) {
    sources.push_back({{"file", std::filesystem::path(front.sources.Name(file)).filename().string()}, {"sha256", base::Sha256Hex(front.sources.Text(file))}});
  }
  manifest["sources"] = std::move(sources);
  for (size_t i = 0; i < artifacts.size(); ++i) {
    const std::string stem = Stem(name, front, chosen, i);
    if (filters) files[stem + ".bpf"] = seccomp::EncodeProgram(artifacts[i].filter.program, artifacts[i].big_endian);
    if (filters && !artifacts[i].oci.empty()) files[stem + ".oci.json"] = artifacts[i].oci;
    manifest["domains"].push_back(DescribeDomain(stem, front.policy.domains[chosen[i]], artifacts[i], files));
  }
  if (profiles) {
    const std::string file = name + ".apparmor";
    files[file] = profiles->text;
    Json proofs = Json::array();
    for (const apparmor::ProfileResult& profile : profiles->profiles) proofs.push_back({{"profile", profile.name}, {"method", "compiled automata walked beside the policy's, all names"}, {"result", profile.proved ? "proved" : "inconclusive"}});
    manifest["artifacts"].push_back({{"file", file}, {"sha256", base::Sha256Hex(profiles->text)}, {"features", front.target.apparmor_features}, {"parser", profiles->parser}, {"target_parser", front.target.apparmor_parser}, {"proofs", std::move(proofs)}});
  }
  files["manifest.json"] = manifest.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  files["INSTALL.md"] = InstallText(name, front, filters ? chosen : std::vector<size_t>(), profiles.has_value());
  return files;
}

Result<void> WriteBundle(const std::string& folder, const std::map<std::string, std::string>& files) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path target = fs::absolute(folder, error).lexically_normal();
  const fs::path clean = target.has_filename() ? target : target.parent_path();
  if (fs::exists(clean, error)) {
    if (!fs::is_directory(clean, error)) return Fail(ErrorCode::kIo, fmt::format("{} is not a folder", folder));
    if (!fs::is_empty(clean, error) && !fs::exists(clean / "manifest.json", error)) return Fail(ErrorCode::kIo, fmt::format("{} holds other files and no manifest.json; name an empty or a new folder", folder));
  }
  const fs::path staging = clean.string() + fmt::format(".new-{}", getpid());
  if (!fs::create_directories(staging, error) && error) return Fail(ErrorCode::kIo, fmt::format("cannot make {}: {}", staging.string(), error.message()));
  for (const auto& [name, content] : files) {
    if (auto written = source::WriteFile((staging / name).string(), content); !written) {
      fs::remove_all(staging, error);
      return written;
    }
  }
  const fs::path old = clean.string() + fmt::format(".old-{}", getpid());
  const bool replaces = fs::exists(clean, error);
  if (replaces) fs::rename(clean, old, error);
  if (!error) fs::rename(staging, clean, error);
  if (error) {
    const std::string message = error.message();
    if (replaces && fs::exists(old)) fs::rename(old, clean, error);
    fs::remove_all(staging, error);
    return Fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", folder, message));
  }
  if (replaces) fs::remove_all(old, error);
  return {};
}

std::string Summary(const apparmor::Artifact& profiles, const Frontend& front) {
  std::string out = fmt::format("AppArmor: {} profile{} ({} bytes compiled), proved: names, sockets, signals, ptrace, mounts, capabilities; apparmor_parser {}\n", profiles.profiles.size(), profiles.profiles.size() == 1 ? "" : "s", profiles.binary_size, profiles.parser);
  if (profiles.parser != front.target.apparmor_parser) out += fmt::format("  the target has apparmor_parser {}: what that one makes of the profiles was not looked at\n", front.target.apparmor_parser);
  return out;
}

std::string Summary(const ir::Domain& domain, const SeccompArtifact& artifact) {
  std::string arches;
  for (const kernel::Arch arch : domain.architectures) arches += (arches.empty() ? "" : ", ") + std::string(kernel::ArchName(arch));
  std::string out = fmt::format("policy {}: seccomp filter for {}, {} instructions, proved for all inputs\n", domain.name, arches, artifact.filter.program.size());
  if (artifact.second_proof) out += fmt::format("  Z3: {}\n", artifact.second_proof->proved ? "proved" : "inconclusive: " + artifact.second_proof->why_not);
  if (!artifact.oci.empty()) {
    out += "  runtime profile: proved";
    for (const LibseccompCheck& check : artifact.libseccomp) out += fmt::format("; through libseccomp {} on {}: {}", seccomp::LibseccompVersion(), kernel::ArchName(check.arch), check.result);
    out += "\n";
  }
  for (const NeverResult& never : artifact.analysis.nevers) {
    const ir::Rule& rule = domain.rules[never.rule];
    if (never.verdict == NeverVerdict::kProved) out += fmt::format("  never at {}: proved\n", rule.from.place);
    if (never.verdict == NeverVerdict::kInconclusive) out += fmt::format("  never at {}: inconclusive: {}\n", rule.from.place, never.why);
  }
  for (const std::string& layer : artifact.analysis.layers_not_built) out += fmt::format("  {}: not built, its gap is unknown\n", layer);
  return out;
}

}  // namespace ravelin::driver
