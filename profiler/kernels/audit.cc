#include "profiler/kernels/audit.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace ravelin::kernels {
namespace {

// Fields that the kernel writes by audit_log_untrustedstring: in quotes, or in hexadecimal where they hold a space, a quote or a byte that
// does not print (linux-source-6.1 kernel/audit.c).
const std::set<std::string, std::less<>>& UntrustedFields() {
  static const std::set<std::string, std::less<>> names = {"name", "path", "comm", "exe", "cwd", "proctitle", "target", "srcname", "profile", "peer", "label", "fstype", "trans", "old", "new"};
  return names;
}

std::optional<std::string> FromHex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(value);
  }
  return out;
}

void AddField(std::string_view key, std::string_view value, AuditRecord& record) {
  std::string text(value);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  } else if (UntrustedFields().count(key) != 0) {
    if (auto decoded = FromHex(value)) text = *decoded;
  }
  record.fields.emplace(key, std::move(text));
}

void ParseFields(std::string_view text, AuditRecord& record) {
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    if (text[at] == '{') {  // permissions
      const size_t end = std::min(text.find('}', at), text.size());
      for (size_t i = at + 1; i < end;) {
        const size_t stop = std::min(text.find(' ', i), end);
        if (stop > i) record.permissions.emplace_back(text.substr(i, stop - i));
        i = stop + 1;
      }
      at = end + 1;
      continue;
    }
    const size_t equals = text.find_first_of("= ", at);
    if (equals == std::string_view::npos || text[equals] == ' ') {  // a word
      if (text.substr(at, equals - at) == "denied") record.denied = true;
      at = equals == std::string_view::npos ? text.size() : equals + 1;
      continue;
    }
    const bool quoted = equals + 1 < text.size() && text[equals + 1] == '"';
    const size_t end = quoted ? text.find('"', equals + 2) : text.find(' ', equals + 1);
    const size_t stop = end == std::string_view::npos ? text.size() : quoted ? end + 1 : end;
    AddField(text.substr(at, equals - at), text.substr(equals + 1, stop - equals - 1), record);
    at = stop;
  }
}

template <typename Number>
bool Parse(std::string_view& text, Number& out, std::string_view behind) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.substr(0, behind.size()) != behind) return false;
  text.remove_prefix(behind.size());
  return true;
}

bool ParseLine(std::string_view line, std::map<uint64_t, AuditEvent>& events) {
  AuditRecord record;
  double time = 0;
  uint64_t serial = 0;
  if (line.substr(0, 5) != "type=") return false;
  line.remove_prefix(5);
  if (!Parse(line, record.type, " audit(") || !Parse(line, time, ":") || !Parse(line, serial, "):")) return false;
  ParseFields(line, record);
  AuditEvent& event = events[serial];
  event.time = time;
  event.serial = serial;
  event.records.push_back(std::move(record));
  return true;
}

}  // namespace

const AuditRecord* AuditEvent::Find(int type) const {
  const auto at = std::find_if(records.begin(), records.end(), [&](const AuditRecord& record) { return record.type == type; });
  return at == records.end() ? nullptr : &*at;
}

std::string Field(const AuditRecord& record, const std::string& name) {
  const auto at = record.fields.find(name);
  return at == record.fields.end() ? "" : at->second;
}

AuditLog ParseAudit(std::string_view text) {
  AuditLog log;
  std::map<uint64_t, AuditEvent> events;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0 && !ParseLine(text.substr(0, end), events)) ++log.malformed;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  log.events.reserve(events.size());
  for (auto& [serial, event] : events) log.events.push_back(std::move(event));
  return log;
}

}  // namespace ravelin::kernels
