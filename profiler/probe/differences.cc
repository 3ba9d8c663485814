#include "profiler/probe/differences.h"

#include <algorithm>
#include <string_view>

#include "compiler/base/check.h"
#include "profiler/probe/embedded_differences.h"

namespace ravelin::probe {
namespace {

std::vector<Difference> Read(std::string_view text) {
  std::vector<Difference> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> cells;
    for (size_t at = 0; at <= line.size();) {
      const size_t tab = std::min(line.find('\t', at), line.size());
      cells.emplace_back(line.substr(at, tab - at));
      at = tab + 1;
    }
    RAVELIN_CHECK(cells.size() == 6 && !cells[4].empty(), "differences.tsv has a malformed row");
    std::vector<std::string> layers;
    for (size_t at = 0; cells[2] != "-" && at <= cells[2].size();) {
      const size_t comma = std::min(cells[2].find(',', at), cells[2].size());
      layers.push_back(cells[2].substr(at, comma - at));
      at = comma + 1;
    }
    RAVELIN_CHECK(cells[3] == "-" || cells[3] == "permits" || cells[3] == "refuses", "differences.tsv has a malformed row");
    out.push_back({cells[0], cells[1] == "-" ? "" : cells[1], std::move(layers), cells[3] == "-" ? "" : cells[3], cells[4], cells[5]});
  }
  return out;
}

}  // namespace

std::span<const Difference> Differences() {
  static const std::vector<Difference> all = Read(EmbeddedDifferences("differences.tsv"));
  return all;
}

const Difference* DifferenceOf(const Probe& probe, kernels::DriverKind judge, const std::vector<std::string>& layers, Expected came) {
  for (const Difference& one : Differences()) {
    if (!one.judge.empty() && one.judge != kernels::DriverName(judge)) continue;
    if (!one.layers.empty() && std::none_of(one.layers.begin(), one.layers.end(), [&](const std::string& layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); })) continue;
    if ((one.does == "permits" && came == Expected::kRefused) || (one.does == "refuses" && came == Expected::kPermitted)) continue;
    if (probe.shown.rfind(one.words, 0) == 0) return &one;
  }
  return nullptr;
}

}  // namespace ravelin::probe
