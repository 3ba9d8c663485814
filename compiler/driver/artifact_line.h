// A line of an emitted text artifact.
#pragma once

#include <cstdint>
#include <string>

namespace ravelin::driver {

struct ArtifactLine {
  uint32_t number = 0;  // of the emitted file, from 1
  std::string text;     // "/srv/www/** r," or "(allow ...)", without the comment
  std::string place;    // "web.rav:7:3"; "" for what no rule asked for by itself
  bool denies = false;
};

}  // namespace ravelin::driver
