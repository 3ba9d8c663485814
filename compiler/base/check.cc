#include "compiler/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ravelin::base {

void CheckFailed(const char* condition, const char* message, const char* file, int line) {
  std::fprintf(stderr, "ravelin: internal error: %s: %s (%s:%d)\n", message, condition, file, line);
  std::fprintf(stderr, "ravelin: this is a bug in ravelin, not in your policy; nothing was written\n");
  std::fflush(stderr);
  std::_Exit(70);
}

}  // namespace ravelin::base
