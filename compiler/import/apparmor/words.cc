#include "compiler/import/apparmor/words.h"

#include <charconv>

#include "compiler/base/check.h"
#include "compiler/import/apparmor/embedded_words.h"

namespace ravelin::import::apparmor {
namespace {

struct Row {
  std::string_view kind, word, first, second;
};

std::vector<std::string_view> Cut(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> out;
    for (const std::string_view line : Cut(EmbeddedWords("words.tsv"), '\n')) {
      if (line.empty() || line[0] == '#') continue;
      std::vector<std::string_view> cells = Cut(line, '\t');
      RAVELIN_CHECK(cells.size() >= 2, "words.tsv has a row without a word");
      cells.resize(4);
      out.push_back({cells[0], cells[1], cells[2], cells[3]});
    }
    return out;
  }();
  return rows;
}

const Row* Find(std::string_view kind, std::string_view word) {
  for (const Row& row : Rows()) {
    if (row.kind == kind && row.word == word) return &row;
  }
  return nullptr;
}

uint64_t Number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  RAVELIN_CHECK(error == std::errc() && end == text.data() + text.size(), "words.tsv has a malformed number");
  return value;
}

}  // namespace

std::optional<MountOption> FindMountOption(std::string_view word) {
  const Row* row = Find("mount", word);
  if (row == nullptr) return std::nullopt;
  return MountOption{static_cast<uint32_t>(Number(row->first)), static_cast<uint32_t>(Number(row->second))};
}

std::optional<int> FindSignalWord(std::string_view word) {
  if (word.starts_with("rtmin+")) {
    // As strtoul reads it: digits may be missing, what follows them does not matter.
    int value = 0;
    for (const char c : word.substr(6)) {
      if (c < '0' || c > '9') break;
      value = value * 10 + (c - '0');
      if (value > 32) return std::nullopt;
    }
    return 128 + value;
  }
  const Row* row = Find("signal", word);
  if (row == nullptr) return std::nullopt;
  return static_cast<int>(Number(row->first));
}

bool IsSocketType(std::string_view word) { return Find("socket", word) != nullptr; }
bool IsFamily(std::string_view word) { return Find("family", word) != nullptr; }

std::string_view RlimitUnit(std::string_view word) {
  const Row* row = Find("rlimit", word);
  return row == nullptr ? std::string_view() : row->first;
}

std::optional<int64_t> MicrosecondsOf(std::string_view unit) {
  const Row* row = Find("time", unit);
  if (row == nullptr) return std::nullopt;
  return static_cast<int64_t>(Number(row->first));
}

std::optional<std::string_view> FlagGroup(std::string_view word) {
  const Row* row = Find("flag", word);
  if (row == nullptr) return std::nullopt;
  return row->first;
}

std::string_view NewerWord(std::string_view word) {
  const Row* row = Find("newer", word);
  return row == nullptr ? std::string_view() : row->first;
}

std::vector<std::string_view> WordsOf(std::string_view kind) {
  std::vector<std::string_view> out;
  for (const Row& row : Rows()) {
    if (row.kind == kind) out.push_back(row.word);
  }
  return out;
}

}  // namespace ravelin::import::apparmor
