#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/base/diag.h"

namespace ravelin::diag {
namespace {

struct Style {
  std::string_view bold, red, yellow, blue, reset;
};
constexpr Style kPlain = {"", "", "", "", ""};
constexpr Style kColor = {"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[1;34m", "\x1b[0m"};

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kNote: return "note";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  return "";
}

// Control characters and broken UTF-8 of a hostile file must not reach the terminal.
std::string Printable(std::string_view text) {
  std::string out;
  size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\t') {
      out += ' ';
    } else if (c < 0x20 || c == 0x7f) {
      out += '?';
    } else if (c < 0x80) {
      out += text[i];
    } else {
      const size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
      bool valid = length != 0 && c < 0xf5 && i + length <= text.size();
      for (size_t k = 1; valid && k < length; ++k) valid = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
      // Bidirectional controls (U+202A..E, U+2066..9) would reorder the very line that reports them.
      const bool bidi = valid && length == 3 && c == 0xe2 &&
                        ((text[i + 1] == '\x80' && text[i + 2] >= '\xaa' && text[i + 2] <= '\xae') ||
                         (text[i + 1] == '\x81' && text[i + 2] >= '\xa6' && text[i + 2] <= '\xa9'));
      if (!valid || bidi) {
        out += '?';
        i += valid ? length : 1;
        continue;
      }
      out += text.substr(i, length);
      i += length;
      continue;
    }
    ++i;
  }
  return out;
}

size_t CodePoints(std::string_view text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

constexpr size_t kLineWindow = 160;

void AppendExcerpt(std::string& out, source::Span span, const source::SourceManager& sources, std::string_view mark,
                   std::string_view label, const Style& style) {
  const source::Position p = sources.PositionOf(span.file, span.begin);
  const source::Position e = sources.PositionOf(span.file, span.end);
  std::string line = Printable(sources.LineOf(span.file, p.line));
  size_t column = p.column - 1;
  size_t length = e.line > p.line ? kLineWindow : e.column > p.column ? e.column - p.column : 1;  // cut at the line's end below
  if (line.size() > kLineWindow && line.size() == CodePoints(line)) {  // a window round the caret
    const size_t from = column > kLineWindow / 2 ? std::min(column - kLineWindow / 2, line.size()) : 0;
    line = (from > 0 ? "..." : "") + line.substr(from, kLineWindow) + (from + kLineWindow < line.size() ? "..." : "");
    column = column - from + (from > 0 ? 3 : 0);
  }
  length = std::min(length, std::max<size_t>(1, CodePoints(line) > column ? CodePoints(line) - column : 1));
  column = std::min(column, size_t{400});
  out += fmt::format("{}{:5} |{} {}\n", style.blue, p.line, style.reset, line);
  out += fmt::format("{}      |{} {}{}{}{}{}\n", style.blue, style.reset, std::string(column, ' '), style.yellow,
                     std::string(1, mark[0]) + std::string(length - 1, mark.size() > 1 ? mark[1] : mark[0]),
                     label.empty() ? "" : " " + Printable(label), style.reset);
}

nlohmann::json PlaceOf(source::Span span, const source::SourceManager& sources) {
  if (!span.IsValid()) return nlohmann::json::object();
  const source::Position b = sources.PositionOf(span.file, span.begin);
  const source::Position e = sources.PositionOf(span.file, span.end);
  return {{"file", Printable(sources.Name(span.file))},
          {"line", b.line},
          {"column", b.column},
          {"end_line", e.line},
          {"end_column", e.column}};
}

}  // namespace

std::string RenderText(const Sink& sink, const source::SourceManager& sources, const RenderOptions& options) {
  const Style& style = options.color ? kColor : kPlain;
  std::string out;
  const std::vector<Diagnostic> sorted = sink.Sorted();
  size_t shown = 0;
  for (const Diagnostic& d : sorted) {
    if (shown == options.limit) {
      out += fmt::format("... and {} more\n", sorted.size() - shown);
      break;
    }
    ++shown;
    const std::string place = Printable(sources.Describe(d.span));
    out += fmt::format("{}{}{}{}{}{}: {}{} [{}]{}\n", style.bold, place, place.empty() ? "" : ": ",
                       d.severity == Severity::kError ? style.red : style.yellow, SeverityName(d.severity), style.reset,
                       style.bold, Printable(d.message), KindName(d.kind), style.reset);
    if (d.span.IsValid()) AppendExcerpt(out, d.span, sources, "^~", "", style);
    for (const Label& label : d.labels) {
      if (!label.span.IsValid()) {
        out += fmt::format("   note: {}\n", Printable(label.text));
        continue;
      }
      if (label.span.file != d.span.file) out += fmt::format("  {}:\n", Printable(sources.Describe(label.span)));
      AppendExcerpt(out, label.span, sources, "-", label.text, style);
    }
    for (const std::string& help : d.helps) out += fmt::format("   {}help:{} {}\n", style.bold, style.reset, Printable(help));
  }
  return out;
}

std::string RenderJson(const Sink& sink, const source::SourceManager& sources) {
  nlohmann::json list = nlohmann::json::array();
  for (const Diagnostic& d : sink.Sorted()) {
    nlohmann::json item = PlaceOf(d.span, sources);
    item["severity"] = SeverityName(d.severity);
    item["rule"] = KindName(d.kind);
    item["message"] = Printable(d.message);
    item["help"] = nlohmann::json::array();
    for (const std::string& help : d.helps) item["help"].push_back(Printable(help));
    for (const Label& label : d.labels) {
      nlohmann::json place = PlaceOf(label.span, sources);
      place["message"] = Printable(label.text);
      item["related"].push_back(std::move(place));
    }
    list.push_back(std::move(item));
  }
  return list.dump(2) + "\n";
}

}  // namespace ravelin::diag
