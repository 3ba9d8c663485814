// A recording as lines of JSON, for other programs.
#include <fmt/format.h>

#include "profiler/observe/fact.h"

namespace ravelin::observe {
namespace {

// As json::Quote, but a path is any bytes: each beyond ASCII stands for itself as a character of Latin-1, and comes back so.
std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string Object(const Attributes& attributes) {
  std::string out;
  for (const auto& [key, value] : attributes) out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", Quote(key), Quote(value));
  return "{" + out + "}";
}

std::string List(const std::set<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + Quote(text);
  return "[" + out + "]";
}

}  // namespace

std::string ExportLines(const Recording& recording) {
  std::string out;
  std::map<Fact, std::map<std::string, const Sighting*>> facts;
  for (const auto& [id, run] : recording.runs) {
    const Completeness& c = run.completeness;
    std::string channels;
    for (const auto& [name, channel] : c.channels) channels += fmt::format("{}{}: {{\"lost\": {}, \"unread\": {}}}", channels.empty() ? "" : ", ", Quote(name), channel.lost, channel.unread);
    out += fmt::format("{{\"run\": {}, \"driver\": {}, \"command\": {}, \"kernel\": {}, \"arch\": {}, \"started\": {:.3f}, \"ended\": {:.3f}, \"status\": {}, \"variation\": {}, \"complete\": {}, \"channels\": {{{}}}, \"blind\": {}, \"doubts\": {}, \"clean_start\": {}, \"clean_end\": {}}}\n", Quote(id),
                       Quote(run.driver), Quote(run.command), Quote(run.kernel), Quote(run.arch), run.started, run.ended, Quote(run.status), Object(run.variation), c.Whole(), channels, List(c.blind), List(c.doubts), c.clean_start, c.clean_end);
    for (const auto& [fact, seen] : run.facts) facts[fact][id] = &seen;
  }
  for (const auto& [fact, seen] : facts) {
    std::string runs;
    for (const auto& [id, one] : seen) runs += fmt::format("{}{}: {{\"count\": {}, \"first\": {:.3f}, \"last\": {:.3f}, \"example\": {}}}", runs.empty() ? "" : ", ", Quote(id), one->count, one->first, one->last, Quote(one->example));
    out += fmt::format("{{\"facet\": {}, \"operation\": {}, \"attributes\": {}, \"process\": {}, \"seen\": {{{}}}}}\n", Quote(fact.facet), Quote(fact.operation), Object(Decode(fact.attributes)), Object(Decode(fact.process)), runs);
  }
  return out;
}

}  // namespace ravelin::observe
