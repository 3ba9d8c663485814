#include "profiler/observe/audit_pattern.h"

#include <algorithm>

namespace ravelin::observe {

std::optional<Named> NameIn(std::string_view record) {
  constexpr std::string_view kField = " name=\"";
  const size_t field = record.find(kField);
  if (field == std::string_view::npos) return std::nullopt;
  const size_t begin = field + kField.size();
  const size_t end = record.find('"', begin);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view name = record.substr(begin, end - begin);
  if (name.size() < 2 || name.front() != '/' || name.back() == '/') return std::nullopt;
  char before = 0;
  for (const char c : name) {
    if (c <= ' ' || c > '~' || c == '%' || c == '\\') return std::nullopt;
    if (before == '/' && (c == '/' || c == '.')) return std::nullopt;
    before = c;
  }
  return Named{record.substr(0, begin), name, record.substr(end)};
}

std::string AuditPattern::Text::With(std::string_view name) const {
  if (at == std::string::npos) return text;
  std::string out;
  out.reserve(text.size() + name.size());
  return out.append(text, 0, at).append(name).append(text, at, std::string::npos);
}

AuditPattern::Text AuditPattern::TextOf(const std::string& text, std::string_view name) {
  const size_t at = text.find(name);
  if (at == std::string::npos) return {text, at};
  return {std::string(text).erase(at, name.size()), at};
}

std::vector<std::pair<Fact, Sighting>> AuditPattern::Facts(std::string_view name, double time) const {
  std::vector<std::pair<Fact, Sighting>> out;
  out.reserve(said_.size());
  for (const Said& one : said_) {
    auto& [fact, seen] = out.emplace_back(one.fact, Sighting{one.count, time, time, one.example.With(name)});
    fact.attributes = one.attributes.With(name);
  }
  return out;
}

std::optional<AuditPattern> AuditPattern::Of(const Meaning& one, std::string_view name, const Meaning& other, std::string_view other_name) {
  AuditPattern out;
  out.records_ = one.counted.records;
  out.not_understood_ = one.counted.not_understood;
  for (const auto& [fact, seen] : one.run.facts) {
    if (seen.first != seen.last) return std::nullopt;
    out.said_.push_back({{fact.facet, fact.operation, "", fact.process}, TextOf(fact.attributes, name), TextOf(seen.example, name), seen.count});
  }
  // Everything else that the second one says must be what the first one says.
  Meaning expected = other;
  expected.run.facts.clear();
  expected.run.completeness = one.run.completeness;
  const double time = other.run.facts.empty() ? 0 : other.run.facts.begin()->second.first;
  for (auto& said : out.Facts(other_name, time)) expected.run.facts.insert(std::move(said));
  if (!(expected.run == other.run) || other.counted.records != out.records_ || other.counted.not_understood != out.not_understood_) return std::nullopt;
  return one.run.completeness == Completeness() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace ravelin::observe
