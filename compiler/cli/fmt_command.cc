// fmt: the canonical layout.
#include <fmt/format.h>

#include "compiler/ast/ast_text.h"
#include "compiler/cli/commands.h"
#include "compiler/syntax/parse.h"

namespace ravelin::cli {
namespace {

// Formats one file; the exit code says how it went.
int FormatOne(const std::string& path, const FmtCommand& command) {
  source::SourceManager sources;
  diag::Sink sink;
  const auto file = sources.Load(path);
  if (!file) return Complain(file.error());
  const ast::File tree = syntax::Parse(sources, *file, sink);
  if (sink.HasErrors()) {
    ShowDiagnostics(sink, sources, command.common);
    Complain(fmt::format("{} is left as it is", path));
    return kFindings;
  }
  const std::string text = ast::Format(tree, sources.Text(*file));
  const bool changed = text != sources.Text(*file);
  if (command.check) {
    if (!changed) return kOk;
    const auto printed = Print(path + "\n");
    return printed ? kFindings : Complain(printed.error());
  }
  if (command.in_place && path != "-") {
    if (!changed) return kOk;
    const auto written = source::WriteFile(path, text);
    return written ? kOk : Complain(written.error());
  }
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  return written ? kOk : Complain(written.error());
}

}  // namespace

int Run(const FmtCommand& command) {
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  if (files->size() > 1 && !command.check && !command.in_place) {
    Complain("several files are formatted with --in-place or --check");
    return kUsage;
  }
  int exit_code = kOk;
  for (const std::string& file : *files) exit_code = std::max(exit_code, FormatOne(file, command));
  return exit_code;
}

}  // namespace ravelin::cli
