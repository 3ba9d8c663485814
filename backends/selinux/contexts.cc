#include "backends/selinux/contexts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace ravelin::selinux {
namespace {

bool IsMeta(char c) { return std::string_view(".^$?*+|[({").find(c) != std::string_view::npos; }

// One byte.  `)`, `\` and what file_contexts cannot hold go into a class: libselinux compares a first component without
// metacharacters as it stands, escapes included.
std::string Literal(unsigned char c) {
  if (IsMeta(static_cast<char>(c))) return fmt::format("\\{}", static_cast<char>(c));
  if (c <= ' ' || c >= 127 || c == '"' || c == '\\' || c == ')' || c == ']' || c == '}' || c == '#' || c == ';') return fmt::format("[\\x{:02x}]", c);
  return std::string(1, static_cast<char>(c));
}

std::string ClassByte(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '/') return std::string(1, static_cast<char>(c));
  return fmt::format("\\x{:02x}", c);
}

// The class at `at`, of a pattern that was parsed before.
std::string Class(const std::string& pattern, size_t& at) {
  ++at;
  const bool negated = pattern[at] == '^' || pattern[at] == '!';
  if (negated) ++at;
  std::vector<bool> in(256, false);
  for (bool first = true; pattern[at] != ']' || first; first = false) {
    if (pattern[at] == '\\') ++at;
    const auto lo = static_cast<unsigned char>(pattern[at++]);
    unsigned hi = lo;
    if (pattern[at] == '-' && pattern[at + 1] != ']') {
      hi = static_cast<unsigned char>(pattern[at + 1]);
      at += 2;
    }
    for (unsigned b = lo; b <= hi; ++b) in[b] = true;
  }
  ++at;
  in['/'] = negated;  // a class never holds a slash
  if (negated) in[0] = false;
  std::string out = negated ? "[^" : "[";
  for (unsigned b = 1; b < 256; ++b) {
    if (!in[b]) continue;
    unsigned end = b;
    while (end + 1 < 256 && in[end + 1]) ++end;
    out += ClassByte(static_cast<unsigned char>(b));
    if (end > b + 1) out += "-";
    if (end > b) out += ClassByte(static_cast<unsigned char>(end));
    b = end;
  }
  return out + "]";
}

// Characters that `a` and `b` begin with alike, up to the first metacharacter, whole escapes only.
size_t CommonStem(const std::string& a, const std::string& b) {
  size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at] && !IsMeta(a[at])) {
    const size_t step = a[at] == '\\' ? 2 : 1;
    if (a.compare(at, step, b, at, step) != 0) break;
    at += step;
  }
  return at;
}

struct Cell {
  std::vector<uint32_t> label;
  uint32_t base = 0;
  std::set<uint32_t> required;
  std::set<uint32_t> refused;
  std::string regex;
  Precedence precedence;
};

void Render(Cell& cell, const std::vector<std::string>& regexes) {
  const std::string& base = regexes[cell.base];
  size_t cut = base.size();
  for (const auto* conditions : {&cell.required, &cell.refused}) {
    for (const uint32_t p : *conditions) cut = std::min(cut, CommonStem(base, regexes[p]));
  }
  cell.regex = base.substr(0, cut);
  for (const uint32_t p : cell.required) cell.regex += fmt::format("(?={}$)", regexes[p].substr(cut));
  for (const uint32_t p : cell.refused) cell.regex += fmt::format("(?!{}$)", regexes[p].substr(cut));
  cell.regex += base.substr(cut);
  cell.precedence = PrecedenceOf(cell.regex);
}

bool Wins(const Precedence& a, const Precedence& b) { return a.exact != b.exact ? a.exact : a.stem > b.stem; }

}  // namespace

Precedence PrecedenceOf(const std::string& regex) {
  Precedence out{true, 0, 0};
  for (size_t i = 0; i < regex.size(); ++i, ++out.length) {
    if (IsMeta(regex[i])) out.exact = false;
    if (regex[i] == '\\') ++i;
    if (out.exact) ++out.stem;
  }
  return out;
}

