// compile: source to proven artifacts.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "compiler/cli/commands.h"
#include "compiler/driver/frequencies.h"
#include "compiler/driver/output.h"

namespace ravelin::cli {
namespace {

bool WritesToTerminal(const CompileCommand& command) {
  return command.emit == "bpf" && (command.output.empty() || command.output == "-") && isatty(STDOUT_FILENO) == 1;
}

// A layer that this build cannot emit is said; only a choice of back ends makes it acceptable.
bool AllLayersAccounted(const CompileCommand& command, const driver::Frontend& front) {
  if (!command.backends.empty()) return true;
  bool all = true;
  for (const ir::Domain& domain : front.policy.domains) {
    for (const std::string& layer : driver::LayersNotBuilt(domain)) {
      Complain(fmt::format("policy {}: layer {} is not built, its gap is unknown", domain.name, layer));
      all = false;
    }
  }
  if (!all) Complain("nothing was written; `--backend seccomp` emits the seccomp layer alone and says so in the manifest");
  return all;
}

class Compiler {
 public:
  Compiler(const CompileCommand& command, std::map<std::string, double> frequencies, std::optional<selinux::Host> host) : command_(command), frequencies_(std::move(frequencies)), host_(std::move(host)) {}

  int One(const std::string& path, const std::string& output) {
    int exit_code = kOk;
    const auto front = ReadOrComplain(path, command_.common, exit_code);
    if (!front) return exit_code;
    if (!AllLayersAccounted(command_, *front)) return kEnvironment;
    for (const char* layer : {"apparmor", "selinux"}) {  // asked for by its name; those of the policy's own sets are diagnosed
      if (!Wants(layer, *front) || resolve::HasLayer(front->target, layer)) continue;
      Complain(fmt::format("the kernel of target {} has no {}", front->target.name, layer));
      return kUsage;
    }
    const std::vector<size_t> chosen = Choose(*front);
    if (chosen.empty()) return kUsage;
    built_ = {};
    built_.chosen = chosen;
    built_.writes_filters = Wants("seccomp", *front);
    built_.module_form = command_.selinux_form == "standalone" ? selinux::Form::kStandalone : command_.selinux_form == "container" ? selinux::Form::kContainer : selinux::Form::kModule;
    driver::CompileOptions options{frequencies_, !command_.no_optimize, command_.prove == "z3", command_.emit == "oci" || (command_.emit.empty() && built_.writes_filters && !(command_.cost && command_.output.empty()))};
    options.facts = driver::FactsOf(front->target);
    // One member that is chosen for itself: its set's gaps are said, and belong to the whole.
    options.gaps = command_.backends.empty() ? driver::GapsAre::kErrors : driver::GapsAre::kWarnings;
    bool failed = false;
    if (Wants("apparmor", *front)) {
      auto made = driver::CompileApparmor(*front, front->sink);
      if (!made) return Complain(made.error());
      failed = !*made;
      built_.profiles = std::move(*made);
    }
    if (Wants("selinux", *front)) {
      auto made = driver::CompileSelinux(*front, built_.module_form, host_ ? &*host_ : nullptr, front->sink);
      if (!made) return Complain(made.error());
      failed = failed || !*made;
      built_.module = std::move(*made);
    }
    const auto module = built_.module ? std::optional<selinux::Module>() : driver::LowerSelinux(*front, built_.module_form, front->sink);
    options.module = built_.module ? &built_.module->module : module ? &*module : nullptr;
    for (const size_t index : chosen) {
      auto artifact = driver::CompileSeccomp(front->policy, front->policy.domains[index], options, front->sink);
      if (artifact) built_.filters.push_back(std::move(*artifact));
      failed = failed || !artifact;
    }
    ShowDiagnostics(front->sink, front->sources, command_.common);
    if (failed) return kFindings;
    return std::max(Write(path, output, *front), Inconclusive(built_.filters));
  }

 private:
  // The layer is named by a set of the policy, and not left out.
  bool Wants(const std::string& layer, const driver::Frontend& front) const {
    if (!command_.emit.empty()) return layer == (command_.emit == "apparmor" ? "apparmor" : command_.emit == "cil" || command_.emit == "fc" ? "selinux" : "seccomp");
    if (command_.cost && command_.output.empty()) return layer == "seccomp";
    if (!command_.backends.empty()) return std::find(command_.backends.begin(), command_.backends.end(), layer) != command_.backends.end();
    return std::any_of(front.policy.domains.begin(), front.policy.domains.end(), [&](const ir::Domain& domain) {
      return std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [&](const auto& set) { return std::find(set.begin(), set.end(), layer) != set.end(); });
    });
  }

