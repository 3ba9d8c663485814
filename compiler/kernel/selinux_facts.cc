#include "compiler/kernel/selinux_facts.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {
namespace {

std::vector<std::string> Words(std::string_view text, char separator) {
  std::vector<std::string> words;
  if (text == "-") return words;
  for (const std::string_view word : SplitTable(text, separator)) words.emplace_back(word);
  return words;
}

SelinuxNeeds ReadNeeds(std::string_view text) {
  SelinuxNeeds needs;
  for (const std::string& word : Words(text, '+')) {
    if (word.rfind("policycap:", 0) == 0) {
      needs.policy_capabilities.push_back(word.substr(10));
    } else {
      RAVELIN_CHECK(word.rfind("kernel:", 0) == 0, "a need is neither policycap nor kernel");
      needs.kernel = ParseVersion(word.substr(7));
      RAVELIN_CHECK(needs.kernel.has_value(), "a need names no kernel release");
    }
  }
  return needs;
}

ValueTest ReadValues(std::string_view text) {
  ValueTest test;
  if (text == "*") return {{}, true};
  if (text.front() == '!') {
    test.excluded = true;
    text.remove_prefix(1);
  }
  for (const std::string_view value : SplitTable(text, '|')) test.values.push_back(TableNumber(value));
  return test;
}

struct ClassTables {
  std::vector<std::pair<std::string, std::vector<std::string>>> commons;
  std::vector<SelinuxClass> classes;

  ClassTables() {
    for (const auto& row : TableRows("selinux_classes.tsv")) {
      RAVELIN_CHECK(row.size() == 6, "selinux_classes.tsv has a malformed row");
      if (row[0] == "common") {
        commons.emplace_back(row[1], Words(row[3], ' '));
        continue;
      }
      SelinuxClass one{std::string(row[1]), row[2] == "-" ? "" : std::string(row[2]), Words(row[3], ' '), {}, ReadNeeds(row[4])};
      for (const auto& common : commons) {
        if (common.first == one.common) one.all = common.second;
      }
      RAVELIN_CHECK(one.common.empty() == one.all.empty(), "selinux_classes.tsv names a common that it does not list before");
      one.all.insert(one.all.end(), one.permissions.begin(), one.permissions.end());
      classes.push_back(std::move(one));
    }
  }
};

const ClassTables& Classes() {
  static const ClassTables tables;
  return tables;
}

void ReadSees(std::string_view text, SelinuxViewRow& row) {
  for (const std::string& word : Words(text, ',')) {
    if (word.rfind("port~", 0) == 0) {
      for (const std::string_view range : SplitTable(std::string_view(word).substr(5), '|')) {
        const auto ends = SplitTable(range, '-');
        row.unasked_ports.emplace_back(TableNumber(ends.front()), TableNumber(ends.back()));
      }
      continue;
    }
    const size_t at = word.find('=');
    if (at == std::string::npos) {
      row.sees.push_back(word);
      continue;
    }
    SelinuxCondition condition;
    const bool excluded = at > 0 && word[at - 1] == '!';
    condition.attribute = word.substr(0, excluded ? at - 1 : at);
    condition.numbers.excluded = excluded;
    for (const std::string_view value : SplitTable(std::string_view(word).substr(at + 1), '|')) {
      if (value.front() >= '0' && value.front() <= '9') {
        condition.numbers.values.push_back(TableNumber(value));
      } else {
        condition.words.emplace_back(value);
      }
    }
    row.conditions.push_back(std::move(condition));
  }
}

void CheckRow(const SelinuxViewRow& row) {
  for (const std::string& name : row.classes) {
    if (name == "@socket") continue;
    const SelinuxClass* found = FindSelinuxClass(name);
    RAVELIN_CHECK(found != nullptr, "view_selinux.tsv names an unknown class");
    for (const std::string& permission : row.permissions) {
      RAVELIN_CHECK(std::find(found->all.begin(), found->all.end(), permission) != found->all.end(), "view_selinux.tsv names a permission that the class lacks");
    }
  }
}

}  // namespace

bool ValueTest::Holds(uint64_t value) const { return (std::find(values.begin(), values.end(), value) != values.end()) != excluded; }

bool SelinuxViewRow::Sees(std::string_view word) const { return std::find(sees.begin(), sees.end(), word) != sees.end(); }

std::span<const SelinuxClass> SelinuxClasses() { return Classes().classes; }

const SelinuxClass* FindSelinuxClass(std::string_view name) {
  for (const SelinuxClass& one : Classes().classes) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

std::span<const std::pair<std::string, std::vector<std::string>>> SelinuxCommons() { return Classes().commons; }

std::span<const SelinuxSocketRow> SelinuxSocketRows() {
  static const std::vector<SelinuxSocketRow> rows = [] {
    std::vector<SelinuxSocketRow> all;
    for (const auto& row : TableRows("selinux_sockets.tsv")) {
      RAVELIN_CHECK(row.size() == 5 && FindSelinuxClass(row[0]) != nullptr, "selinux_sockets.tsv has a malformed row");
      all.push_back({std::string(row[0]), ReadValues(row[1]), ReadValues(row[2]), ReadValues(row[3]), ReadNeeds(row[4])});
    }
    return all;
  }();
  return rows;
}

std::span<const SelinuxViewRow> SelinuxViewRows() {
  static const std::vector<SelinuxViewRow> rows = [] {
    std::vector<SelinuxViewRow> all;
    for (const auto& row : TableRows("view_selinux.tsv")) {
      RAVELIN_CHECK(row.size() == 7, "view_selinux.tsv has a malformed row");
      const bool any = row[3].find('|') != std::string_view::npos;
      SelinuxViewRow one{std::string(row[0]), std::string(row[1]), Words(row[2], ','), Words(row[3], any ? '|' : ','), any, {}, {}, {}, ReadNeeds(row[5]), std::string(row[6])};
      ReadSees(row[4], one);
      CheckRow(one);
      all.push_back(std::move(one));
    }
    return all;
  }();
  return rows;
}

}  // namespace ravelin::kernel
