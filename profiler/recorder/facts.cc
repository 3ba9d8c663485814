#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

constexpr size_t kMostFacts = 4000000;

void WriteAll(int out, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = write(out, text.data() + at, text.size() - at);
    if (n <= 0) return;
    at += static_cast<size_t>(n);
  }
}

}  // namespace

double Now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

std::string Escape(const std::string& text) {
  std::string out;
  char hex[4];
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%' && c != '|') {
      out += c;
    } else {
      snprintf(hex, sizeof hex, "%%%02x", byte);
      out += hex;
    }
  }
  return out;
}

std::string Proc(pid_t id, const std::string& rest) { return "/proc/" + std::to_string(id) + "/" + rest; }

std::string LinkOf(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = readlink(path.c_str(), target, sizeof target);
  return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

Credentials CredentialsOf(pid_t id) {
  Credentials out;
  FILE* file = fopen(Proc(id, "status").c_str(), "re");
  if (file == nullptr) return out;
  char line[4096];
  unsigned numbers[4];  // real, effective, saved, of files
  while (fgets(line, sizeof line, file) != nullptr) {
    if (sscanf(line, "Uid: %u %u %u %u", &numbers[0], &numbers[1], &numbers[2], &numbers[3]) == 4) out.user = numbers[3];
    if (sscanf(line, "Gid: %u %u %u %u", &numbers[0], &numbers[1], &numbers[2], &numbers[3]) == 4) out.group = numbers[3];
    unsigned long long effective = 0;
    if (sscanf(line, "CapEff: %llx", &effective) == 1) {
      out.overrides = (effective >> 1 & 1) != 0;
      out.reads = (effective >> 2 & 1) != 0;
      out.owns = (effective >> 3 & 1) != 0;
    }
    if (strncmp(line, "Groups:", 7) != 0) continue;
    char* at = line + 7;
    while (true) {
      char* end = nullptr;
      const unsigned long group = strtoul(at, &end, 10);
      if (end == at) break;
      out.groups.push_back(static_cast<gid_t>(group));
      at = end;
    }
  }
  fclose(file);
  return out;
}

bool Table::Read(const std::string& path) {
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  unsigned number = 0;
  unsigned argument = 0;
  unsigned from = 0;
  char roles[16];
  char null[4];
  while (fscanf(file, "%u %15s %u %u %3s", &number, roles, &argument, &from, null) == 5) {
    if (number >= 4096 || argument > 5) continue;
    if (rows_.size() <= number) rows_.resize(number + 1);
    rows_[number].roles = roles;
    rows_[number].roles.resize(6, '-');
    rows_[number].quiet = {argument, from, null[0] == '-' ? -1 : null[0] - '0'};
  }
  fclose(file);
  return !rows_.empty();
}

Facts::Seen* Facts::Add(const std::string& key, double time) {
  const auto at = seen_.find(key);
  if (at == seen_.end() && seen_.size() >= kMostFacts) {
    ++lost_;
    return nullptr;
  }
  Seen& seen = at != seen_.end() ? at->second : seen_.emplace(key, Seen{0, time, time}).first->second;
  ++seen.count;
  // Calls end in another order than they begin.
  seen.first = std::min(seen.first, time);
  seen.last = std::max(seen.last, time);
  return &seen;
}

void Facts::Write(int out) const {
  std::string text;
  char head[96];
  for (const auto& [key, seen] : seen_) {
    snprintf(head, sizeof head, "call\t%llu\t%.6f\t%.6f\t", static_cast<unsigned long long>(seen.count), seen.first, seen.last);
    text += head;
    text += key;
    text += '\n';
    if (text.size() > (1 << 20)) {
      WriteAll(out, text);
      text.clear();
    }
  }
  for (const std::string& trouble : troubles_) text += "trouble\t" + Escape(trouble) + "\n";
  if (lost_ != 0) text += "lost\t" + std::to_string(lost_) + "\n";
  WriteAll(out, text);
}

}  // namespace ravelin::recorder
