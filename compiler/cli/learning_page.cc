#include "compiler/cli/learning_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/gap_report.h"
#include "compiler/cli/html.h"

namespace ravelin::cli {
namespace {

constexpr size_t kMostLines = 200;  // of evidence for one rule

constexpr const char* kStyle = R"(
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
.say { opacity: .8; font-size: .92em; } .unused { opacity: .75; } .unused code { text-decoration: underline dotted; }
.tree ul { list-style: none; margin: 0; padding-left: 1.1rem; border-left: 1px solid var(--line); } .tree > ul { border: 0; padding-left: 0; }
.plot, .graph { max-width: 100%; height: auto; } .graph { max-width: none; }
svg text { font: 12px ui-monospace, monospace; fill: currentColor; }
polyline { fill: none; stroke: currentColor; stroke-width: 2; } .axis, .edge { fill: none; stroke: currentColor; opacity: .6; }
rect { fill: var(--soft); stroke: var(--line); } marker path { fill: currentColor; }
.rule { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .2rem .8rem .4rem; } .rule pre { margin: .2rem 0; }
.rule summary code { white-space: pre-wrap; } .rule:target { outline: 2px solid Highlight; }
)";

const char* EffectWord(ir::Effect effect) {
  switch (effect) {
    case ir::Effect::kAllow: return "allow";
    case ir::Effect::kDeny: return "deny";
    case ir::Effect::kAudit: return "audit";
    case ir::Effect::kQuiet: return "quiet";
    case ir::Effect::kComplain: return "complain";
    case ir::Effect::kNever: return "never";
  }
  return "";
}

std::string RunsText(const driver::EvidenceLine& line, size_t runs) { return fmt::format("runs {}/{}, ×{}", line.runs, runs, line.count); }

std::string RuleDetails(const LearningReport& report, const ir::Rule& rule) {
  const std::vector<size_t>& lines = report.evidence.of_rule[rule.id];
  const std::string seen = lines.empty() ? "<strong class=\"state\">nothing was seen for it</strong>" : fmt::format("{} thing{} seen", lines.size(), lines.size() == 1 ? "" : "s");
  std::string out = fmt::format("<details class=\"rule\" id=\"rule-{}\">\n<summary><code>{}</code> <span class=\"say\">{}</span></summary>\n<p class=\"say\">{}{}</p>\n", rule.id, Escape(report.rules[rule.id]), seen, Escape(rule.from.place), rule.from.because.empty() ? "" : "; because " + Escape(rule.from.because));
  if (lines.empty()) return out + "</details>\n";
  out += "<ul>\n";
  for (size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) {
    const driver::EvidenceLine& line = report.evidence.lines[lines[i]];
    out += fmt::format("<li><code>{}</code> <span class=\"say\">{}{}{}</span></li>\n", Escape(line.shown), RunsText(line, report.evidence.runs), line.example.empty() ? "" : "; for example ", Escape(line.example));
  }
  if (lines.size() > kMostLines) out += fmt::format("<li class=\"say\">and {} more</li>\n", lines.size() - kMostLines);
  return out + "</ul>\n</details>\n";
}

std::string Rules(const LearningReport& report) {
  std::string out = "<section aria-labelledby=\"rules\">\n<h2 id=\"rules\">Rules, and the evidence for each</h2>\n";
  for (const ir::Rule& rule : report.domain->rules) {
    if (rule.effect == ir::Effect::kAllow || rule.effect == ir::Effect::kComplain) {
      out += RuleDetails(report, rule);
    } else {
      out += fmt::format("<details class=\"rule\" id=\"rule-{}\">\n<summary><code>{}</code> <span class=\"say\">{}</span></summary>\n<p class=\"say\">{}</p>\n</details>\n", rule.id, Escape(report.rules[rule.id]), EffectWord(rule.effect), Escape(rule.from.place));
    }
  }
  return out + "</section>\n";
}

std::string Refused(const LearningReport& report, size_t* count) {
  std::string rows;
  *count = 0;
  for (const driver::EvidenceLine& line : report.evidence.lines) {
    if (line.permitted) continue;
    ++*count;
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", Escape(line.shown), RunsText(line, report.evidence.runs), Escape(line.example));
  }
  if (*count == 0) return "";
  return "<section aria-labelledby=\"refused\">\n<h2 id=\"refused\">Seen, and refused by the policy</h2>\n" + Table("What was observed and the policy does not permit", "<th scope=\"col\">what</th><th scope=\"col\">how often</th><th scope=\"col\">for example</th>", rows) + "</section>\n";
}

std::string Gaps(const LearningReport& report) {
  std::string out = "<section aria-labelledby=\"gaps\">\n<h2 id=\"gaps\">What the layers leave open</h2>\n";
  std::string set;
  for (const driver::GapRow& row : report.gaps.rows) {
    const std::string layers = fmt::format("{}", fmt::join(row.layers, " + "));
    if (layers != set) out += fmt::format("<h3>{}</h3>\n", Escape(layers));
    set = layers;
    out += GapDetails(row);
  }
  if (report.gaps.rows.empty() && report.gaps.not_judged.empty()) out += "<p>No gap: every layer set permits what the policy says.</p>\n";
  for (const std::string& why : report.gaps.not_judged) out += fmt::format("<p><strong>Not judged:</strong> {}</p>\n", Marked(why));
  return out + "</section>\n";
}

}  // namespace

std::string LearningPage(const LearningReport& report) {
  size_t refused = 0;
  const std::string refused_section = Refused(report, &refused);
  std::string lead = fmt::format("<p>Policy {} against {} run{} of a workload.", Escape(report.policy), report.recording->runs.size(), report.recording->runs.size() == 1 ? "" : "s");
  if (refused != 0) lead += fmt::format(" <a class=\"state\" href=\"#refused\">{} thing{} that were seen are refused.</a>", refused, refused == 1 ? "" : "s");
  if (report.evidence.not_judged != 0) lead += fmt::format(" Of {} too little was recorded to judge them.", report.evidence.not_judged);
  lead += "</p>\n<ul>\n";
  for (const auto& [id, run] : report.recording->runs) lead += fmt::format("<li><code>{}</code> <span class=\"say\">{}; {}; {} facts</span></li>\n", Escape(run.command), Escape(run.driver), Escape(run.status), run.facts.size());
  lead += "</ul>\n";
  std::string links;
  for (const auto& [id, name] : {std::pair("complete", "Completeness"), {"refused", "Refused"}, {"paths", "Paths"}, {"calls", "System calls"}, {"programs", "Programs"}, {"gaps", "Gaps"}, {"rules", "Rules"}}) {
    if (std::string_view(id) != "refused" || refused != 0) links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", id, name);
  }
  return PageText({"What was learned", "What " + report.domain->name + " did, and what its policy grants", lead, "<nav aria-label=\"Sections\"><ul>\n" + links + "</ul></nav>\n",
                   CurveSection(report) + refused_section + PathSection(report) + CallSection(report) + ExecSection(report) + Gaps(report) + Rules(report), kStyle});
}

}  // namespace ravelin::cli
