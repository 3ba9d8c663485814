#include <errno.h>
#include <time.h>

#include <cstdio>
#include <cstring>

#include "profiler/guest/guest.h"

namespace ravelin::guest {
namespace {

std::string& Lines() {
  static std::string lines;
  return lines;
}

}  // namespace

double Now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

void Say(const std::string& key, const std::string& value) {
  Lines() += key + " ";
  for (const char c : value) Lines() += c == '\n' ? ' ' : c;
  Lines() += '\n';
}

void Phase(const char* name) {
  char text[64];
  snprintf(text, sizeof text, "%.6f %s", Now(), name);
  Say("phase", text);
}

void Trouble(const std::string& what) {
  const int error = errno;
  Say("trouble", what + ": " + strerror(error));
  WriteExisting("/dev/kmsg", "ravelin: " + what + ": " + strerror(error) + "\n");  // where the report itself cannot be written
}

std::string Report() { return Lines(); }

}  // namespace ravelin::guest
