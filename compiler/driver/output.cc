#include "compiler/driver/output.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "backends/seccomp/c_header.h"
#include "backends/seccomp/oci/oci.h"
#include "compiler/base/sha256.h"
#include "compiler/base/source.h"
#include "compiler/driver/gap_text.h"
#include "compiler/ir/pattern.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kManifestFormat = 1;

// The first domain has the bundle's name; the others add their own.
std::string Stem(const std::string& name, const Frontend& front, const Built& built, size_t i) {
  return i == 0 ? name : name + "." + front.policy.domains[built.chosen[i]].name;
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

Json DescribeOperations(const ir::Operations& operations) {
  Json out = Json::object();
  for (const auto& [facet, set] : operations) out[kernel::Facets()[facet].name] = ir::OperationNames(facet, set);
  return out;
}

Json DescribeGap(const GapRow& row) {
  return {{"layers", row.layers}, {"rule", row.place}, {"direction", row.wider ? "wider" : "narrower"}, {"operations", DescribeOperations(row.operations)}, {"reason", row.reason}, {"witness", row.witness}, {"accepted", row.accepted()}};
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
  out["gaps"] = Json::array();
  for (const GapRow& row : RowsOf(domain, artifact.analysis.gaps)) out["gaps"].push_back(DescribeGap(row));
  for (const ir::GapAcceptance& gap : domain.acceptances) {
    const bool deployed = std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [&](const auto& set) { return std::is_permutation(set.begin(), set.end(), gap.layers.begin(), gap.layers.end()); });
    if (!deployed) continue;
    Json one = {{"rule", gap.rule_label}, {"direction", gap.wider ? "wider" : "narrower"}, {"layers", gap.layers}};
    if (!gap.bound.empty()) one["of"] = DescribeOperations(gap.bound);
    one["because"] = gap.from.because;
    out["accepted_gaps"].push_back(std::move(one));
  }
  Json unmediated = Json::array();
  for (size_t i = 0; i < kernel::Facets().size(); ++i) {
    if (!domain.defaults[i].stated) unmediated.push_back(kernel::Facets()[i].name);
  }
  out["unmediated"] = std::move(unmediated);
  return out;
}

Json DescribeProfiles(const std::string& file, const apparmor::Artifact& profiles, const resolve::Target& target) {
  Json proofs = Json::array();
  for (const apparmor::ProfileResult& profile : profiles.profiles) proofs.push_back({{"profile", profile.name}, {"method", "compiled automata walked beside the policy's, all names"}, {"result", profile.proved ? "proved" : "inconclusive"}});
  return {{"file", file}, {"sha256", base::Sha256Hex(profiles.text)}, {"features", target.apparmor_features}, {"parser", profiles.parser}, {"target_parser", target.apparmor_parser}, {"proofs", std::move(proofs)}};
}

const char* FormName(selinux::Form form) { return form == selinux::Form::kStandalone ? "standalone" : form == selinux::Form::kContainer ? "container" : "module"; }

Json DescribeModule(const std::string& name, const selinux::Artifact& module, selinux::Form form, const resolve::Target& target) {
  Json out = {{"file", name + ".cil"}, {"sha256", base::Sha256Hex(module.cil)}, {"file_contexts", name + ".fc"}, {"file_contexts_sha256", base::Sha256Hex(module.file_contexts)}, {"form", FormName(form)}};
  out["policy_version"] = SelinuxFactsOf(target).policy_version;
  out["policy_capabilities"] = module.module.policy_capabilities;
  out["proofs"].push_back({{"method", "every type, class and permission asked of libsepol; transitions, labels of paths, ports"}, {"result", module.proof.proved ? "proved" : "inconclusive"}, {"detail", fmt::format("{} questions, {} sets of paths", module.proof.quadruples, module.proof.cells)}});
  if (!module.module.conditional.empty()) {
    for (const auto& [boolean, grants] : module.module.conditional) out["booleans"].push_back({{"name", boolean}, {"default", "off"}, {"grants", grants.size()}});
  }
  out["base_grants"] = Json::array();
  for (const selinux::Grant& grant : module.base_grants) out["base_grants"].push_back({{"grant", grant.text}, {"because", grant.reason}});
  out["permitted_by_default"] = module.wide;
  out["choices"] = module.choices;
  out["granted_by_the_host"] = module.host_grants;
  out["labels_that_differ_at_creation"] = module.differences;
  return out;
}

// Where the types of a module stand: what to label again.
std::string LabelledPlaces(const selinux::Artifact& module) {
  std::set<std::string> places;
  for (const selinux::PathType& path : module.module.paths) {
    for (const std::string& pattern : path.patterns) {
      std::string place = ir::LiteralStart(pattern);
      if (place.size() != pattern.size()) place = place.substr(0, place.rfind('/'));
      if (!place.empty()) places.insert(place);
    }
  }
  std::string out;
  std::string above;
  for (const std::string& place : places) {
    if (!above.empty() && place.rfind(above + "/", 0) == 0) continue;
    above = place;
    out += " " + place;
  }
  return out.empty() ? " /" : out;
}

