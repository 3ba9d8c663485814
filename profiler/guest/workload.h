// Starting a program in its confinement.
#pragma once

#include "profiler/guest/guest.h"

namespace ravelin::guest {

struct StartResult {
  pid_t process = -1;
  int error = 0;       // 0: the program runs
  const char* stage = "";  // of what did not go, where error is not 0
};

// The descriptors become 0, 1 and 2.  `filter`: struct sock_filter, for a step that asks for it.
StartResult StartProgram(const Step& step, const std::string& filter, const Modules& modules, int in, int out, int err);

}  // namespace ravelin::guest
