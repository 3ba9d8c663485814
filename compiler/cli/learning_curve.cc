// The curve of what was met in how many runs, and what it says of the next one.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/cli/html.h"
#include "compiler/cli/learning_page.h"

namespace ravelin::cli {
namespace {

constexpr double kWidth = 640, kHeight = 260, kLeft = 48, kBottom = 32, kTop = 12, kRight = 110;
// Told apart by their dashes as well as by their place.
constexpr const char* kDashes[] = {"none", "8 4", "2 4", "12 4 2 4", "4 2", "1 3", "10 6"};

std::string Plot(const std::vector<generalize::Curve>& curves, size_t runs) {
  double most = 1;
  for (const auto& curve : curves) most = std::max(most, curve.things.back());
  const auto x = [&](size_t run) { return kLeft + (runs < 2 ? 0 : static_cast<double>(run - 1) / static_cast<double>(runs - 1)) * (kWidth - kLeft - kRight); };
  const auto y = [&](double things) { return kHeight - kBottom - things / most * (kHeight - kBottom - kTop); };
  std::string out = fmt::format("<svg class=\"plot\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Distinct things met in how many runs; the table below has the numbers\">\n", kWidth, kHeight);
  out += fmt::format("<path class=\"axis\" d=\"M{0:.0f} {1:.0f}V{2:.0f}H{3:.0f}\"/>\n", kLeft, kTop, kHeight - kBottom, kWidth - kRight);
  for (const double part : {0.0, 0.5, 1.0}) out += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.0f}</text>\n", kLeft - 6, y(most * part) + 4, most * part);
  out += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\">1 run</text><text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{} runs</text>\n", kLeft, kHeight - 10, kWidth - kRight, kHeight - 10, runs);
  std::vector<double> taken;  // where names stand, so that none covers another
  for (size_t i = 0; i < curves.size(); ++i) {
    std::string points;
    for (size_t run = 1; run <= runs; ++run) points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x(run), y(curves[i].things[run - 1]));
    if (runs == 1) points += fmt::format(" {:.1f},{:.1f}", kWidth - kRight, y(curves[i].things[0]));
    double at = y(curves[i].things.back()) + 4;
    for (bool moved = true; moved;) {
      moved = std::any_of(taken.begin(), taken.end(), [&](double other) { return std::abs(other - at) < 13; });
      if (moved) at -= 13;
    }
    taken.push_back(at);
    out += fmt::format("<polyline stroke-dasharray=\"{}\" points=\"{}\"><title>{}</title></polyline><text x=\"{:.0f}\" y=\"{:.1f}\">{}</text>\n", kDashes[i % std::size(kDashes)], points, Escape(curves[i].facet), kWidth - kRight + 6, at, Escape(curves[i].facet));
  }
  return out + "</svg>\n";
}

}  // namespace

std::string CurveSection(const LearningReport& report) {
  std::string out = "<section aria-labelledby=\"complete\">\n<h2 id=\"complete\">How complete it is</h2>\n";
  for (const std::string& why : report.incomplete) out += fmt::format("<p class=\"state\">INCOMPLETE: {}</p>\n", Marked(why));
  out += fmt::format("<p>{}</p>\n", Marked(report.completeness.Words()));
  const size_t runs = report.recording->runs.size();
  if (report.curves.empty()) return out + "<p>Nothing was observed.</p>\n</section>\n";
  if (runs > 1) out += Plot(report.curves, runs);
  std::string head = "<th scope=\"col\">of</th><th scope=\"col\">in 1 run</th>";
  if (runs > 3) head += fmt::format("<th scope=\"col\">in {} runs</th>", runs / 2);
  if (runs > 1) head += fmt::format("<th scope=\"col\">in {} runs</th>", runs);
  std::string rows;
  for (const generalize::Curve& curve : report.curves) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{:.1f}</td>", Escape(curve.facet), curve.things.front());
    if (runs > 3) rows += fmt::format("<td>{:.1f}</td>", curve.things[runs / 2 - 1]);
    if (runs > 1) rows += fmt::format("<td>{:.0f}</td>", curve.things.back());
    rows += "</tr>\n";
  }
  out += Table("Distinct things met, on average over every choice of so many runs", head, rows);
  if (report.completeness.facets.empty() || report.completeness.facets.front().runs < generalize::kFewestRuns) return out + "</section>\n";
  rows.clear();
  for (const generalize::FacetCompleteness& facet : report.completeness.facets) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{} of {}</td><td>{}</td><td>{:.0f}%</td><td>{:.0f}%</td></tr>\n", Escape(facet.facet), facet.surprised, facet.runs, facet.singletons, facet.chance * 100, facet.bound * 100);
  }
  out += Table("What the next run may bring", "<th scope=\"col\">of</th><th scope=\"col\">runs with something new</th><th scope=\"col\">seen in one run only</th><th scope=\"col\">chance that the next run is denied</th><th scope=\"col\">at most (95%)</th>", rows);
  return out + "</section>\n";
}

}  // namespace ravelin::cli
