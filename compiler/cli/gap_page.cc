#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/gap_report.h"
#include "compiler/cli/html.h"

namespace ravelin::cli {
namespace {

std::string ClassOf(std::string word) {
  std::replace(word.begin(), word.end(), ' ', '-');
  return word;
}

std::string Verdicts(const DomainReport& report) {
  if (report.layers.empty()) return "";
  std::string head = "<th scope=\"col\">rule</th>";
  for (const std::string& layer : report.layers) head += fmt::format("<th scope=\"col\">{}</th>", Escape(layer));
  std::string out;
  for (const auto& [rule, words] : report.verdicts) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", Escape(rule));
    for (const std::string& word : words) out += fmt::format("<td class=\"{}\">{}</td>", ClassOf(word), Escape(word));
    out += "</tr>\n";
  }
  return Table(fmt::format("Policy {}: how each layer alone keeps each rule", report.name), head, out);
}

std::string Domain(const DomainReport& report, const std::string& id) {
  std::string out = fmt::format("<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">Policy {1}</h2>\n", id, Escape(report.name)) + Verdicts(report);
  LayerSet set;
  std::string reason;
  for (const driver::GapRow& row : report.rows) {
    if (row.layers != set) out += fmt::format("<h3>{}</h3>\n", Escape(fmt::format("{}", fmt::join(row.layers, " + "))));
    set = row.layers;
    out += GapDetails(row);
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

std::string GapDetails(const driver::GapRow& row) {
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
  return PageText({"Gap report", "What the layers enforce, and what they leave open", fmt::format("<p>{} open, {} accepted.</p>\n", open, accepted),
                   count > 1 ? "<nav aria-label=\"Policies\"><ul>\n" + links + "</ul></nav>\n" : "", body, ""});
}

}  // namespace ravelin::cli