std::string InstallText(const std::string& name, const Frontend& front, const Built& built) {
  std::string out = fmt::format("# Installing {}\n\nMade by ravelin {} for target {}.\n", name, Version(), front.policy.target_name);
  for (size_t i = 0; i < built.chosen.size() && built.writes_filters; ++i) {
    const std::string stem = Stem(name, front, built, i);
    out += fmt::format("\n## Policy {}\n\n", front.policy.domains[built.chosen[i]].name);
    out += fmt::format("- `{0}.bpf`: an array of `struct sock_filter`. Any loader that calls seccomp(2) with it will do:\n  `bwrap --seccomp 10 ... 10<{0}.bpf`, or `ravelin run {0}.rav -- COMMAND` from source.\n", stem);
    out += fmt::format("- `{0}.oci.json`: the `linux.seccomp` object of a container's config.json; `docker run --security-opt seccomp={0}.oci.json`.\n", stem);
  }
  if (built.profiles) {
    out += fmt::format("\n## AppArmor\n\n`{0}.apparmor` holds the profiles of all policies of the file.\n\n", name);
    out += fmt::format("- install: `install -m 644 {0}.apparmor /etc/apparmor.d/{0} && apparmor_parser -r /etc/apparmor.d/{0}`\n- check: `aa-status | grep -w {1}`\n- rollback: `apparmor_parser -R /etc/apparmor.d/{0} && rm /etc/apparmor.d/{0}`\n", name, front.policy.domains.front().name);
    out += "\nWhere the kernel lacks AppArmor's extended unix mediation the parser says that `network unix` rules are downgraded; the generic\nrule is what is meant and what was proved.\n";
  }
  if (built.module) {
    const std::string places = LabelledPlaces(*built.module);
    std::string booleans;
    for (const auto& [boolean, grants] : built.module->module.conditional) booleans += fmt::format("- turn on what `{0}` permits: `setsebool -P {0} on`; it is off at first\n", boolean);
    out += fmt::format("\n## SELinux\n\n`{0}.cil` is one module with the types of all policies of the file; `{0}.fc` repeats its labels of paths as file_contexts.\n\n", name);
    if (built.module_form == selinux::Form::kContainer) {
      out += "Each policy is a block that inherits `container`, as the tools of container-selinux have it: the template base_container.cil is installed\nbeside it. What container-selinux grants to the attributes of that block (container_domain and the like) is the host's, and no part of the proof.\nPaths are those of the host, for what is mounted into the container.\n\n";
      out += fmt::format("- install: `semodule -i {0}.cil /usr/share/udica/templates/base_container.cil && restorecon -RF{1}`\n", name, places);
      for (const ir::Domain& domain : front.policy.domains) out += fmt::format("- run: `podman run --security-opt label=type:{}.process ...`\n", domain.name);
      out += fmt::format("- check: `semodule -l | grep -w {0}`\n- rollback: `semodule -r {0} && restorecon -RF{1}`\n", name, places);
    } else if (built.module_form == selinux::Form::kModule) {
      out += "**It labels files of the host anew.** Whoever else may use them by their old type can no longer, unless the host's policy is extended:\nread the list of choices in manifest.json first, and try it where nothing depends on it.\n\n";
      out += fmt::format("- install: `semodule -i {0}.cil && restorecon -RF{1}`\n- check: `semodule -l | grep -w {0}`, and `restorecon -Rnv{1}` prints nothing\n- rollback: `semodule -r {0} && restorecon -RF{1}`\n", name, places);
    } else {
      out += fmt::format("- install: `secilc -c {1} -o policy.{1} -f file_contexts {0}.cil`; a guest loads `policy.{1}` at boot and labels its files by `file_contexts`\n- check: `seinfo -t policy.{1}`\n- rollback: boot without it; it stands beside no other policy\n", name, SelinuxFactsOf(front.target).policy_version);
    }
    out += booleans;
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

std::map<std::string, std::string> Bundle(const std::string& name, const Frontend& front, const Built& built) {
  std::map<std::string, std::string> files;
  Json manifest = {{"ravelin_manifest", kManifestFormat}, {"ravelin", Version()}, {"target", front.policy.target_name}, {"library", LibraryVersion()}, {"parser", syntax::ParserVersion()}};
  Json sources = Json::array();
  for (source::FileId file = 0; file < front.sources.size(); ++file) {
    sources.push_back({{"file", std::filesystem::path(front.sources.Name(file)).filename().string()}, {"sha256", base::Sha256Hex(front.sources.Text(file))}});
  }
  manifest["sources"] = std::move(sources);
  for (size_t i = 0; i < built.filters.size(); ++i) {
    const std::string stem = Stem(name, front, built, i);
    const SeccompArtifact& filter = built.filters[i];
    if (built.writes_filters) files[stem + ".bpf"] = seccomp::EncodeProgram(filter.filter.program, filter.big_endian);
    if (built.writes_filters && !filter.oci.empty()) files[stem + ".oci.json"] = filter.oci;
    manifest["domains"].push_back(DescribeDomain(stem, front.policy.domains[built.chosen[i]], filter, files));
  }
  if (built.profiles) {
    files[name + ".apparmor"] = built.profiles->text;
    manifest["artifacts"].push_back(DescribeProfiles(name + ".apparmor", *built.profiles, front.target));
  }
  if (built.module) {
    files[name + ".cil"] = built.module->cil;
    files[name + ".fc"] = built.module->file_contexts;
    manifest["artifacts"].push_back(DescribeModule(name, *built.module, built.module_form, front.target));
  }
  files["manifest.json"] = manifest.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  files["INSTALL.md"] = InstallText(name, front, built);
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

std::string Summary(const selinux::Artifact& module, selinux::Form form) {
  std::string out = fmt::format("SELinux: {} {}, {} types of paths, {} file contexts, {} rules, proved: {} questions to libsepol, transitions, labels, ports\n", FormName(form), module.module.name, module.module.paths.size(), module.module.contexts.size(), module.module.allows.size(), module.proof.quadruples);
  for (const std::string& wide : module.wide) out += "  permitted where no rule refuses it: " + wide + "\n";
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
