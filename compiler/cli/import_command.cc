// import: others' formats to policy source.
#include <fmt/format.h>

#include "compiler/cli/commands.h"
#include "compiler/import/oci_import.h"

namespace ravelin::cli {
namespace {

bool ReadOptions(const ImportCommand& command, import::OciImportOptions& options) {
  for (const std::string& name : command.arches) {
    const auto arch = kernel::ArchFromName(name);
    if (!arch || *arch == kernel::Arch::kX32) {
      std::vector<std::string_view> known;
      for (const kernel::Arch one : kernel::kFilterArches) known.push_back(kernel::ArchName(one));
      Complain(fmt::format("`{}` is no architecture of a filter ({})", name, fmt::join(known, ", ")));
      return false;
    }
    options.arches.push_back(*arch);
  }
  for (const std::string& name : command.capabilities) {
    const auto capability = kernel::FindCapability(name);
    if (!capability) {
      const auto& names = kernel::CapabilityNames();
      const std::string hint = diag::DidYouMean(name, {names.begin(), names.end()});
      Complain(fmt::format("`{}` is no capability{}", name, hint.empty() ? "" : "; " + hint));
      return false;
    }
    options.capabilities.push_back(name);
  }
  if (!command.kernel.empty()) {
    const auto version = kernel::ParseVersion(command.kernel);
    if (!version) {
      Complain(fmt::format("`{}` is no kernel version", command.kernel));
      return false;
    }
    options.kernel = *version;
  }
  return true;
}

}  // namespace

int Run(const ImportCommand& command) {
  import::OciImportOptions options;
  if (!ReadOptions(command, options)) return kUsage;
  options.literal = command.literal;
  options.origin = StemOf(command.input) + (command.input == "-" ? "" : ".json");
  options.policy_name = command.name;
  source::SourceManager sources;
  const auto file = sources.Load(command.input);
  if (!file) return Complain(file.error());
  diag::Sink sink;
  const auto text = import::ImportOciSeccomp(*file, sources.Text(*file), options, sink);
  if (text) return FinishImport(*text, command.output, sink, sources, command.common);
  ShowDiagnostics(sink, sources, command.common);
  Complain(fmt::format("{}: {}", command.input, text.error().message));
  return kFindings;
}

}  // namespace ravelin::cli
