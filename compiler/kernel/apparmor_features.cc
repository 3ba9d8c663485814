#include "compiler/kernel/apparmor_features.h"

#include <algorithm>
#include <iterator>

#include "compiler/base/check.h"
#include "compiler/kernel/tables.h"

namespace ravelin::kernel {
namespace {

struct Row {
  std::string_view set, file, text;
};

std::vector<Row> Rows() {
  std::vector<Row> rows;
  for (const auto& row : TableRows("apparmor_features.tsv")) {
    RAVELIN_CHECK(row.size() == 4, "apparmor_features.tsv has a malformed row");
    rows.push_back({row[0], row[1], row[2]});
  }
  return rows;
}

// "folder {file {word word\n}\n}\n" -> "folder/file word", each.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> out;
  std::vector<std::string> open;
  std::string word;
  std::string last;  // a name, if a brace follows
  const auto path = [&] {
    std::string all;
    for (const std::string& part : open) all += (all.empty() ? "" : "/") + part;
    return all;
  };
  const auto take = [&] {
    if (!last.empty()) out.push_back(path() + " " + last);
    last = word;
    word.clear();
  };
  for (const char c : text) {
    if (c == '{') {
      if (!word.empty()) take();
      open.push_back(last);
      last.clear();
    } else if (c == '}' || c == ' ' || c == '\n') {
      if (!word.empty()) take();
      if (c != '}') continue;
      take();
      if (!open.empty()) open.pop_back();
    } else {
      word += c;
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<std::string> ApparmorFeaturesBeyond(std::string_view text, std::string_view other) {
  const std::vector<std::string> here = WordsOf(text);
  const std::vector<std::string> there = WordsOf(other);
  std::vector<std::string> out;
  std::set_difference(here.begin(), here.end(), there.begin(), there.end(), std::back_inserter(out));
  return out;
}

std::vector<std::string> ApparmorFeatureSets() {
  std::vector<std::string> names;
  for (const Row& row : Rows()) {
    if (names.empty() || names.back() != row.set) names.emplace_back(row.set);
  }
  return names;
}

std::string ApparmorFeaturesText(std::string_view set) {
  std::string out;
  std::vector<std::string_view> open;  // folders that are written and not closed
  for (const Row& row : Rows()) {
    if (row.set != set) continue;
    const std::vector<std::string_view> parts = SplitTable(row.file, '/');
    size_t common = 0;
    while (common < open.size() && common + 1 < parts.size() && open[common] == parts[common]) ++common;
    for (; open.size() > common; open.pop_back()) out += "}\n";
    for (size_t i = common; i + 1 < parts.size(); ++i) {
      out += std::string(parts[i]) + " {";
      open.push_back(parts[i]);
    }
    out += std::string(parts.back()) + " {" + std::string(row.text) + "\n}\n";
  }
  for (; !open.empty(); open.pop_back()) out += "}\n";
  return out;
}

std::vector<std::string> ApparmorFeature(std::string_view set, std::string_view file) {
  for (const Row& row : Rows()) {
    if (row.set != set || row.file != file) continue;
    std::vector<std::string> words;
    for (const std::string_view word : SplitTable(row.text, ' ')) words.emplace_back(word);
    return words;
  }
  return {};
}

bool HasApparmorFeature(std::string_view set, std::string_view name) {
  const std::vector<Row> rows = Rows();
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.set == set && (row.file == name || row.file.substr(0, name.size() + 1) == std::string(name) + "/"); });
}

}  // namespace ravelin::kernel
