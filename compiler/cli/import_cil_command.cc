// import selinux-cil: a module to policy source.
#include <filesystem>

#include "backends/selinux/sepol/sepol.h"
#include "compiler/cli/commands.h"
#include "compiler/import/cil/import.h"

namespace ravelin::cli {

int Run(const ImportCilCommand& command) {
  if (!selinux::SepolIsBuilt()) {
    Complain("this build has no libsepol, which judges modules");
    return kEnvironment;
  }
  source::SourceManager sources;
  const auto file = sources.Load(command.input);
  if (!file) return Complain(file.error());
  diag::Sink sink;
  const std::string text = import::cil::ImportCil(sources, *file, {command.input == "-" ? "" : std::filesystem::path(command.input).filename().string()}, sink);
  return FinishImport(text, command.output, sink, sources, command.common);
}

}  // namespace ravelin::cli
