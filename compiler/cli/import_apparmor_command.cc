// import apparmor: profiles to policy source.
#include <filesystem>

#include "compiler/cli/commands.h"
#include "compiler/import/apparmor/import.h"

namespace ravelin::cli {

int Run(const ImportApparmorCommand& command) {
  import::apparmor::ImportOptions options;
  const std::filesystem::path path(command.input);
  options.includes.folders = command.folders;
  options.includes.own_folder = path.has_parent_path() ? path.parent_path().string() : ".";
  options.origin = command.input == "-" ? "" : path.filename().string();
  source::SourceManager sources;
  const auto file = sources.Load(command.input);
  if (!file) return Complain(file.error());
  diag::Sink sink;
  const std::string text = import::apparmor::ImportProfiles(sources, *file, options, sink);
  return FinishImport(text, command.output, sink, sources, command.common);
}

}  // namespace ravelin::cli
