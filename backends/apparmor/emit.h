// Profiles to text, and which line came from where.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/apparmor/lower.h"

namespace ravelin::apparmor {

struct ProfileText {
  std::string text;
  std::vector<std::string> places;  // [line - 1]: "web.rav:7:3", or ""
};

// `head`: lines of comment on top, without `#`.
ProfileText Emit(std::span<const Profile> profiles, std::span<const std::string> head);

}  // namespace ravelin::apparmor