  std::vector<size_t> Choose(const driver::Frontend& front) const {
    std::vector<size_t> chosen;
    if (command_.emit.empty() && command_.policy.empty()) {
      for (size_t i = 0; i < front.policy.domains.size(); ++i) chosen.push_back(i);
      if (chosen.empty()) Complain("there is no policy in it");
    } else if (const auto index = PickDomain(front, command_.policy)) {
      chosen.push_back(*index);
    }
    return chosen;
  }

  // A second proof that was asked for and did not come to an end.
  static int Inconclusive(const std::vector<driver::SeccompArtifact>& artifacts) {
    for (const driver::SeccompArtifact& artifact : artifacts) {
      if (artifact.second_proof && !artifact.second_proof->proved) return kEnvironment;
    }
    return kOk;
  }

  // One artifact, as bytes.
  Result<std::string> Bytes(const driver::Frontend& front) const {
    if (command_.emit == "apparmor") return built_.profiles->text;
    if (command_.emit == "cil") return built_.module->cil;
    if (command_.emit == "fc") return built_.module->file_contexts;
    return driver::Emit(front.policy.domains[built_.chosen[0]], built_.filters[0], command_.emit);
  }

  int Write(const std::string& path, const std::string& output, const driver::Frontend& front) const {
    Result<void> status;
    std::string report;
    for (size_t i = 0; i < built_.chosen.size(); ++i) {
      const ir::Domain& domain = front.policy.domains[built_.chosen[i]];
      if (command_.cost) report += CostText(domain, built_.filters[i], command_.frequencies, status);
      if (!status) return Complain(status.error());
    }
    if (!command_.emit.empty()) {
      if (command_.cost) std::fputs(report.c_str(), stderr);
      const auto bytes = Bytes(front);
      if (!bytes) return Complain(bytes.error());
      const auto written = output.empty() ? Print(*bytes) : source::WriteFile(output, *bytes);
      return written ? kOk : Complain(written.error());
    }
    if (command_.cost && output.empty()) {
      const auto printed = Print(report);
      return printed ? kOk : Complain(printed.error());
    }
    const std::string folder = output.empty() ? StemOf(path) + ".bundle" : output;
    const auto files = driver::Bundle(StemOf(path), front, built_);
    if (auto written = driver::WriteBundle(folder, files); !written) return Complain(written.error());
    for (size_t i = 0; i < built_.chosen.size() && built_.writes_filters; ++i) report = driver::Summary(front.policy.domains[built_.chosen[i]], built_.filters[i]) + report;
    if (built_.profiles) report += driver::Summary(*built_.profiles, front);
    if (built_.module) report += driver::Summary(*built_.module, built_.module_form);
    const auto printed = Print(command_.common.json() ? files.at("manifest.json") : report + fmt::format("wrote {}/\n", folder));
    return printed ? kOk : Complain(printed.error());
  }

  const CompileCommand& command_;
  std::map<std::string, double> frequencies_;
  std::optional<selinux::Host> host_;
  driver::Built built_;  // of the policy at hand
};

}  // namespace

int Run(const CompileCommand& command) {
  for (const std::string& backend : command.backends) {
    if (driver::IsBuilt(backend)) continue;
    Complain(fmt::format("back end `{}` is not built", backend));
    return kEnvironment;
  }
  if (WritesToTerminal(command)) {
    Complain("the filter is binary; name a file with -o, or use --emit listing");
    return kUsage;
  }
  if (!command.selinux_host.empty() && command.selinux_form != "module") {
    Complain("--selinux-host goes with --selinux-form module: a standalone policy stands beside no other one");
    return kUsage;
  }
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  if (files->size() > 1 && !command.emit.empty()) {
    Complain("--emit takes one policy; several are written as bundles");
    return kUsage;
  }
  std::map<std::string, double> frequencies;
  if (!command.frequencies.empty()) {
    const auto workloads = driver::ReadFrequencies(command.frequencies);
    if (!workloads) return Complain(workloads.error());
    frequencies = driver::Mean(*workloads);
  }
  std::optional<selinux::Host> host;
  if (!command.selinux_host.empty()) {
    auto read = driver::ReadSelinuxHost(command.selinux_host);
    if (!read) return Complain(read.error());
    host = std::move(*read);
  }
  Compiler compiler(command, std::move(frequencies), std::move(host));
  int exit_code = kOk;
  for (const std::string& file : *files) {
    const std::string output = files->size() > 1 && !command.output.empty() ? command.output + "/" + StemOf(file) : command.output;
    exit_code = std::max(exit_code, compiler.One(file, output));
  }
  return exit_code;
}

}  // namespace ravelin::cli