std::string RegexOf(const std::string& pattern) {
  std::string out;
  size_t at = 0;
  int depth = 0;
  while (at < pattern.size()) {
    const char c = pattern[at];
    if (c == '*') {
      const bool deep = pattern.compare(at, 2, "**") == 0;
      const bool after_slash = at > 0 && pattern[at - 1] == '/';
      out += std::string(deep ? "." : "[^/]") + (after_slash ? "+" : "*");
      at += deep ? 2 : 1;
    } else if (c == '?') {
      out += "[^/]";
      ++at;
    } else if (c == '[') {
      out += Class(pattern, at);
    } else if (c == '{' || (c == '}' && depth > 0) || (c == ',' && depth > 0)) {
      depth += c == '{' ? 1 : c == '}' ? -1
                                       : 0;
      out += c == '{' ? "(" : c == '}' ? ")"
                                       : "|";
      ++at;
    } else {
      if (c == '\\') ++at;
      out += Literal(static_cast<unsigned char>(pattern[at++]));
    }
  }
  return out;
}

std::vector<FileContext> MakeContexts(const std::vector<std::string>& patterns, const std::map<std::vector<uint32_t>, std::string>& cells) {
  std::vector<std::string> regexes;
  regexes.reserve(patterns.size());
  for (const std::string& pattern : patterns) regexes.push_back(RegexOf(pattern));
  std::vector<std::vector<const std::vector<uint32_t>*>> with(patterns.size());  // labels that hold a pattern
  for (const auto& cell : cells) {
    for (const uint32_t p : cell.first) with[p].push_back(&cell.first);
  }
  std::vector<Cell> all;
  std::map<const std::vector<uint32_t>*, size_t> index;
  for (const auto& entry : cells) {
    Cell cell{entry.first, entry.first.front(), {}, {}, "", {}};
    for (const uint32_t p : cell.label) {
      if (PrecedenceOf(regexes[p]) > PrecedenceOf(regexes[cell.base])) cell.base = p;
    }
    // Patterns that the base does not imply are required besides.
    for (const uint32_t p : cell.label) {
      const bool implied = std::all_of(with[cell.base].begin(), with[cell.base].end(), [&](const auto* label) { return std::binary_search(label->begin(), label->end(), p); });
      if (!implied) cell.required.insert(p);
    }
    Render(cell, regexes);
    index[&entry.first] = all.size();
    all.push_back(std::move(cell));
  }
  // Where a smaller set of paths lies inside and its entry does not win by itself, what makes it smaller is refused here.
  for (bool changed = true; changed;) {
    changed = false;
    for (Cell& cell : all) {
      for (const auto* label : with[cell.base]) {
        if (label->size() <= cell.label.size() || !std::includes(label->begin(), label->end(), cell.label.begin(), cell.label.end())) continue;
        const Cell& inner = all[index.at(label)];
        if (Wins(inner.precedence, cell.precedence)) continue;
        const bool refused = std::any_of(label->begin(), label->end(), [&](uint32_t p) { return cell.refused.count(p) != 0; });
        if (refused) continue;
        for (const uint32_t p : *label) {
          if (std::binary_search(cell.label.begin(), cell.label.end(), p)) continue;
          cell.refused.insert(p);
          break;
        }
        Render(cell, regexes);
        changed = true;
      }
    }
  }
  std::sort(all.begin(), all.end(), [](const Cell& a, const Cell& b) { return a.precedence != b.precedence ? a.precedence < b.precedence : a.regex < b.regex; });
  std::vector<FileContext> contexts;
  contexts.reserve(all.size());
  for (const Cell& cell : all) contexts.push_back({cell.regex, cells.at(cell.label)});
  return contexts;
}

}  // namespace ravelin::selinux
