// dump: a stage's value in print.
#include "backends/seccomp/program.h"
#include "compiler/ast/ast_text.h"
#include "compiler/cli/commands.h"
#include "compiler/ir/ir_json.h"
#include "compiler/syntax/parse.h"

namespace ravelin::cli {
namespace {

int Write(const DumpCommand& command, const std::string& text) {
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  return written ? kOk : Complain(written.error());
}

int DumpTree(const DumpCommand& command) {
  source::SourceManager sources;
  diag::Sink sink;
  const auto file = sources.Load(command.input);
  if (!file) return Complain(file.error());
  const ast::File tree = syntax::Parse(sources, *file, sink);
  ShowDiagnostics(sink, sources, command.common);
  return std::max(Write(command, ast::DumpJson(tree)), sink.HasErrors() ? kFindings : kOk);
}

}  // namespace

int Run(const DumpCommand& command) {
  if (command.stage == "ast") return DumpTree(command);
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.input, command.common, exit_code);
  if (!front) return exit_code;
  if (command.stage == "ir") {
    ShowDiagnostics(front->sink, front->sources, command.common);
    return Write(command, ir::DumpJson(front->policy));
  }
  const auto index = PickDomain(*front, command.policy);
  if (!index) return kUsage;
  const auto artifact = driver::CompileSeccomp(front->policy, front->policy.domains[*index], {}, front->sink);
  ShowDiagnostics(front->sink, front->sources, command.common);
  if (!artifact) return kFindings;
  return Write(command, seccomp::FormatListing(artifact->filter.program, artifact->filter.notes));
}

}  // namespace ravelin::cli
