#include <fmt/format.h>

#include "compiler/cli/commands.h"

namespace ravelin::cli {

int ListDiagnostics() {
  std::string out;
  for (const diag::Kind kind : diag::AllKinds()) {
    const char* severity = diag::KindSeverity(kind) == diag::Severity::kError ? "error" : diag::KindSeverity(kind) == diag::Severity::kWarning ? "warning" : "note";
    out += fmt::format("{}\t{}\t{}\n", diag::KindName(kind), severity, diag::KindExplanation(kind));
  }
  const auto printed = Print(out);
  return printed ? kOk : Complain(printed.error());
}

}  // namespace ravelin::cli
