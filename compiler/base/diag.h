// Diagnostics: what the user is told about mistakes in what the user wrote.
//
// Each kind has a stable kebab-case name, a severity and a one-line explanation in diag_kinds.def; the name is what
// docs/diagnostics.md, the golden tests and JSON output use.  Wording: lower case, no full stop, back-ticks round
// user text; `help` says what to write instead.
//
//   sink.Report(diag::Kind::kUnknownSyscall, span, "unknown system call `opnat`").Help("did you mean `openat`?");
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/base/source.h"

namespace ravelin::diag {

enum class Severity { kNote, kWarning, kError };

enum class Kind {
#define RAVELIN_DIAG(Name, severity, text_name, explanation) k##Name,
#include "compiler/base/diag_kinds.def"
#undef RAVELIN_DIAG
};

std::string_view KindName(Kind kind);         // "unknown-syscall"
Severity KindSeverity(Kind kind);
std::string_view KindExplanation(Kind kind);
std::vector<Kind> AllKinds();

struct Label {
  source::Span span;
  std::string text;
};

struct Diagnostic {
  Kind kind;
  Severity severity;
  source::Span span;
  std::string message;
  std::vector<Label> labels;       // secondary places
  std::vector<std::string> helps;

  Diagnostic& Help(std::string text) {
    helps.push_back(std::move(text));
    return *this;
  }
  Diagnostic& Note(source::Span at, std::string text) {
    labels.push_back({at, std::move(text)});
    return *this;
  }
};

// Collects diagnostics of one run.  Not thread-safe.
class Sink {
 public:
  // The reference stays valid until the next Report.
  Diagnostic& Report(Kind kind, source::Span span, std::string message) { return ReportAs(kind, KindSeverity(kind), span, std::move(message)); }
  // With another severity than the kind's own: a command that only looks may warn of what a compilation refuses.
  Diagnostic& ReportAs(Kind kind, Severity severity, source::Span span, std::string message);
  // Takes over everything that `other` collected.
  void Append(const Sink& other);
  bool HasErrors() const { return errors_ > 0; }
  size_t ErrorCount() const { return errors_; }
  // In order of (file, offset, kind), duplicates removed.
  std::vector<Diagnostic> Sorted() const;
  const std::vector<Diagnostic>& All() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
  size_t errors_ = 0;
  size_t dropped_ = 0;
};

struct RenderOptions {
  bool color = false;
  size_t limit = 50;  // errors and warnings shown before "... and N more"
};
std::string RenderText(const Sink& sink, const source::SourceManager& sources, const RenderOptions& options);
// A JSON array, one object a diagnostic: file, line, column, end_line, end_column, severity, rule, message, help.
std::string RenderJson(const Sink& sink, const source::SourceManager& sources);

// The candidate closest to `word` by edit distance (at most 2, and at most a third of its length), or "".
std::string Closest(std::string_view word, const std::vector<std::string_view>& candidates);
// "did you mean `x`?" or "" when nothing is close.
std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ravelin::diag
