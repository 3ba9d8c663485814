#include "profiler/generalize/places.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"
#include "profiler/generalize/embedded_tables.h"
#include "profiler/observe/table.h"

namespace ravelin::generalize {
namespace {

struct Row {
  std::string pattern;
  ir::PathSet set;
  std::string kind;
  std::string why;
};

// The last column is why; of two columns the kind is "".
std::vector<Row> RowsOf(std::string_view table, size_t columns) {
  std::vector<Row> out;
  for (const auto& row : observe::TableRows(EmbeddedTable(table))) {
    RAVELIN_CHECK(row.size() == columns, "a table of places has a row with other columns");
    auto set = ir::PathSet::Parse(row[0]);
    RAVELIN_CHECK(set.has_value(), "a table of places has a pattern that cannot be read");
    out.push_back({std::string(row[0]), std::move(*set), columns == 3 ? std::string(row[1]) : "", std::string(row.back())});
  }
  return out;
}

std::string Judge(const std::string& pattern) {
  static const std::vector<Row> rows = RowsOf("sensitive.tsv", 2);
  if (ir::IsLiteral(pattern)) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& one) { return one.set.Contains(pattern); });
    return row == rows.end() ? "" : row->why;
  }
  const auto set = ir::PathSet::Parse(pattern);
  if (!set) return "a pattern that is too large to judge";
  for (const Row& row : rows) {
    const auto common = set->Intersect(row.set);
    if (!common || !common->Empty()) return row.why;
  }
  return "";
}

const std::vector<Row>& Places() {
  static const std::vector<Row> rows = RowsOf("places.tsv", 3);
  return rows;
}

bool IsOfKind(const std::string& path, std::string_view kind) {
  return std::any_of(Places().begin(), Places().end(), [&](const Row& row) { return row.kind == kind && row.set.Contains(path); });
}

}  // namespace

std::string Sensitive::Reaches(const std::string& pattern) const {
  const auto [at, is_new] = asked_.emplace(pattern, "");
  if (is_new) at->second = Judge(pattern);
  return at->second;
}

bool IsPublic(const std::string& path) { return IsOfKind(path, "public"); }
bool IsSearched(const std::string& folder) { return IsOfKind(folder, "path"); }
bool IsVoid(const std::string& path) { return IsOfKind(path, "void"); }
bool IsSource(const std::string& path) { return IsOfKind(path, "source"); }

std::vector<std::string> PatternsOfKind(const std::string& kind) {
  std::vector<std::string> out;
  for (const Row& row : Places()) {
    if (row.kind == kind) out.push_back(row.pattern);
  }
  return out;
}

bool IsCommon(const std::string& folder) { return folder.empty() || IsOfKind(folder, "common"); }

}  // namespace ravelin::generalize
