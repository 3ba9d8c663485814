#include "compiler/kernel/view.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  if (text == "-") return words;
  for (const std::string_view word : SplitTable(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

struct FacetTables {
  std::vector<FacetInfo> facets;
  std::map<std::string, std::vector<std::string>> closures;  // "network/listen"
  std::set<std::string> passive;                             // "signal/receive"
  std::map<std::string, CarriedBy> carried;
  std::set<std::string> lacks;                               // "network/create/port"

  FacetTables() {
    for (const auto& row : TableRows("facets.tsv")) {
      if (row[0] == "closure") {
        RAVELIN_CHECK(row.size() == 5, "facets.tsv has a malformed closure");
        closures[std::string(row[1]) + "/" + std::string(row[2])] = Words(row[3]);
        continue;
      }
      if (row[0] == "stands") continue;  // operation_words.cc
      if (row[0] == "passive") {
        RAVELIN_CHECK(row.size() == 4, "facets.tsv has a malformed row of passive operations");
        for (const std::string& operation : Words(row[2])) passive.insert(std::string(row[1]) + "/" + operation);
        continue;
      }
      if (row[0] == "carried") {
        RAVELIN_CHECK(row.size() == 5, "facets.tsv has a malformed row of what is carried");
        const auto by = Words(row[2]);
        const size_t equals = row[3].find('=');
        carried[std::string(row[1])] = {by.at(0), by.at(1), std::string(row[3].substr(0, equals)), TableNumber(row[3].substr(equals + 1))};
        continue;
      }
      if (row[0] == "lacks") {
        RAVELIN_CHECK(row.size() == 5, "facets.tsv has a malformed row of what is lacking");
        for (const std::string& operation : Words(row[2])) {
          for (const std::string& attribute : Words(row[3])) lacks.insert(std::string(row[1]) + "/" + operation + "/" + attribute);
        }
        continue;
      }
      RAVELIN_CHECK(row[0] == "facet" && row.size() == 6, "facets.tsv has a malformed row");
      FacetInfo facet{std::string(row[1]), Words(row[2]), Words(row[3])};
      for (std::string& text : Words(row[4])) facet.attributes.push_back(std::move(text));
      facets.push_back(std::move(facet));
    }
  }
};

const FacetTables& GetFacets() {
  static const FacetTables tables;
  return tables;
}

// A number, a constant, or `{A|B}`; nullopt where the architecture lacks a constant.
std::optional<uint64_t> ReadValue(Arch arch, std::string_view text) {
  if (text.size() > 1 && text.front() == '{') {
    uint64_t all = 0;
    for (const std::string_view part : SplitTable(text.substr(1, text.size() - 2), '|')) {
      const auto value = ReadValue(arch, part);
      if (!value) return std::nullopt;
      all |= *value;
    }
    return all;
  }
  if (text == "-1") return ~uint64_t{0};
  if (!text.empty() && text.front() >= '0' && text.front() <= '9') return TableNumber(text);
  return FindConstant(arch, text);
}

const Param* FindParam(const Syscall& call, std::string_view name) {
  for (const Param& param : call.params) {
    if (param.name == name) return &param;
  }
  return nullptr;
}

// `param&MASK`: both parts; false where the call or the architecture lacks one.
bool ReadMasked(Arch arch, const Syscall& call, std::string_view text, std::string* param, uint64_t* mask) {
  const size_t amp = text.find('&');
  *param = text.substr(0, amp);
  *mask = ~uint64_t{0};
  if (FindParam(call, *param) == nullptr) return false;
  if (amp == std::string_view::npos) return true;
  const auto value = ReadValue(arch, text.substr(amp + 1));
  if (value) *mask = *value;
  return value.has_value();
}

class View {
 public:
  explicit View(Arch arch) {
    for (const auto& row : TableRows("view_seccomp.tsv")) {
      RAVELIN_CHECK(row.size() == 7, "view_seccomp.tsv has a malformed row");
      for (const std::string_view name : SplitTable(row[0], ' ')) {
        const Syscall* call = FindSyscall(arch, name);
        if (call != nullptr) Add(arch, *call, row);
      }
    }
  }
  std::span<const ViewRow> Of(std::string_view call) const {
    const auto it = rows_.find(std::string(call));
    return it == rows_.end() ? std::span<const ViewRow>() : it->second;
  }
  const std::map<std::string, std::vector<ViewRow>>& rows() const { return rows_; }

 private:
  void Add(Arch arch, const Syscall& call, const std::vector<std::string_view>& row) {
    ViewRow out;
    out.call = call.name;
    out.mode = row[1].substr(0, 5) == "needs" ? RowMode::kNeeds : row[1] == "follows" ? RowMode::kFollows : RowMode::kServes;
    out.object_may_be_absent = row[1].back() == '?';
    const auto what = SplitTable(row[2], ' ');
    RAVELIN_CHECK(what.size() == 2, "view_seccomp.tsv: facet and operation");
    out.facet = what[0];
    out.operation = what[1];
    const FacetInfo* facet = FindFacet(out.facet);
    RAVELIN_CHECK(facet != nullptr && std::find(facet->operations.begin(), facet->operations.end(), out.operation) != facet->operations.end(), "view_seccomp.tsv names an unknown operation");
    out.hidden = Words(row[5]);
    out.source = row[6];
    if (!AddTests(arch, call, row[3], out)) return;
    for (const std::string& word : Words(row[4])) {
      const size_t equals = word.find('=');
      Binding binding{word.substr(0, equals), "", 0};
      if (ReadMasked(arch, call, std::string_view(word).substr(equals + 1), &binding.param, &binding.mask)) {
        out.bindings.push_back(std::move(binding));
      } else {
        out.hidden.push_back(word.substr(0, equals) + "!");
      }
    }
    rows_[call.name].push_back(std::move(out));
  }

  // False: the row does not exist here (a constant of the condition is missing).
  bool AddTests(Arch arch, const Syscall& call, std::string_view text, ViewRow& out) {
    if (text == "-") return true;
    while (!text.empty()) {
      const size_t end = text.find(" && ");
      const std::string_view test = text.substr(0, end);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 4);
      const size_t at = test.find("!=") != std::string_view::npos ? test.find("!=") : test.find("==");
      RAVELIN_CHECK(at != std::string_view::npos, "view_seccomp.tsv has a malformed condition");
      RowTest one{"", 0, test[at] == '=', 0};
      const auto value = ReadValue(arch, test.substr(at + 2));
      if (!value) return false;
      one.value = *value;
      if (!ReadMasked(arch, call, test.substr(0, at), &one.param, &one.mask)) {
        if (FindParam(call, one.param) != nullptr) return false;
        // The argument is in memory on this architecture: the call may or may not ask for it.
        out.mode = RowMode::kServes;
        out.when.clear();
        return true;
      }
      out.when.push_back(std::move(one));
    }
    return true;
  }

  std::map<std::string, std::vector<ViewRow>> rows_;
};

// One view an architecture, made when it is first asked for, by whichever thread asks first.
const View& ViewOf(Arch arch) {
  struct Slot {
    std::once_flag made;
    std::optional<View> view;
  };
  static std::array<Slot, kArchCount> slots;
  Slot& slot = slots[static_cast<size_t>(arch)];
  std::call_once(slot.made, [&] { slot.view.emplace(arch); });
  return *slot.view;
}

}  // namespace

