// Rows of the tables of the profiler: comments and empty lines left out, cut at tabs.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace ravelin::observe {

inline std::vector<std::vector<std::string_view>> TableRows(std::string_view text) {
  std::vector<std::vector<std::string_view>> rows;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string_view> cells;
    for (size_t at = 0; at <= line.size();) {
      const size_t tab = std::min(line.find('\t', at), line.size());
      cells.push_back(line.substr(at, tab - at));
      at = tab + 1;
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace ravelin::observe
