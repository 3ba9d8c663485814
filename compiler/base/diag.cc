#include "compiler/base/diag.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace ravelin::diag {
namespace {

struct KindInfo {
  std::string_view name;
  Severity severity;
  std::string_view explanation;
};

constexpr KindInfo kKinds[] = {
#define RAVELIN_DIAG(Name, severity, text_name, explanation) {text_name, Severity::severity, explanation},
#include "compiler/base/diag_kinds.def"
#undef RAVELIN_DIAG
};

// More would only be memory: no reader gets past the first hundreds.
constexpr size_t kMaxKept = 20000;

}  // namespace

std::string_view KindName(Kind kind) { return kKinds[static_cast<size_t>(kind)].name; }
Severity KindSeverity(Kind kind) { return kKinds[static_cast<size_t>(kind)].severity; }
std::string_view KindExplanation(Kind kind) { return kKinds[static_cast<size_t>(kind)].explanation; }

std::vector<Kind> AllKinds() {
  std::vector<Kind> kinds;
  for (size_t i = 0; i < std::size(kKinds); ++i) kinds.push_back(static_cast<Kind>(i));
  return kinds;
}

Diagnostic& Sink::ReportAs(Kind kind, Severity severity, source::Span span, std::string message) {
  if (severity == Severity::kError) ++errors_;
  if (diagnostics_.size() >= kMaxKept) {
    ++dropped_;
    diagnostics_.pop_back();
  }
  diagnostics_.push_back({kind, severity, span, std::move(message), {}, {}});
  return diagnostics_.back();
}

void Sink::Append(const Sink& other) {
  for (const Diagnostic& d : other.diagnostics_) ReportAs(d.kind, d.severity, d.span, d.message) = d;
}

std::vector<Diagnostic> Sink::Sorted() const {
  std::vector<Diagnostic> sorted = diagnostics_;
  const auto key = [](const Diagnostic& d) { return std::tie(d.span.file, d.span.begin, d.span.end, d.kind, d.message); };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  const auto same = [&](const Diagnostic& a, const Diagnostic& b) { return key(a) == key(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

namespace {

// Insertions, deletions, replacements, and neighbours that changed places.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string Closest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > 64) return {};
  size_t best = std::min<size_t>(2, std::max<size_t>(1, word.size() / 3)) + 1;
  std::string_view closest;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() + 2 < word.size() || word.size() + 2 < candidate.size()) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      closest = candidate;
    }
  }
  return std::string(closest);
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string closest = Closest(word, candidates);
  return closest.empty() ? std::string() : "did you mean `" + closest + "`?";
}

}  // namespace ravelin::diag
