#include "compiler/kernel/lsm_view.h"

#include <algorithm>
#include <map>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"
#include "compiler/kernel/view.h"

namespace ravelin::kernel {
namespace {

std::vector<std::string> List(std::string_view text) {
  std::vector<std::string> out;
  if (text == "-") return out;
  for (const std::string_view part : SplitTable(text, ',')) out.emplace_back(part);
  return out;
}

struct View {
  std::vector<LsmRow> rows;
  std::vector<LsmImplication> implications;
  std::vector<LsmBrought> brought;

  explicit View(std::string_view file) {
    for (const auto& row : TableRows(file)) {
      if (row[0] == "implies") {
        RAVELIN_CHECK(row.size() == 5, "a view table has a malformed implication");
        for (std::string& implied : List(row[3])) implications.push_back({std::string(row[1]), std::string(row[2]), std::move(implied)});
        continue;
      }
      if (row[0] == "brings") {
        RAVELIN_CHECK(row.size() == 6 && (row[1] == "-" || FindFacet(row[1]) != nullptr), "a view table has a malformed row of what is brought along");
        brought.push_back({row[1] == "-" ? "" : std::string(row[1]), std::string(row[2]), std::string(row[3]), std::string(row[4])});
        continue;
      }
      RAVELIN_CHECK(row.size() == 7, "a view table has a malformed row");
      const FacetInfo* facet = FindFacet(row[0]);
      RAVELIN_CHECK(facet != nullptr, "a view table names an unknown facet");
      const std::vector<std::string> operations = row[1] == "*" ? facet->operations : List(row[1]);
      for (const std::string& operation : operations) {
        RAVELIN_CHECK(std::find(facet->operations.begin(), facet->operations.end(), operation) != facet->operations.end(), "a view table names an unknown operation");
        std::vector<std::string> permissions = row[3] == "=" ? std::vector<std::string>{operation} : List(row[3]);
        rows.push_back({std::string(row[0]), operation, row[2] == "-" ? "" : std::string(row[2]), std::move(permissions), List(row[4]), List(row[5]), std::string(row[6])});
      }
    }
  }
};

const View& Get(std::string_view mechanism) {
  static const View apparmor("view_apparmor.tsv");
  RAVELIN_CHECK(mechanism == "apparmor", "a mechanism without a view table");
  return apparmor;
}

}  // namespace

std::span<const LsmRow> LsmRows(std::string_view mechanism) { return Get(mechanism).rows; }

std::vector<const LsmRow*> LsmRowsOf(std::string_view mechanism, std::string_view facet, std::string_view operation) {
  std::vector<const LsmRow*> out;
  for (const LsmRow& row : Get(mechanism).rows) {
    if (row.facet == facet && row.operation == operation) out.push_back(&row);
  }
  return out;
}

std::span<const LsmImplication> LsmImplications(std::string_view mechanism) { return Get(mechanism).implications; }
std::span<const LsmBrought> LsmBroughtAlong(std::string_view mechanism) { return Get(mechanism).brought; }

}  // namespace ravelin::kernel
