#include "profiler/observe/fact.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "profiler/observe/cursor.h"
#include "profiler/observe/log.h"

namespace ravelin::observe {
namespace {

bool Plain(unsigned char c) { return c > 0x20 && c < 0x7f && c != '%'; }

void Put(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (Plain(static_cast<unsigned char>(c))) {
      out += c;
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
}

int Digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && Digit(text[i + 1]) >= 0 && Digit(text[i + 2]) >= 0) {
      out += static_cast<char>(Digit(text[i + 1]) * 16 + Digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The greater of two texts: any total order makes the join commutative.
void Join(std::string& one, const std::string& other) { one = std::max(one, other); }

void Join(Completeness& one, const Completeness& other) {
  for (const auto& [name, channel] : other.channels) {
    Channel& mine = one.channels[name];
    mine.lost = std::max(mine.lost, channel.lost);
    mine.unread = std::max(mine.unread, channel.unread);
  }
  one.blind.insert(other.blind.begin(), other.blind.end());
  one.doubts.insert(other.doubts.begin(), other.doubts.end());
  one.clean_start &= other.clean_start;
  one.clean_end &= other.clean_end;
}

void Join(Run& one, const Run& other) {
  Join(one.driver, other.driver);
  Join(one.command, other.command);
  Join(one.kernel, other.kernel);
  Join(one.arch, other.arch);
  Join(one.status, other.status);
  one.started = std::min(one.started, other.started);
  one.ended = std::max(one.ended, other.ended);
  for (const auto& [key, value] : other.variation) Join(one.variation[key], value);
  Join(one.completeness, other.completeness);
  for (const auto& [fact, sighting] : other.facts) {
    const auto [at, is_new] = one.facts.try_emplace(fact, sighting);
    if (!is_new) observe::Join(at->second, sighting);
  }
}

std::set<Fact> WithoutProcesses(const Recording& recording) {
  std::set<Fact> out;
  for (const auto& [id, run] : recording.runs) {
    for (const auto& [fact, sighting] : run.facts) out.insert({fact.facet, fact.operation, fact.attributes, ""});
  }
  return out;
}

}  // namespace

std::string Encode(const Attributes& attributes) {
  std::string out;
  for (const auto& [key, value] : attributes) {
    if (!out.empty()) out += ' ';
    out += key;
    out += '=';
    Put(out, value);
  }
  return out;
}

Attributes Decode(std::string_view text) {
  Attributes out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view one = text.substr(at, end - at);
    if (const size_t equals = one.find('='); equals != std::string_view::npos) out.emplace(one.substr(0, equals), Unescape(one.substr(equals + 1)));
    at = end + 1;
  }
  return out;
}

uint64_t Completeness::Lost() const {
  uint64_t lost = 0;
  for (const auto& [name, channel] : channels) lost += channel.lost;
  return lost;
}

bool Completeness::Whole() const { return Lost() == 0 && clean_start && clean_end && doubts.empty(); }

std::vector<std::string> Completeness::WhyNotWhole() const {
  std::vector<std::string> out;
  for (const auto& [name, channel] : channels) {
    if (channel.lost != 0) out.push_back(fmt::format("{} events of the channel `{}` were lost", channel.lost, name));
  }
  if (!clean_start) out.emplace_back("the recording began after the workload");
  if (!clean_end) out.emplace_back("the recording ended before the workload");
  out.insert(out.end(), doubts.begin(), doubts.end());
  return out;
}

void Run::Add(const Fact& fact, double time, std::string_view example, uint64_t count) {
  Sighting& seen = facts[fact];
  if (seen.count == 0 || time < seen.first) {
    seen.first = time;
    seen.example = example;
  }
  seen.last = seen.count == 0 ? time : std::max(seen.last, time);
  seen.count += count;
}

Recording Merge(Recording one, const Recording& other) {
  for (const auto& [id, run] : other.runs) {
    const auto [at, is_new] = one.runs.emplace(id, run);
    if (!is_new) Join(at->second, run);
  }
  return one;
}

Difference Diff(const Recording& first, const Recording& second) {
  const std::set<Fact> a = WithoutProcesses(first);
  const std::set<Fact> b = WithoutProcesses(second);
  Difference out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.only_first));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(out.only_second));
  return out;
}

std::string Show(const Fact& fact) {
  std::string out = fmt::format("{} {}", fact.facet, fact.operation);
  if (!fact.attributes.empty()) out += " " + fact.attributes;
  return out;
}

std::string RunIdentity(std::string_view kind, std::string_view content) { return Log(content).Identity(kind); }

std::string FreshRunIdentity() {
  std::random_device device;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("run-{:016x}{:08x}{:08x}", static_cast<uint64_t>(now), device(), device() ^ static_cast<unsigned>(getpid()));
}

}  // namespace ravelin::observe
