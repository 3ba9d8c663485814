#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/gap_report.h"

namespace ravelin::cli {
namespace {

// Text as it may stand between tags and in quoted attributes; bytes that are no characters of a page are shown as such.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
        out += control ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
      }
    }
  }
  return out;
}

// Back-ticks of messages become code.
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

std::string ClassOf(std::string word) {
  std::replace(word.begin(), word.end(), ' ', '-');
  return word;
}

std::string Verdicts(const DomainReport& report) {
  if (report.layers.empty()) return "";
  const std::string caption = fmt::format("Policy {}: how each layer alone keeps each rule", Escape(report.name));
  std::string out = fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n<table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">rule</th>", caption, caption);
  for (const std::string& layer : report.layers) out += fmt::format("<th scope=\"col\">{}</th>", Escape(layer));
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& [rule, words] : report.verdicts) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", Escape(rule));
    for (const std::string& word : words) out += fmt::format("<td class=\"{}\">{}</td>", ClassOf(word), Escape(word));
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n</div>\n";
}

std::string Gap(const driver::GapRow& row) {
  const std::string where = row.place + (!row.rule || row.name.empty() ? "" : " (" + row.name + ")");
  std::string out = fmt::format("<details class=\"gap{}\"{}>\n<summary><span class=\"state\">{}</span> {} than <code>{}</code>: {}</summary>\n<dl>\n", row.accepted() ? " accepted" : "", row.accepted() ? "" : " open",
                                row.accepted() ? "accepted:" : "open:", row.wider ? "wider" : "narrower", Escape(where), Escape(driver::OperationsText(row.operations)));
  out += fmt::format("<dt>Why</dt><dd>{}</dd>\n", Marked(row.reason));
  out += fmt::format("<dt>For example</dt><dd>{} is {}</dd>\n", Marked(row.witness), row.wider ? "permitted" : "refused");
  if (!row.accepted() && !row.acceptance.empty()) out += fmt::format("<dt>Not accepted at {}</dt><dd>{}</dd>\n", Escape(row.acceptance), Escape(driver::OperationsText(row.open)));
  if (!row.accepted()) out += fmt::format("<dt>To accept it, paste{}</dt><dd><pre tabindex=\"0\"><code>{}</code></pre></dd>\n", row.name.empty() ? " (with a label of the rule: <code>LABEL: allow ...</code>)" : "", Escape(driver::AcceptLine(row)));
  if (!row.tighter.empty() && !row.accepted()) out += fmt::format("<dt>Or tighter</dt><dd>{}</dd>\n", Marked(row.tighter.rfind("or ", 0) == 0 ? row.tighter.substr(3) : row.tighter));
  return out + "</dl>\n</details>\n";
}

std::string Domain(const DomainReport& report, const std::string& id) {
  std::string out = fmt::format("<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">Policy {1}</h2>\n", id, Escape(report.name)) + Verdicts(report);
  LayerSet set;
  std::string reason;
  for (const driver::GapRow& row : report.rows) {
    if (row.layers != set) out += fmt::format("<h3>{}</h3>\n", Escape(fmt::format("{}", fmt::join(row.layers, " + "))));
    set = row.layers;
    out += Gap(row);
  }
  if (report.rows.empty() && report.not_judged.empty()) out += "<p>No gap: every layer set permits what the policy says.</p>\n";
  if (!report.base.empty()) {
    out += "<details><summary>What SELinux's base grants beside the rules</summary>\n<ul>\n";
    for (const std::string& grant : report.base) out += fmt::format("<li>{}</li>\n", Marked(grant));
    out += "</ul></details>\n";
  }
  for (const std::string& why : report.not_judged) out += fmt::format("<p><strong>Not judged:</strong> {}</p>\n", Marked(why));
  return out + "</section>\n";
}

}  // namespace

std::string GapPage(const std::vector<FileReport>& files) {
  size_t open = 0;
  size_t accepted = 0;
  std::string links;
  std::string body;
  size_t count = 0;
  for (const FileReport& file : files) {
    body += fmt::format("<p><code>{}</code> for target <code>{}</code></p>\n", Escape(file.file), Escape(file.target));
    for (const DomainReport& report : file.domains) {
      const std::string id = fmt::format("policy-{}", ++count);
      links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", id, Escape(report.name));
      body += Domain(report, id);
      for (const driver::GapRow& row : report.rows) ++(row.accepted() ? accepted : open);
    }
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>Gap report</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#report\">To the report</a>\n<header>\n<h1>What the layers enforce, and what they leave open</h1>\n"
      "<p>{} open, {} accepted.</p>\n</header>\n{}<main id=\"report\" tabindex=\"-1\">\n{}</main>\n</body>\n</html>\n",
      kStyle, open, accepted, count > 1 ? "<nav aria-label=\"Policies\"><ul>\n" + links + "</ul></nav>\n" : "", body);
}

}  // namespace ravelin::cli
