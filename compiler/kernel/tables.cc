#include "compiler/kernel/tables.h"

#include <charconv>

#include "compiler/base/check.h"
#include "compiler/kernel/embedded_tables.h"

namespace ravelin::kernel {

std::vector<std::string_view> SplitTable(std::string_view text, char separator) {
  std::vector<std::string_view> cells;
  while (true) {
    const size_t at = text.find(separator);
    cells.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return cells;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::vector<std::string_view>> TableRows(std::string_view file) {
  std::string_view text = EmbeddedTable(file);
  RAVELIN_CHECK(!text.empty(), "an embedded table is missing");
  std::vector<std::vector<std::string_view>> rows;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.front() != '#') rows.push_back(SplitTable(line, '\t'));
  }
  return rows;
}

uint64_t TableNumber(std::string_view text) {
  const bool hex = text.size() > 2 && text[0] == '0' && text[1] == 'x';
  if (hex) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  RAVELIN_CHECK(error == std::errc() && end == text.data() + text.size(), "an embedded table has a malformed number");
  return value;
}

}  // namespace ravelin::kernel