std::span<const ViewRow> ViewRows(Arch arch, std::string_view call) { return ViewOf(arch).Of(call); }

std::vector<std::string> CallsFor(Arch arch, std::string_view facet, std::string_view operation) {
  std::vector<std::string> calls;
  for (const auto& [call, rows] : ViewOf(arch).rows()) {
    if (std::any_of(rows.begin(), rows.end(), [&](const ViewRow& row) { return row.facet == facet && row.operation == operation; })) calls.push_back(call);
  }
  return calls;
}

std::span<const FacetInfo> Facets() { return GetFacets().facets; }

const FacetInfo* FindFacet(std::string_view name) {
  for (const FacetInfo& facet : Facets()) {
    if (facet.name == name) return &facet;
  }
  return nullptr;
}

bool OperationIsPassive(std::string_view facet, std::string_view operation) { return GetFacets().passive.count(std::string(facet) + "/" + std::string(operation)) != 0; }

const CarriedBy* FacetIsCarriedBy(std::string_view facet) {
  const auto it = GetFacets().carried.find(std::string(facet));
  return it == GetFacets().carried.end() ? nullptr : &it->second;
}

bool OperationLacks(std::string_view facet, std::string_view operation, std::string_view attribute) {
  return GetFacets().lacks.count(std::string(facet) + "/" + std::string(operation) + "/" + std::string(attribute)) != 0;
}

std::vector<std::string> OperationClosure(std::string_view facet, std::string_view operation) {
  std::vector<std::string> all = {std::string(operation)};
  for (size_t i = 0; i < all.size(); ++i) {
    const auto it = GetFacets().closures.find(std::string(facet) + "/" + all[i]);
    if (it == GetFacets().closures.end()) continue;
    for (const std::string& more : it->second) {
      if (std::find(all.begin(), all.end(), more) == all.end()) all.push_back(more);
    }
  }
  return all;
}

std::span<const EquivalentGroup> EquivalentGroups() {
  static const std::vector<EquivalentGroup> groups = [] {
    std::vector<EquivalentGroup> all;
    for (const auto& row : TableRows("equivalents.tsv")) {
      RAVELIN_CHECK(row.size() == 4, "equivalents.tsv has a malformed row");
      all.push_back({std::string(row[0]), Words(row[1]), std::string(row[2]), std::string(row[3])});
    }
    return all;
  }();
  return groups;
}

}  // namespace ravelin::kernel
