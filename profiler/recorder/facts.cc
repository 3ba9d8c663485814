#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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
  seen.last = time;
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
