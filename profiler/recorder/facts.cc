#include <fcntl.h>
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

bool Table::Read(const std::string& path) {
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  unsigned number = 0;
  char roles[16];
  while (fscanf(file, "%u %15s", &number, roles) == 2) {
    if (number >= 4096) continue;
    if (roles_.size() <= number) roles_.resize(number + 1);
    roles_[number] = roles;
    roles_[number].resize(6, '-');
  }
  fclose(file);
  return !roles_.empty();
}

void Facts::Add(const std::string& key, double time) {
  const auto at = seen_.find(key);
  if (at != seen_.end()) {
    ++at->second.count;
    at->second.last = time;
  } else if (seen_.size() < kMostFacts) {
    seen_.emplace(key, Seen{1, time, time});
  } else {
    ++lost_;
  }
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
