#include "compiler/cli/html.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::cli {
namespace {

// Of UTF-8: how long the character is that begins here; 0 where none does.
size_t CharacterAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --open: #a11; --fine: #176b2c; --some: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --open: #ff8f88; --fine: #7ddb93; --some: #ffc766; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 70rem; overflow-wrap: anywhere; }
a.skip { position: absolute; left: -99rem; } a.skip:focus { position: static; }
h1, h2, h3 { line-height: 1.25; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding: .5rem; font-weight: 600; }
th, td { text-align: left; padding: .35rem .6rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: normal; }
tbody th { font-weight: 400; font-family: ui-monospace, monospace; font-size: .9rem; }
.exact { color: var(--fine); } .wider, .narrower, .wider-and-narrower { color: var(--some); font-weight: 600; } .unsupported { opacity: .75; }
.gap { border: 1px solid var(--line); border-left: .3rem solid var(--open); border-radius: .4rem; margin: .8rem 0; padding: .2rem .8rem .6rem; }
.gap.accepted { border-left-color: var(--fine); }
summary { cursor: pointer; padding: .4rem 0; } .state { font-weight: 600; color: var(--open); } .accepted .state { color: var(--fine); }
code { font-family: ui-monospace, monospace; font-size: .92em; }
pre { background: var(--soft); padding: .5rem .7rem; border-radius: .4rem; overflow-x: auto; white-space: pre-wrap; user-select: all; margin: .3rem 0; }
dt { font-weight: 600; margin-top: .4rem; } dd { margin: 0; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
@media print { details > * { display: block; } }
)";

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterAt(text, at);
    const char c = text[at];
    if (length > 1) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    ++at;
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool shown = length == 1 && ((byte >= 0x20 && byte != 0x7f) || c == '\n' || c == '\t');
        out += shown ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
      }
    }
  }
  return out;
}

std::string Marked(std::string_view text) {
  std::string out;
  bool code = false;
  const bool paired = std::count(text.begin(), text.end(), '`') % 2 == 0;
  for (size_t at = 0; at <= text.size();) {
    const size_t tick = paired ? std::min(text.find('`', at), text.size()) : text.size();
    out += Escape(text.substr(at, tick - at));
    if (tick < text.size()) {
      out += code ? "</code>" : "<code>";
      code = !code;
    }
    at = tick + 1;
  }
  return out;
}

std::string Table(std::string_view caption, std::string_view head, std::string_view rows) {
  const std::string name = Escape(caption);
  return fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">\n<table>\n<caption>{0}</caption>\n<thead><tr>{1}</tr></thead>\n<tbody>\n{2}</tbody>\n</table>\n</div>\n", name, head, rows);
}

std::string PageText(const Page& page) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#report\">To the report</a>\n<header>\n<h1>{}</h1>\n{}</header>\n{}<main id=\"report\" tabindex=\"-1\">\n{}</main>\n</body>\n</html>\n",
      Escape(page.title), kStyle, page.style, Escape(page.heading), page.lead, page.navigation, page.body);
}

}  // namespace ravelin::cli
